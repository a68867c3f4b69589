# The module's own logic, on plans and applies against a provider that answers nothing by itself.

mock_provider "aws" {
  override_data {
    target = data.aws_availability_zones.available
    values = { names = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"] }
  }

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws" }
  }

  override_data {
    target = data.aws_region.current
    values = { id = "us-west-2" }
  }

  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "444455556666" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::444455556666:role/mocked" }
  }

  mock_resource "aws_launch_template" {
    defaults = { id = "lt-00000000000000000", latest_version = 1 }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:us-west-2:444455556666:key/00000000-0000-0000-0000-000000000000" }
  }

  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::444455556666:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/9C1F" }
  }

  mock_resource "aws_eks_cluster" {
    defaults = {
      identity              = [{ oidc = [{ issuer = "https://oidc.eks.us-west-2.amazonaws.com/id/9C1F" }] }]
      certificate_authority = [{ data = "Q0E=" }]
    }
  }

  mock_resource "aws_eks_node_group" {
    defaults = { resources = [{ autoscaling_groups = [{ name = "eks-group" }], remote_access_security_group_id = "" }] }
  }
}

variables {
  cluster_name = "data-team-prod"
  pools = {
    core = { instance_types = ["m6i.xlarge"], min = 2, max = 3 }
  }
}

run "a_network_has_private_and_public_subnets_in_three_zones" {
  command = plan

  assert {
    condition     = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { us-west-2a = "10.0.0.0/18", us-west-2b = "10.0.64.0/18", us-west-2c = "10.0.128.0/18" }
    error_message = "Private subnets are a quarter of the VPC each."
  }

  assert {
    condition     = { for zone, subnet in aws_subnet.public : zone => subnet.cidr_block } == { us-west-2a = "10.0.192.0/20", us-west-2b = "10.0.208.0/20", us-west-2c = "10.0.224.0/20" }
    error_message = "Public subnets share the last quarter."
  }

  assert {
    condition = alltrue([for subnet in aws_subnet.private :
      subnet.tags["kubernetes.io/role/internal-elb"] == "1" && subnet.tags["kubernetes.io/cluster/data-team-prod"] == "shared" && !contains(keys(subnet.tags), "kubernetes.io/role/elb")
    ])
    error_message = "Private subnets are for internal load balancers only."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : subnet.tags["kubernetes.io/role/elb"] == "1" && !contains(keys(subnet.tags), "kubernetes.io/role/internal-elb")])
    error_message = "Public subnets are for public load balancers."
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["us-west-2a"] && length(aws_route.nat) == 3
    error_message = "One NAT gateway serves all zones."
  }

  assert {
    condition     = length(aws_vpc_endpoint.s3) == 1 && length(aws_vpc_endpoint.interface) == 0 && length(aws_security_group.endpoints) == 0
    error_message = "With NAT only S3 has an endpoint."
  }
}

run "nat_can_be_one_a_zone" {
  command = plan

  variables {
    network = { cidr = "10.1.0.0/20", zones = ["us-west-2a", "us-west-2d"], nat = "per-zone" }
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["us-west-2a", "us-west-2d"] && keys(aws_route.nat) == ["us-west-2a", "us-west-2d"]
    error_message = "Each zone has its NAT gateway."
  }

  assert {
    condition     = aws_subnet.private["us-west-2d"].cidr_block == "10.1.4.0/22" && aws_subnet.public["us-west-2d"].cidr_block == "10.1.13.0/24"
    error_message = "The layout is the same for two zones."
  }
}

