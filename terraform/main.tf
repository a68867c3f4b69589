# What the other files share. Read in this order: network.tf, cluster.tf, nodes.tf, addons.tf, identity.tf.

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  # Its name; the attribute called so is spelt differently in version 6 of the provider.
  region  = data.aws_region.current.id
  account = data.aws_caller_identity.current.account_id

  makes_cluster = var.manage == "all"
  makes_network = local.makes_cluster && var.network.cidr != null
}
