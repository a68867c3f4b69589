# What the rest is built on: names, addresses and ARNs. None is a secret.

output "cluster" {
  description = "The cluster: how to reach it, and who vouches for its pods."
  value = {
    name              = local.cluster_name
    arn               = local.makes_cluster ? aws_eks_cluster.this[0].arn : data.aws_eks_cluster.existing[0].arn
    version           = local.makes_cluster ? aws_eks_cluster.this[0].version : data.aws_eks_cluster.existing[0].version
    endpoint          = local.makes_cluster ? aws_eks_cluster.this[0].endpoint : data.aws_eks_cluster.existing[0].endpoint
    ca                = local.makes_cluster ? aws_eks_cluster.this[0].certificate_authority[0].data : data.aws_eks_cluster.existing[0].certificate_authority[0].data
    region            = local.region
    account           = local.account
    issuer            = local.issuer_url
    oidc_provider_arn = local.provider_arn
  }
}

output "network" {
  description = "The VPC and its subnets by zone; null with manage = roles."
  value = !local.makes_cluster ? null : {
    vpc_id          = local.vpc_id
    private_subnets = local.subnets_by_zone
    public_subnets  = { for zone, subnet in aws_subnet.public : zone => [subnet.id] }
  }
}

output "node_groups" {
  description = "Node groups: the pool, the zone where they are of one, and the autoscaling group behind them."
  value = {
    for name, group in aws_eks_node_group.this : name => {
      pool              = local.groups[name].pool
      zone              = local.groups[name].zone
      arn               = group.arn
      autoscaling_group = group.resources[0].autoscaling_groups[0].name
    }
  }
}

output "autoscaler_role_arn" {
  description = "The role of the cluster autoscaler, for its service account's annotation; null without."
  value       = one(aws_iam_role.autoscaler[*].arn)
}

output "role_arns" {
  description = "ARNs of var.roles, by their keys."
  value       = { for key, role in aws_iam_role.pod : key => role.arn }
}