run "without_nat_there_are_endpoints" {
  command = plan

  variables {
    network = { cidr = "10.0.0.0/16", nat = "none" }
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_route.nat) == 0
    error_message = "There is no NAT."
  }

  assert {
    condition     = length(setsubtract(["ec2", "ecr.api", "ecr.dkr", "logs", "sts"], keys(aws_vpc_endpoint.interface))) == 0
    error_message = "Nodes and pods need these services."
  }

  assert {
    condition     = aws_vpc_endpoint.interface["sts"].service_name == "com.amazonaws.us-west-2.sts" && aws_vpc_endpoint.interface["sts"].private_dns_enabled
    error_message = "Clients find STS by its usual name."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints[0].cidr_ipv4 == "10.0.0.0/16" && aws_vpc_security_group_ingress_rule.endpoints[0].from_port == 443
    error_message = "Endpoints take HTTPS from the VPC."
  }
}

run "the_cluster_is_encrypted_logged_and_open_to_its_creator" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this[0].access_config[0].authentication_mode == "API_AND_CONFIG_MAP" && aws_eks_cluster.this[0].access_config[0].bootstrap_cluster_creator_admin_permissions
    error_message = "The creator is never locked out."
  }

  assert {
    condition     = aws_eks_cluster.this[0].encryption_config[0].resources == toset(["secrets"]) && aws_kms_key.secrets[0].enable_key_rotation
    error_message = "Secrets are encrypted by a key that is rotated."
  }

  assert {
    condition     = aws_cloudwatch_log_group.cluster[0].name == "/aws/eks/data-team-prod/cluster" && aws_cloudwatch_log_group.cluster[0].retention_in_days == 30
    error_message = "Logs do not stay for ever."
  }

  assert {
    condition     = aws_eks_cluster.this[0].bootstrap_self_managed_addons == false
    error_message = "Managed add-ons leave no room for unmanaged ones."
  }
}

run "administrators_have_access_entries" {
  command = plan

  variables {
    administrators      = ["arn:aws:iam::444455556666:role/Platform"]
    public_access_cidrs = []
    kms_key_arn         = "arn:aws:kms:us-west-2:444455556666:key/ours"
  }

  assert {
    condition     = aws_eks_access_policy_association.administrator["arn:aws:iam::444455556666:role/Platform"].policy_arn == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    error_message = "An administrator has the policy."
  }

  assert {
    condition     = !aws_eks_cluster.this[0].vpc_config[0].endpoint_public_access && aws_eks_cluster.this[0].vpc_config[0].endpoint_private_access
    error_message = "The API can be closed to the internet."
  }

  assert {
    condition     = length(aws_kms_key.secrets) == 0 && aws_eks_cluster.this[0].encryption_config[0].provider[0].key_arn == "arn:aws:kms:us-west-2:444455556666:key/ours"
    error_message = "A given key is used."
  }
}

run "addons_come_in_order_with_roles_of_their_own" {
  command = plan

  assert {
    condition     = keys(aws_eks_addon.before_nodes) == ["eks-pod-identity-agent", "kube-proxy", "vpc-cni"] && keys(aws_eks_addon.after_nodes) == ["aws-ebs-csi-driver", "coredns"]
    error_message = "DaemonSets first."
  }

  assert {
    condition     = { for name, role in aws_iam_role.addon : name => role.name } == { vpc-cni = "data-team-prod_VpcCni", aws-ebs-csi-driver = "data-team-prod_EbsCsi" }
    error_message = "Add-ons that call AWS have roles."
  }

  assert {
    condition     = !contains(keys(aws_iam_role_policy_attachment.node), "AmazonEKS_CNI_Policy")
    error_message = "The node's role has nothing of the CNI."
  }
}

run "without_addons_the_node_has_the_cnis_policy" {
  command = plan

  variables {
    addons = {}
  }

  assert {
    condition     = contains(keys(aws_iam_role_policy_attachment.node), "AmazonEKS_CNI_Policy") && aws_eks_cluster.this[0].bootstrap_self_managed_addons && length(aws_iam_role.addon) == 0
    error_message = "EKS's own add-ons work with the node's role."
  }
}

