# EKS's add-ons: what every node needs before the nodes, which are not ready without the CNI; what runs as Deployments after them.

locals {
  # Those that run as DaemonSets only: they wait for no node.
  daemon_addons = ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"]

  addons              = local.makes_cluster ? var.addons : {}
  addons_before_nodes = { for name, addon in local.addons : name => addon if contains(local.daemon_addons, name) }
  addons_after_nodes  = { for name, addon in local.addons : name => addon if !contains(local.daemon_addons, name) }

  # Add-ons that call AWS: the role's name, the service account, the policy that AWS keeps for it.
  addon_roles = {
    for name, role in {
      vpc-cni = {
        name            = "VpcCni"
        service_account = "kube-system/aws-node"
        policy          = "AmazonEKS_CNI_Policy"
      }
      aws-ebs-csi-driver = {
        name            = "EbsCsi"
        service_account = "kube-system/ebs-csi-controller-sa"
        policy          = "service-role/AmazonEBSCSIDriverPolicy"
      }
    } : name => role if contains(keys(local.addons), name)
  }
}

resource "aws_iam_role" "addon" {
  for_each = local.addon_roles

  name                 = "${var.cluster_name}_${each.value.name}"
  description          = "The add-on ${each.key} of the cluster ${var.cluster_name}"
  assume_role_policy   = jsonencode(local.irsa_trust[each.value.service_account])
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "addon" {
  for_each = local.addon_roles

  role       = aws_iam_role.addon[each.key].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/${each.value.policy}"
}

resource "aws_eks_addon" "before_nodes" {
  for_each = local.addons_before_nodes

  cluster_name                = aws_eks_cluster.this[0].name
  addon_name                  = each.key
  addon_version               = each.value.version
  configuration_values        = each.value.configuration == null ? null : jsonencode(each.value.configuration)
  service_account_role_arn    = contains(keys(local.addon_roles), each.key) ? aws_iam_role.addon[each.key].arn : null
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  tags = var.tags

  depends_on = [aws_iam_role_policy_attachment.addon]
}

resource "aws_eks_addon" "after_nodes" {
  for_each = local.addons_after_nodes

  cluster_name                = aws_eks_cluster.this[0].name
  addon_name                  = each.key
  addon_version               = each.value.version
  configuration_values        = each.value.configuration == null ? null : jsonencode(each.value.configuration)
  service_account_role_arn    = contains(keys(local.addon_roles), each.key) ? aws_iam_role.addon[each.key].arn : null
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  tags = var.tags

  depends_on = [aws_iam_role_policy_attachment.addon, aws_eks_node_group.this]
}
