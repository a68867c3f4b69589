# The control plane: its key, its logs, its role, who may administer it.

data "aws_iam_policy_document" "cluster_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["eks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "cluster" {
  count = local.makes_cluster ? 1 : 0

  name                 = "${var.cluster_name}_Cluster"
  description          = "The control plane of the cluster ${var.cluster_name}"
  assume_role_policy   = data.aws_iam_policy_document.cluster_trust.json
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "cluster" {
  count = local.makes_cluster ? 1 : 0

  role       = aws_iam_role.cluster[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/AmazonEKSClusterPolicy"
}

resource "aws_kms_key" "secrets" {
  count = local.makes_cluster && var.kms_key_arn == null ? 1 : 0

  description         = "Secrets of the cluster ${var.cluster_name}"
  enable_key_rotation = true
  # What was encrypted by it cannot be read without it: as long as AWS allows to think again.
  deletion_window_in_days = 30

  tags = var.tags
}

resource "aws_kms_alias" "secrets" {
  count = length(aws_kms_key.secrets)

  name          = "alias/eks/${var.cluster_name}"
  target_key_id = aws_kms_key.secrets[0].key_id
}

# EKS would make it by itself, and keep the logs for ever.
resource "aws_cloudwatch_log_group" "cluster" {
  count = local.makes_cluster && length(var.log_types) > 0 ? 1 : 0

  name              = "/aws/eks/${var.cluster_name}/cluster"
  retention_in_days = var.log_retention_days

  tags = var.tags
}

resource "aws_eks_cluster" "this" {
  count = local.makes_cluster ? 1 : 0

  name                      = var.cluster_name
  role_arn                  = aws_iam_role.cluster[0].arn
  version                   = var.kubernetes_version
  enabled_cluster_log_types = var.log_types
  # Where add-ons are managed they bring everything; otherwise EKS puts its own unmanaged ones in.
  bootstrap_self_managed_addons = length(var.addons) == 0

  access_config {
    authentication_mode = var.authentication_mode
    # Whoever creates the cluster can always get in, whatever var.administrators says.
    bootstrap_cluster_creator_admin_permissions = true
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = var.kms_key_arn != null ? var.kms_key_arn : aws_kms_key.secrets[0].arn
    }
  }

  vpc_config {
    subnet_ids              = local.subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = length(var.public_access_cidrs) > 0
    public_access_cidrs     = length(var.public_access_cidrs) > 0 ? var.public_access_cidrs : null
  }

  tags = var.tags

  # The role must still be able to clean up when the cluster goes, and the log group must be there first.
  depends_on = [aws_iam_role_policy_attachment.cluster, aws_cloudwatch_log_group.cluster]

  lifecycle {
    # Both count only at the moment of creation; a change would make a new cluster.
    ignore_changes = [
      bootstrap_self_managed_addons,
      access_config[0].bootstrap_cluster_creator_admin_permissions,
    ]

    precondition {
      condition     = length(local.subnets_by_zone) >= 2
      error_message = "EKS needs subnets in two zones: add the missing ones to network.subnet_ids, or their tags."
    }
  }
}

resource "aws_eks_access_entry" "administrator" {
  for_each = local.makes_cluster ? toset(var.administrators) : []

  cluster_name  = aws_eks_cluster.this[0].name
  principal_arn = each.key

  tags = var.tags
}

resource "aws_eks_access_policy_association" "administrator" {
  for_each = local.makes_cluster ? toset(var.administrators) : []

  cluster_name  = aws_eks_cluster.this[0].name
  principal_arn = aws_eks_access_entry.administrator[each.key].principal_arn
  policy_arn    = "arn:${local.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

# manage = roles: the cluster is there already.
data "aws_eks_cluster" "existing" {
  count = local.makes_cluster ? 0 : 1

  name = var.cluster_name
}

locals {
  # Reading these waits for the cluster.
  cluster_name = local.makes_cluster ? aws_eks_cluster.this[0].name : data.aws_eks_cluster.existing[0].name
  issuer_url   = local.makes_cluster ? aws_eks_cluster.this[0].identity[0].oidc[0].issuer : data.aws_eks_cluster.existing[0].identity[0].oidc[0].issuer
}