run "a_node_is_closed_to_its_pods_and_encrypted" {
  command = plan

  assert {
    condition = (
      aws_launch_template.node["core"].metadata_options[0].http_tokens == "required"
      && aws_launch_template.node["core"].metadata_options[0].http_put_response_hop_limit == 1
    )
    error_message = "A pod cannot take the node's role."
  }

  assert {
    condition = (
      aws_launch_template.node["core"].block_device_mappings[0].ebs[0].encrypted == "true"
      && aws_launch_template.node["core"].block_device_mappings[0].ebs[0].volume_type == "gp3"
      && aws_launch_template.node["core"].block_device_mappings[0].ebs[0].volume_size == 20
    )
    error_message = "Disks are gp3 and encrypted."
  }
}

run "a_pool_becomes_one_group_or_one_a_zone" {
  command = plan

  variables {
    pools = {
      core = { instance_types = ["m6i.xlarge"], min = 2, max = 3 }
      ray = {
        instance_types = ["m6i.4xlarge", "m6a.4xlarge"]
        max            = 20
        capacity       = "spot"
        group_per_zone = true
        labels         = { dedicated = "ray" }
        taints = [
          { key = "dedicated", value = "ray", effect = "NoSchedule" },
          { key = "soft", effect = "PreferNoSchedule" },
          { key = "hard", value = "x", effect = "NoExecute" },
        ]
      }
      gpu = {
        instance_types = ["g5.12xlarge"]
        max            = 2
        ami_type       = "AL2023_x86_64_NVIDIA"
        disk_gib       = 200
        resources      = { "nvidia.com/gpu" = "4" }
      }
    }
  }

  assert {
    condition     = keys(aws_eks_node_group.this) == ["core", "gpu", "ray-us-west-2a", "ray-us-west-2b", "ray-us-west-2c"]
    error_message = "The zonal pool has a group in each zone."
  }

  assert {
    condition     = can(regex("^ray-us-west-2a-[0-9a-f]{8}$", aws_eks_node_group.this["ray-us-west-2a"].node_group_name))
    error_message = "A group's name ends with what it is made of."
  }

  assert {
    condition     = aws_eks_node_group.this["ray-us-west-2a"].capacity_type == "SPOT" && aws_eks_node_group.this["core"].capacity_type == "ON_DEMAND"
    error_message = "Capacity is spelt as EKS spells it."
  }

  assert {
    condition = { for taint in aws_eks_node_group.this["ray-us-west-2a"].taint : taint.key => taint.effect } == {
      dedicated = "NO_SCHEDULE", soft = "PREFER_NO_SCHEDULE", hard = "NO_EXECUTE"
    }
    error_message = "Effects are spelt as EKS spells them."
  }

  assert {
    condition     = aws_eks_node_group.this["gpu"].ami_type == "AL2023_x86_64_NVIDIA"
    error_message = "A GPU pool has the image with drivers."
  }

  assert {
    condition = local.group_tags["ray-us-west-2a"] == tomap({
      "k8s.io/cluster-autoscaler/enabled"                                            = "true"
      "k8s.io/cluster-autoscaler/data-team-prod"                                     = "owned"
      "k8s.io/cluster-autoscaler/node-template/label/dedicated"                      = "ray"
      "k8s.io/cluster-autoscaler/node-template/label/eks.amazonaws.com/capacityType" = "SPOT"
      "k8s.io/cluster-autoscaler/node-template/label/topology.kubernetes.io/zone"    = "us-west-2a"
      "k8s.io/cluster-autoscaler/node-template/label/topology.ebs.csi.aws.com/zone"  = "us-west-2a"
      "k8s.io/cluster-autoscaler/node-template/taint/dedicated"                      = "ray:NoSchedule"
      "k8s.io/cluster-autoscaler/node-template/taint/soft"                           = ":PreferNoSchedule"
      "k8s.io/cluster-autoscaler/node-template/taint/hard"                           = "x:NoExecute"
      "k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage"          = "17338Mi"
    })
    error_message = "The autoscaler is told labels, taints and storage."
  }

  assert {
    condition     = local.group_tags["gpu"]["k8s.io/cluster-autoscaler/node-template/resources/nvidia.com/gpu"] == "4" && !contains(keys(local.group_tags["gpu"]), "k8s.io/cluster-autoscaler/node-template/label/topology.kubernetes.io/zone")
    error_message = "GPUs are told, and no zone where a group has several."
  }

  assert {
    condition     = length(aws_autoscaling_group_tag.this) == sum([for tags in local.group_tags : length(tags)])
    error_message = "Every tag of every group is made."
  }
}

