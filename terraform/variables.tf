# Inputs, in the order in which they matter. Only cluster_name has no default.

variable "cluster_name" {
  description = "The cluster's name; names of roles begin with it."
  type        = string

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]*$", var.cluster_name)) && length(var.cluster_name) <= 100
    error_message = "EKS takes letters, digits, - and _, at most 100, with a letter or digit first."
  }
}

variable "manage" {
  description = "What the module makes: all (network, cluster, pools, roles), or roles (only the roles, for the cluster that has this name already)."
  type        = string
  default     = "all"

  validation {
    condition     = contains(["all", "roles"], var.manage)
    error_message = "manage is all or roles."
  }
}

variable "kubernetes_version" {
  description = "Kubernetes' minor version, such as 1.34. EKS upgrades one minor version at a time."
  type        = string
  default     = "1.34"

  validation {
    condition     = can(regex("^1\\.[0-9]+$", var.kubernetes_version))
    error_message = "kubernetes_version is a minor version, such as 1.34."
  }
}

variable "tags" {
  description = "Tags of everything that takes tags."
  type        = map(string)
  default     = {}
}

# The network

variable "network" {
  description = <<-EOT
    The network. Either it is made:
      cidr         addresses of the VPC, /16 to /22: a quarter of them for the nodes and pods of each zone, a quarter for public subnets
      zones        two or three availability zones [default: the region's first three]
      nat          one (a NAT gateway for all zones), per-zone, or none (then endpoints are made for what nodes need)
    or it exists:
      vpc_id       the VPC
      subnet_ids   subnets for nodes and control plane, in two zones at least
      subnet_tags  instead of subnet_ids: the VPC's subnets with these tags
    Of an existing VPC nothing is changed. For load balancers its subnets need the tags kubernetes.io/role/internal-elb = 1
    (private) and kubernetes.io/role/elb = 1 (public).
  EOT
  type = object({
    cidr        = optional(string)
    zones       = optional(list(string))
    nat         = optional(string, "one")
    vpc_id      = optional(string)
    subnet_ids  = optional(list(string))
    subnet_tags = optional(map(string))
  })
  default = { cidr = "10.0.0.0/16" }

  validation {
    condition     = (var.network.cidr == null) != (var.network.vpc_id == null)
    error_message = "Say either network.cidr (make a VPC) or network.vpc_id (use one)."
  }

  validation {
    condition     = var.network.cidr == null || can(regex("/(1[6-9]|2[0-2])$", var.network.cidr)) && can(cidrnetmask(var.network.cidr))
    error_message = "network.cidr is a network of IPv4 from /16 to /22: EKS's subnets would be too small below."
  }

  validation {
    condition     = var.network.zones == null || contains([2, 3], length(distinct(coalesce(var.network.zones, []))))
    error_message = "EKS needs two zones; the module lays out two or three."
  }

  validation {
    condition     = contains(["one", "per-zone", "none"], var.network.nat)
    error_message = "network.nat is one, per-zone or none."
  }

  validation {
    condition     = var.network.vpc_id == null || (var.network.subnet_ids == null) != (var.network.subnet_tags == null)
    error_message = "With network.vpc_id say either subnet_ids or subnet_tags."
  }
}

variable "interface_endpoints" {
  description = "AWS services that are reached inside the VPC instead of through NAT, by the end of their endpoint's name. Default: none with NAT; without it, what nodes, the autoscaler and pods with roles need. S3's gateway endpoint is always made: it costs nothing."
  type        = list(string)
  default     = null
}

# The cluster

variable "administrators" {
  description = "ARNs of IAM roles or users who administer the cluster, besides whoever creates it: EKS makes that one's entry itself, and refuses a second."
  type        = list(string)
  default     = []
}

variable "authentication_mode" {
  description = "API_AND_CONFIG_MAP, or API (access entries only)."
  type        = string
  default     = "API_AND_CONFIG_MAP"

  validation {
    condition     = contains(["API_AND_CONFIG_MAP", "API"], var.authentication_mode)
    error_message = "authentication_mode is API_AND_CONFIG_MAP or API."
  }
}

variable "public_access_cidrs" {
  description = "Who may reach the API from the internet; an empty list closes it, and leaves the VPC."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}

variable "kms_key_arn" {
  description = "The key that encrypts Secrets in the cluster's store. Default: one is made."
  type        = string
  default     = null
}

variable "log_types" {
  description = "Logs of the control plane that go to CloudWatch."
  type        = list(string)
  default     = ["api", "audit", "authenticator"]

  validation {
    condition     = length(setsubtract(var.log_types, ["api", "audit", "authenticator", "controllerManager", "scheduler"])) == 0
    error_message = "EKS has the logs api, audit, authenticator, controllerManager and scheduler."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps those logs."
  type        = number
  default     = 30
}

variable "addons" {
  description = <<-EOT
    EKS add-ons by name: a version (default: EKS's for this Kubernetes) and configuration values. DaemonSets (vpc-cni, kube-proxy,
    eks-pod-identity-agent) come before the nodes, the others after them. An empty map leaves the unmanaged ones that EKS puts into a new cluster.
  EOT
  type = map(object({
    version       = optional(string)
    configuration = optional(map(string))
  }))
  default = {
    # Network policies mean something only where the CNI enforces them.
    vpc-cni                = { configuration = { enableNetworkPolicy = "true" } }
    kube-proxy             = {}
    coredns                = {}
    aws-ebs-csi-driver     = {}
    eks-pod-identity-agent = {}
  }
}

# Nodes

variable "pools" {
  description = <<-EOT
    Node pools by name; each is a managed node group, or one a zone.
      instance_types  the preferred one first; all of one architecture, with or all without GPUs
      min, max        nodes, in each group
      capacity        on-demand or spot
      ami_type        EKS's name of the image; AL2023_x86_64_NVIDIA or AL2023_ARM_64_NVIDIA for GPUs
      disk_gib        the root volume (gp3, encrypted)
      group_per_zone  one group in each zone: for pods whose volumes are of one zone
      labels, taints  of the nodes; an effect is NoSchedule, PreferNoSchedule or NoExecute
      resources       what a node offers, for the autoscaler while a group has no node: {"nvidia.com/gpu" = "4"}. It knows CPU and
                      memory by the instance type; ephemeral-storage is worked out from disk_gib where it is not given
  EOT
  type = map(object({
    instance_types = list(string)
    min            = optional(number, 0)
    max            = number
    capacity       = optional(string, "on-demand")
    ami_type       = optional(string, "AL2023_x86_64_STANDARD")
    disk_gib       = optional(number, 20)
    group_per_zone = optional(bool, false)
    labels         = optional(map(string), {})
    taints = optional(list(object({
      key    = string
      value  = optional(string)
      effect = string
    })), [])
    resources = optional(map(string), {})
  }))
  default = {}

  validation {
    condition     = alltrue([for pool in var.pools : pool.min <= pool.max && pool.max >= 1])
    error_message = "A pool's max is at least 1 and at least its min."
  }

  validation {
    condition     = alltrue([for pool in var.pools : contains(["on-demand", "spot"], pool.capacity)])
    error_message = "A pool's capacity is on-demand or spot."
  }

  validation {
    condition     = alltrue([for pool in var.pools : alltrue([for taint in pool.taints : contains(["NoSchedule", "PreferNoSchedule", "NoExecute"], taint.effect)])])
    error_message = "A taint's effect is NoSchedule, PreferNoSchedule or NoExecute."
  }

  validation {
    condition     = alltrue([for pool in var.pools : length(pool.instance_types) > 0])
    error_message = "A pool needs an instance type."
  }
}

variable "autoscaler" {
  description = "The service account of the cluster autoscaler, which gets a role that may resize this cluster's groups, and tags on the groups that tell it what their nodes are. null: neither."
  type = object({
    namespace       = optional(string, "kube-system")
    service_account = optional(string, "cluster-autoscaler")
  })
  default = {}
}

# Roles for pods

variable "oidc_provider" {
  description = "The IAM provider of the cluster's issuer: create it, or use the existing one. Default: create with manage = all, existing with roles."
  type        = string
  default     = null

  validation {
    condition     = var.oidc_provider == null || contains(["create", "existing"], coalesce(var.oidc_provider, "create"))
    error_message = "oidc_provider is create or existing."
  }
}

variable "roles" {
  description = <<-EOT
    IAM roles that pods take by their service account, by the end of their name: <cluster_name>_<key>.
      identity           irsa (the cluster's issuer vouches for the pod) or pod-identity (EKS does)
      moves_from         the other one, while there are pods that were made with it: the role then trusts both
      service_accounts   namespace/name; with irsa * and ? are wildcards
      policy             what the role may do: a policy document, as JSON
      managed_policies   ARNs of policies besides
      trust              who may take the role, as JSON, instead of what follows from identity and service_accounts
      boundary           the ARN of a permissions boundary
      max_session_hours  1 to 12
  EOT
  type = map(object({
    identity          = optional(string, "irsa")
    moves_from        = optional(string)
    service_accounts  = optional(list(string), [])
    policy            = optional(string)
    managed_policies  = optional(list(string), [])
    trust             = optional(string)
    boundary          = optional(string)
    max_session_hours = optional(number, 1)
  }))
  default = {}

  validation {
    condition     = alltrue([for role in var.roles : contains(["irsa", "pod-identity"], role.identity)])
    error_message = "A role's identity is irsa or pod-identity."
  }

  validation {
    condition     = alltrue([for role in var.roles : role.moves_from == null || contains(["irsa", "pod-identity"], coalesce(role.moves_from, "irsa"))])
    error_message = "A role moves from irsa or pod-identity."
  }

  validation {
    condition     = alltrue([for role in var.roles : role.trust != null || length(role.service_accounts) > 0])
    error_message = "A role without service account could be taken by nobody."
  }

  validation {
    condition     = alltrue(flatten([for role in var.roles : [for account in role.service_accounts : can(regex("^[a-z0-9*?-]+/[a-z0-9.*?-]+$", account))]]))
    error_message = "A service account is written namespace/name."
  }

  validation {
    condition     = alltrue([for role in var.roles : role.identity == "irsa" || !can(regex("[*?]", join(" ", role.service_accounts)))])
    error_message = "EKS Pod Identity associates one exact service account: no wildcards."
  }

  validation {
    condition     = alltrue([for key in keys(var.roles) : !contains(["Cluster", "Node", "VpcCni", "EbsCsi", "Autoscaler"], key)])
    error_message = "Cluster, Node, VpcCni, EbsCsi and Autoscaler are names of the module's own roles."
  }
}

variable "permissions_boundary" {
  description = "The ARN of a permissions boundary for every role that names none."
  type        = string
  default     = null
}
