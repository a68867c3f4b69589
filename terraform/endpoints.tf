# Ways to AWS's services that do not leave the VPC. Only for a VPC that is made here: an existing one has its own.

locals {
  # What a node needs to join (ec2, eks, ecr, s3 for image layers), pods with a role (sts, eks-auth), the autoscaler, and logs.
  private_endpoints = [
    "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "logs", "sts",
  ]

  interface_endpoints = !local.makes_network ? [] : (
    var.interface_endpoints != null ? var.interface_endpoints : var.network.nat == "none" ? local.private_endpoints : []
  )
}

# Free, and keeps what is read from S3 away from NAT, which is paid by the gigabyte.
resource "aws_vpc_endpoint" "s3" {
  count = local.makes_network ? 1 : 0

  vpc_id            = aws_vpc.this[0].id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${local.region}.s3"
  route_table_ids   = [for table in aws_route_table.private : table.id]

  tags = merge(var.tags, { Name = "${var.cluster_name}-s3" })
}

resource "aws_security_group" "endpoints" {
  count = length(local.interface_endpoints) > 0 ? 1 : 0

  name        = "${var.cluster_name}-endpoints"
  description = "HTTPS from inside the VPC to the endpoints of AWS services"
  vpc_id      = aws_vpc.this[0].id

  tags = merge(var.tags, { Name = "${var.cluster_name}-endpoints" })
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count = length(local.interface_endpoints) > 0 ? 1 : 0

  security_group_id = aws_security_group.endpoints[0].id
  description       = "HTTPS"
  cidr_ipv4         = var.network.cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_endpoint" "interface" {
  for_each = toset(local.interface_endpoints)

  vpc_id              = aws_vpc.this[0].id
  vpc_endpoint_type   = "Interface"
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.endpoints[0].id]
  private_dns_enabled = true

  tags = merge(var.tags, { Name = "${var.cluster_name}-${each.key}" })
}