run "another_instance_type_is_another_name" {
  command = plan

  variables {
    pools = {
      a = { instance_types = ["m6i.xlarge"], max = 3 }
      b = { instance_types = ["m6i.xlarge"], max = 4, min = 1 }
      c = { instance_types = ["m6a.xlarge"], max = 3 }
    }
  }

  assert {
    condition     = replace(local.group_names["a"], "a-", "") == replace(local.group_names["b"], "b-", "") && replace(local.group_names["a"], "a-", "") != replace(local.group_names["c"], "c-", "")
    error_message = "Sizes change nothing in the name, types do."
  }
}

run "without_autoscaler_there_is_neither_role_nor_tag" {
  command = plan

  variables {
    autoscaler = null
  }

  assert {
    condition     = length(aws_iam_role.autoscaler) == 0 && length(aws_autoscaling_group_tag.this) == 0
    error_message = "Nothing is made for an autoscaler that is not there."
  }
}

run "roles_trust_exactly_their_accounts" {
  command = apply

  variables {
    permissions_boundary = "arn:aws:iam::444455556666:policy/Boundary"
    roles = {
      DaftRole = { service_accounts = ["ray/daft", "jupyterhub/daft"], policy = "{}", max_session_hours = 4 }
      Globs    = { service_accounts = ["ray/exact", "ray-*/daft"], boundary = "arn:aws:iam::444455556666:policy/Own" }
      Pods     = { identity = "pod-identity", service_accounts = ["ray/pods"], managed_policies = ["arn:aws:iam::aws:policy/ReadOnlyAccess"] }
    }
  }

  assert {
    condition = jsondecode(aws_iam_role.pod["DaftRole"].assume_role_policy) == {
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { Federated = "arn:aws:iam::444455556666:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/9C1F" }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = {
            "oidc.eks.us-west-2.amazonaws.com/id/9C1F:aud" = "sts.amazonaws.com"
            "oidc.eks.us-west-2.amazonaws.com/id/9C1F:sub" = ["system:serviceaccount:ray:daft", "system:serviceaccount:jupyterhub:daft"]
          }
        }
      }]
    }
    error_message = "Exact accounts are compared exactly, with STS as the audience."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role.pod["Globs"].assume_role_policy).Statement : keys(statement.Condition)] == [
      ["StringEquals"], ["StringEquals", "StringLike"],
    ]
    error_message = "Patterns have a statement of their own."
  }

  assert {
    condition     = jsondecode(aws_iam_role.pod["Pods"].assume_role_policy).Statement[0].Principal.Service == "pods.eks.amazonaws.com"
    error_message = "Pod Identity is trusted as a service."
  }

  assert {
    condition = (
      aws_eks_pod_identity_association.pod["Pods ray/pods"].namespace == "ray"
      && aws_eks_pod_identity_association.pod["Pods ray/pods"].service_account == "pods"
      && length(aws_eks_pod_identity_association.pod) == 1
    )
    error_message = "Pod Identity associates the one account."
  }

  assert {
    condition     = aws_iam_role.pod["DaftRole"].name == "data-team-prod_DaftRole" && aws_iam_role.pod["DaftRole"].max_session_duration == 14400
    error_message = "A role is named after cluster and key."
  }

  assert {
    condition     = aws_iam_role.pod["DaftRole"].permissions_boundary == "arn:aws:iam::444455556666:policy/Boundary" && aws_iam_role.pod["Globs"].permissions_boundary == "arn:aws:iam::444455556666:policy/Own"
    error_message = "A role's own boundary wins."
  }

  assert {
    condition     = keys(aws_iam_role_policy.pod) == ["DaftRole"] && keys(aws_iam_role_policy_attachment.pod) == ["Pods arn:aws:iam::aws:policy/ReadOnlyAccess"]
    error_message = "Policies are attached where they are given."
  }

  assert {
    condition     = jsondecode(aws_iam_role.autoscaler[0].assume_role_policy).Statement[0].Condition.StringEquals["oidc.eks.us-west-2.amazonaws.com/id/9C1F:sub"] == ["system:serviceaccount:kube-system:cluster-autoscaler"]
    error_message = "The autoscaler's role is for its account."
  }

  assert {
    condition     = output.role_arns["DaftRole"] == "arn:aws:iam::444455556666:role/mocked" && output.node_groups["core"].autoscaling_group == "eks-group"
    error_message = "What the rest is built on comes out."
  }
}

