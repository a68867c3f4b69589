# The VPC: made, or one that exists.
#
#   10.0.0.0/16 ─┬─ 10.0.0.0/18    private, first zone: nodes and pods
#                ├─ 10.0.64.0/18   private, second zone
#                ├─ 10.0.128.0/18  private, third zone
#                └─ 10.0.192.0/18  ─ 10.0.192.0/20, 10.0.208.0/20, 10.0.224.0/20: public, for load balancers and NAT

data "aws_availability_zones" "available" {
  count = local.makes_network && var.network.zones == null ? 1 : 0

  state = "available"

  # Local and wavelength zones cannot hold EKS's control plane.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = !local.makes_network ? [] : (
    var.network.zones != null
    ? var.network.zones
    : slice(data.aws_availability_zones.available[0].names, 0, min(3, length(data.aws_availability_zones.available[0].names)))
  )

  # Zone to addresses.
  private_cidrs = { for index, zone in local.zones : zone => cidrsubnet(var.network.cidr, 2, index) }
  public_cidrs  = { for index, zone in local.zones : zone => cidrsubnet(var.network.cidr, 4, 12 + index) }

  nat_zones = var.network.nat == "per-zone" ? local.zones : var.network.nat == "one" ? slice(local.zones, 0, min(1, length(local.zones))) : []

  # By these tags EKS, and controllers in the cluster, find what is theirs.
  subnet_tags = { "kubernetes.io/cluster/${var.cluster_name}" = "shared" }
}

resource "aws_vpc" "this" {
  count = local.makes_network ? 1 : 0

  cidr_block = var.network.cidr
  # Nodes register by these names, and endpoints answer to them.
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = merge(var.tags, { Name = var.cluster_name })

  lifecycle {
    precondition {
      condition     = length(local.zones) >= 2
      error_message = "EKS needs subnets in two zones, and the region offers fewer."
    }
  }
}

resource "aws_subnet" "private" {
  for_each = local.private_cidrs

  vpc_id            = aws_vpc.this[0].id
  availability_zone = each.key
  cidr_block        = each.value

  tags = merge(var.tags, local.subnet_tags, {
    Name                              = "${var.cluster_name}-private-${each.key}"
    "kubernetes.io/role/internal-elb" = "1"
  })
}

resource "aws_subnet" "public" {
  for_each = local.public_cidrs

  vpc_id            = aws_vpc.this[0].id
  availability_zone = each.key
  cidr_block        = each.value
  # Nothing but load balancers and NAT is put here; they bring their own addresses.
  map_public_ip_on_launch = false

  tags = merge(var.tags, local.subnet_tags, {
    Name                     = "${var.cluster_name}-public-${each.key}"
    "kubernetes.io/role/elb" = "1"
  })
}

resource "aws_internet_gateway" "this" {
  count = local.makes_network ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = merge(var.tags, { Name = var.cluster_name })
}

resource "aws_route_table" "public" {
  count = local.makes_network ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = merge(var.tags, { Name = "${var.cluster_name}-public" })
}

resource "aws_route" "internet" {
  count = local.makes_network ? 1 : 0

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "public" {
  for_each = local.public_cidrs

  subnet_id      = aws_subnet.public[each.key].id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_eip" "nat" {
  for_each = toset(local.nat_zones)

  domain = "vpc"

  tags = merge(var.tags, { Name = "${var.cluster_name}-nat-${each.key}" })

  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = toset(local.nat_zones)

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = merge(var.tags, { Name = "${var.cluster_name}-${each.key}" })

  depends_on = [aws_route.internet]
}

# One table a zone, so that going from one NAT gateway to one a zone changes routes only.
resource "aws_route_table" "private" {
  for_each = local.private_cidrs

  vpc_id = aws_vpc.this[0].id

  tags = merge(var.tags, { Name = "${var.cluster_name}-private-${each.key}" })
}

resource "aws_route" "nat" {
  for_each = length(local.nat_zones) > 0 ? local.private_cidrs : {}

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[contains(local.nat_zones, each.key) ? each.key : local.nat_zones[0]].id
}

resource "aws_route_table_association" "private" {
  for_each = local.private_cidrs

  subnet_id      = aws_subnet.private[each.key].id
  route_table_id = aws_route_table.private[each.key].id
}

# An existing network

data "aws_subnets" "tagged" {
  count = local.makes_cluster && var.network.subnet_tags != null ? 1 : 0

  filter {
    name   = "vpc-id"
    values = [var.network.vpc_id]
  }

  tags = var.network.subnet_tags
}

locals {
  existing_subnet_ids = (
    !local.makes_cluster || local.makes_network ? toset([])
    : var.network.subnet_ids != null ? toset(var.network.subnet_ids)
    : toset(data.aws_subnets.tagged[0].ids)
  )
}

data "aws_subnet" "existing" {
  for_each = local.existing_subnet_ids

  id = each.key
}

locals {
  # Zone to the ids of its private subnets, whichever way they came.
  subnets_by_zone = local.makes_network ? { for zone, subnet in aws_subnet.private : zone => [subnet.id] } : {
    for zone in distinct([for subnet in data.aws_subnet.existing : subnet.availability_zone]) :
    zone => sort([for subnet in data.aws_subnet.existing : subnet.id if subnet.availability_zone == zone])
  }
  subnet_ids = flatten([for zone in sort(keys(local.subnets_by_zone)) : local.subnets_by_zone[zone]])

  vpc_id = local.makes_network ? aws_vpc.this[0].id : var.network.vpc_id
}
