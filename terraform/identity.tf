# Roles that pods take: the issuer's provider, the autoscaler's role, the users' roles.

locals {
  issuer = replace(local.issuer_url, "https://", "")

  # Which ways lead to a role: its own, and while its pods move, the one that they come from.
  takes = {
    for key, role in var.roles : key => {
      irsa         = role.identity == "irsa" || role.moves_from == "irsa"
      pod_identity = role.identity == "pod-identity" || role.moves_from == "pod-identity"
    }
  }

  creates_provider = coalesce(var.oidc_provider, local.makes_cluster ? "create" : "existing") == "create"
  needs_provider   = local.makes_cluster || anytrue([for key, role in var.roles : local.takes[key].irsa && role.trust == null])
}

resource "aws_iam_openid_connect_provider" "this" {
  count = local.creates_provider ? 1 : 0

  url            = local.issuer_url
  client_id_list = ["sts.amazonaws.com"]

  tags = merge(var.tags, { Name = var.cluster_name })
}

data "aws_iam_openid_connect_provider" "existing" {
  count = !local.creates_provider && local.needs_provider ? 1 : 0

  url = local.issuer_url
}

locals {
  provider_arn = (
    local.creates_provider ? aws_iam_openid_connect_provider.this[0].arn
    : local.needs_provider ? data.aws_iam_openid_connect_provider.existing[0].arn
    : null
  )

  autoscaler_account = var.autoscaler == null ? null : "${var.autoscaler.namespace}/${var.autoscaler.service_account}"

  # Whom a trust policy is for, to the service accounts in it: the add-ons' and the autoscaler's by their account, roles by their key.
  irsa_subjects = merge(
    { for role in local.addon_roles : role.service_account => [role.service_account] },
    local.autoscaler_account == null ? {} : { (local.autoscaler_account) = [local.autoscaler_account] },
    { for key, role in var.roles : key => role.service_accounts if local.takes[key].irsa },
  )

  # A web identity's trust: exact accounts compared exactly, patterns in a statement of their own, STS as the audience in both.
  exact_subjects = {
    for key, accounts in local.irsa_subjects : key =>
    [for account in accounts : "system:serviceaccount:${replace(account, "/", ":")}" if !can(regex("[*?]", account))]
  }
  pattern_subjects = {
    for key, accounts in local.irsa_subjects : key =>
    [for account in accounts : "system:serviceaccount:${replace(account, "/", ":")}" if can(regex("[*?]", account))]
  }

  irsa_trust = {
    for key in keys(local.irsa_subjects) : key => {
      Version = "2012-10-17"
      Statement = concat(
        [for subjects in [local.exact_subjects[key]] : {
          Effect    = "Allow"
          Principal = { Federated = local.provider_arn }
          Action    = "sts:AssumeRoleWithWebIdentity"
          Condition = {
            StringEquals = { "${local.issuer}:aud" = "sts.amazonaws.com", "${local.issuer}:sub" = subjects }
          }
        } if length(subjects) > 0],
        [for subjects in [local.pattern_subjects[key]] : {
          Effect    = "Allow"
          Principal = { Federated = local.provider_arn }
          Action    = "sts:AssumeRoleWithWebIdentity"
          Condition = {
            StringEquals = { "${local.issuer}:aud" = "sts.amazonaws.com" }
            StringLike   = { "${local.issuer}:sub" = subjects }
          }
        } if length(subjects) > 0],
      )
    }
  }

  pod_identity_trust = {
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
    }]
  }

  role_trust = {
    for key, role in var.roles : key => {
      Version = "2012-10-17"
      Statement = concat(
        flatten([for takes in [local.takes[key]] : local.irsa_trust[key].Statement if takes.irsa]),
        flatten([for takes in [local.takes[key]] : local.pod_identity_trust.Statement if takes.pod_identity]),
      )
    }
  }
}

# The cluster autoscaler: sees all groups, resizes this cluster's.

data "aws_iam_policy_document" "autoscaler" {
  statement {
    sid = "See"
    actions = [
      "autoscaling:DescribeAutoScalingGroups",
      "autoscaling:DescribeAutoScalingInstances",
      "autoscaling:DescribeLaunchConfigurations",
      "autoscaling:DescribeScalingActivities",
      "autoscaling:DescribeTags",
      "ec2:DescribeImages",
      "ec2:DescribeInstanceTypes",
      "ec2:DescribeLaunchTemplateVersions",
      "ec2:GetInstanceTypesFromInstanceRequirements",
    ]
    # None of these knows resources.
    resources = ["*"]
  }

  statement {
    sid       = "SeeGroupsOfThisCluster"
    actions   = ["eks:DescribeNodegroup"]
    resources = ["arn:${local.partition}:eks:${local.region}:${local.account}:nodegroup/${var.cluster_name}/*"]
  }

  statement {
    sid       = "ResizeGroupsOfThisCluster"
    actions   = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    resources = ["arn:${local.partition}:autoscaling:${local.region}:${local.account}:autoScalingGroup:*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/k8s.io/cluster-autoscaler/${var.cluster_name}"
      values   = ["owned"]
    }
  }
}

resource "aws_iam_role" "autoscaler" {
  count = local.makes_cluster && var.autoscaler != null ? 1 : 0

  name                 = "${var.cluster_name}_Autoscaler"
  description          = "The cluster autoscaler of ${var.cluster_name}"
  assume_role_policy   = jsonencode(local.irsa_trust[local.autoscaler_account])
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy" "autoscaler" {
  count = length(aws_iam_role.autoscaler)

  name   = "resize-groups"
  role   = aws_iam_role.autoscaler[0].name
  policy = data.aws_iam_policy_document.autoscaler.json
}

# The users' roles.

resource "aws_iam_role" "pod" {
  for_each = var.roles

  name                 = "${var.cluster_name}_${each.key}"
  description          = "Pods of the cluster ${var.cluster_name}"
  assume_role_policy   = each.value.trust != null ? each.value.trust : jsonencode(local.role_trust[each.key])
  permissions_boundary = each.value.boundary != null ? each.value.boundary : var.permissions_boundary
  max_session_duration = each.value.max_session_hours * 3600

  tags = var.tags
}

resource "aws_iam_role_policy" "pod" {
  for_each = { for key, role in var.roles : key => role.policy if role.policy != null }

  name   = each.key
  role   = aws_iam_role.pod[each.key].name
  policy = each.value
}

resource "aws_iam_role_policy_attachment" "pod" {
  for_each = merge([
    for key, role in var.roles : { for arn in role.managed_policies : "${key} ${arn}" => { key = key, arn = arn } }
  ]...)

  role       = aws_iam_role.pod[each.value.key].name
  policy_arn = each.value.arn
}

resource "aws_eks_pod_identity_association" "pod" {
  for_each = merge([
    for key, role in var.roles : {
      # A pattern is one of a role that moves away from here, and never was associated.
      for account in role.service_accounts : "${key} ${account}" => { key = key, account = account } if !can(regex("[*?]", account))
    } if local.takes[key].pod_identity
  ]...)

  cluster_name    = local.cluster_name
  namespace       = split("/", each.value.account)[0]
  service_account = split("/", each.value.account)[1]
  role_arn        = aws_iam_role.pod[each.value.key].arn

  tags = var.tags
}