run "a_role_whose_pods_move_trusts_both" {
  command = plan

  variables {
    roles = {
      Irsa = { identity = "irsa", moves_from = "pod-identity", service_accounts = ["ray/daft", "ml/*"] }
      Pods = { identity = "pod-identity", moves_from = "irsa", service_accounts = ["ray/pods"] }
    }
  }

  assert {
    condition = alltrue([
      for trust in values(local.role_trust) : anytrue([for statement in trust.Statement : statement.Action == "sts:AssumeRoleWithWebIdentity"])
      && anytrue([for statement in trust.Statement : try(statement.Principal.Service, "") == "pods.eks.amazonaws.com"])
    ])
    error_message = "Both are trusted until the last pod has moved."
  }

  assert {
    condition     = keys(aws_eks_pod_identity_association.pod) == ["Irsa ray/daft", "Pods ray/pods"]
    error_message = "Exact accounts are associated."
  }
}

run "roles_only_touch_nothing_else" {
  command = apply

  variables {
    manage = "roles"
    roles  = { DaftRole = { service_accounts = ["ray/daft"] } }
  }

  override_data {
    target = data.aws_eks_cluster.existing
    values = {
      identity              = [{ oidc = [{ issuer = "https://oidc.eks.us-west-2.amazonaws.com/id/EXIST" }] }]
      certificate_authority = [{ data = "Q0E=" }]
    }
  }

  override_data {
    target = data.aws_iam_openid_connect_provider.existing
    values = { arn = "arn:aws:iam::444455556666:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/EXIST" }
  }

  assert {
    condition     = length(aws_vpc.this) + length(aws_eks_cluster.this) + length(aws_eks_node_group.this) + length(aws_iam_role.cluster) + length(aws_iam_role.node) + length(aws_iam_openid_connect_provider.this) + length(aws_iam_role.autoscaler) + length(aws_eks_addon.before_nodes) == 0
    error_message = "Only roles are made."
  }

  assert {
    condition     = jsondecode(aws_iam_role.pod["DaftRole"].assume_role_policy).Statement[0].Principal.Federated == "arn:aws:iam::444455556666:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/EXIST"
    error_message = "The existing provider is trusted."
  }
}

run "what_eks_refuses_is_refused_before" {
  command = plan

  variables {
    cluster_name = "-data"
    network      = { cidr = "10.0.0.0/24" }
    pools        = { core = { instance_types = ["m6i.xlarge"], min = 4, max = 3 } }
    roles        = { Pods = { identity = "pod-identity", service_accounts = ["ray/*"] }, Node = { service_accounts = ["a/b"] } }
  }

  expect_failures = [var.cluster_name, var.network, var.pools, var.roles]
}
