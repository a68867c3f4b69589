# Node pools: a managed node group for each, or one in each zone, and the tags by which the autoscaler knows them.

data "aws_iam_policy_document" "node_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

locals {
  # Node group to its pool and, where it is of one zone, that zone.
  groups = !local.makes_cluster ? {} : merge(
    { for name, pool in var.pools : name => { pool = name, zone = null } if !pool.group_per_zone },
    [
      for name, pool in var.pools : {
        for zone in keys(local.subnets_by_zone) : "${name}-${zone}" => { pool = name, zone = zone }
      } if pool.group_per_zone
    ]...
  )

  # EKS cannot change what a group is made of: another group takes its place. The end of the name changes exactly then, so that the new
  # one is there before the old one goes.
  group_names = {
    for group, entry in local.groups : group => "${group}-${substr(sha256(jsonencode([
      var.pools[entry.pool].instance_types,
      var.pools[entry.pool].capacity,
      var.pools[entry.pool].ami_type,
    ])), 0, 8)}"
  }

  # Kubernetes' word for what a taint does, to EKS's.
  taint_effects = {
    NoSchedule       = "NO_SCHEDULE"
    PreferNoSchedule = "PREFER_NO_SCHEDULE"
    NoExecute        = "NO_EXECUTE"
  }

  node_policies = concat(
    ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"],
    # The CNI has a role of its own where it is a managed add-on; otherwise it works with the node's.
    contains(keys(var.addons), "vpc-cni") ? [] : ["AmazonEKS_CNI_Policy"],
  )
}

resource "aws_iam_role" "node" {
  count = local.makes_cluster && length(var.pools) > 0 ? 1 : 0

  name                 = "${var.cluster_name}_Node"
  description          = "Nodes of the cluster ${var.cluster_name}"
  assume_role_policy   = data.aws_iam_policy_document.node_trust.json
  permissions_boundary = var.permissions_boundary

  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = length(aws_iam_role.node) > 0 ? toset(local.node_policies) : []

  role       = aws_iam_role.node[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/${each.key}"
}

resource "aws_launch_template" "node" {
  for_each = local.makes_cluster ? var.pools : {}

  name                   = "${var.cluster_name}-${each.key}"
  description            = "Nodes of the pool ${each.key}"
  update_default_version = true

  # Tokens only, and none for pods: one hop ends at the node. A pod that has no role then has none, instead of the node's.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    # Bottlerocket keeps itself on the first disk, and what pods write on the second.
    device_name = startswith(each.value.ami_type, "BOTTLEROCKET") ? "/dev/xvdb" : "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = each.value.disk_gib
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume", "network-interface"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(var.tags, { Name = "${var.cluster_name}-${each.key}" })
    }
  }

  tags = var.tags
}

resource "aws_eks_node_group" "this" {
  for_each = local.groups

  cluster_name    = aws_eks_cluster.this[0].name
  node_group_name = local.group_names[each.key]
  node_role_arn   = aws_iam_role.node[0].arn
  subnet_ids      = each.value.zone == null ? local.subnet_ids : local.subnets_by_zone[each.value.zone]
  version         = var.kubernetes_version
  ami_type        = var.pools[each.value.pool].ami_type
  capacity_type   = var.pools[each.value.pool].capacity == "spot" ? "SPOT" : "ON_DEMAND"
  instance_types  = var.pools[each.value.pool].instance_types
  labels          = var.pools[each.value.pool].labels

  launch_template {
    id      = aws_launch_template.node[each.value.pool].id
    version = aws_launch_template.node[each.value.pool].latest_version
  }

  scaling_config {
    min_size     = var.pools[each.value.pool].min
    max_size     = var.pools[each.value.pool].max
    desired_size = var.pools[each.value.pool].min
  }

  update_config {
    max_unavailable_percentage = 33
  }

  dynamic "taint" {
    for_each = var.pools[each.value.pool].taints

    content {
      key    = taint.value.key
      value  = taint.value.value
      effect = local.taint_effects[taint.value.effect]
    }
  }

  tags = var.tags

  # Nodes are not ready without the CNI, and cannot join without their policies.
  depends_on = [
    aws_iam_role_policy_attachment.node,
    aws_eks_addon.before_nodes,
    aws_route.nat,
    aws_vpc_endpoint.interface,
    aws_vpc_endpoint.s3,
  ]

  lifecycle {
    create_before_destroy = true
    # The number of nodes belongs to the autoscaler.
    ignore_changes = [scaling_config[0].desired_size]
  }
}

# The autoscaler asks the tags of a group which nodes it would get: the only source while the group has no node.

locals {
  template = "k8s.io/cluster-autoscaler/node-template"

  # Node group to tags.
  group_tags = var.autoscaler == null ? {} : {
    for group, entry in local.groups : group => merge(
      {
        "k8s.io/cluster-autoscaler/enabled"             = "true"
        "k8s.io/cluster-autoscaler/${var.cluster_name}" = "owned"
      },
      {
        for key, value in merge(
          var.pools[entry.pool].labels,
          { "eks.amazonaws.com/capacityType" = var.pools[entry.pool].capacity == "spot" ? "SPOT" : "ON_DEMAND" },
          entry.zone == null ? {} : {
            "topology.kubernetes.io/zone"   = entry.zone
            "topology.ebs.csi.aws.com/zone" = entry.zone
          },
        ) : "${local.template}/label/${key}" => value
      },
      {
        # A key has one tag: of several taints with it the first is told.
        for key, taints in { for taint in var.pools[entry.pool].taints : taint.key => "${taint.value == null ? "" : taint.value}:${taint.effect}"... } :
        "${local.template}/taint/${key}" => taints[0]
      },
      {
        for resource, quantity in merge(
          # What the kubelet leaves to pods: file system, a tenth kept free, 1 GiB reserved.
          { "ephemeral-storage" = "${floor((var.pools[entry.pool].disk_gib * 1024 - 77) * 0.9 - 1024)}Mi" },
          var.pools[entry.pool].resources,
        ) : "${local.template}/resources/${resource}" => quantity
      },
    )
  }

  group_tag_entries = merge([
    for group, tags in local.group_tags : {
      for key, value in tags : "${group} ${key}" => { group = group, key = key, value = value }
    }
  ]...)
}

resource "aws_autoscaling_group_tag" "this" {
  for_each = local.group_tag_entries

  autoscaling_group_name = aws_eks_node_group.this[each.value.group].resources[0].autoscaling_groups[0].name

  tag {
    key                 = each.value.key
    value               = each.value.value
    propagate_at_launch = false
  }
}
