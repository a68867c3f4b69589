# A network that exists. OpenTofu takes existing-network.tofutest.hcl instead: it overrides all instances of a data source or none.

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
  network      = { vpc_id = "vpc-1", subnet_ids = ["subnet-a", "subnet-b"] }
  pools        = { core = { instance_types = ["m6i.xlarge"], min = 2, max = 3 } }
}

run "it_is_used_and_not_changed" {
  command = plan

  override_data {
    target = data.aws_subnet.existing["subnet-a"]
    values = { id = "subnet-a", availability_zone = "us-west-2a" }
  }

  override_data {
    target = data.aws_subnet.existing["subnet-b"]
    values = { id = "subnet-b", availability_zone = "us-west-2b" }
  }

  assert {
    condition     = length(aws_vpc.this) + length(aws_subnet.private) + length(aws_nat_gateway.this) + length(aws_vpc_endpoint.s3) == 0
    error_message = "Nothing of the network is made."
  }

  assert {
    condition     = jsonencode(local.subnets_by_zone) == jsonencode({ us-west-2a = ["subnet-a"], us-west-2b = ["subnet-b"] })
    error_message = "Its subnets are known by zone."
  }
}

run "subnets_of_one_zone_are_refused" {
  command = plan

  override_data {
    target = data.aws_subnet.existing
    values = { availability_zone = "us-west-2a" }
  }

  expect_failures = [aws_eks_cluster.this]
}
