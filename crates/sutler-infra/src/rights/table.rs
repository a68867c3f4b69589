//! Which IAM actions each kind of resource takes of whoever runs Terraform.
//!
//! Two things stand here: what the AWS provider calls, as seen in its sources' documentation and in the calls that it makes (the tests
//! hold the table against each call of a whole life in an account that enforces IAM), and what AWS checks besides while it answers a
//! call (the "dependent actions" of the Service Authorization Reference, and EKS's user guide): roles that are passed, tags given
//! while a thing is made, grants on keys, a launch template that the caller must be able to launch.

/// A kind of resource, and the actions that its life takes.
#[derive(Debug)]
pub struct Kind {
    /// Terraform's name of it, `aws_vpc`.
    pub name: &'static str,
    /// What EC2's ARNs call it, `vpc`; empty for what is not EC2's.
    pub noun: &'static str,
    /// To look at it: before each plan, and after each change.
    pub read: &'static [&'static str],
    /// To make it.
    pub create: &'static [&'static str],
    /// To change it as it stands: the argument that changes, and the actions; `""` is any other than the tags.
    pub update: &'static [(&'static str, &'static [&'static str])],
    /// To give it tags, and to take tags from it.
    pub tags: Option<(&'static str, &'static str)>,
    /// To remove it.
    pub delete: &'static [&'static str],
    /// Roles that go with it to a service: the ends of their names, and the service.
    pub passes: &'static [(&'static str, &'static str)],
    /// Roles of AWS's own that are made with the first of its kind in an account: the service, and the role's name.
    pub linked_roles: &'static [(&'static str, &'static str)],
    /// What is asked only under circumstances that a plan does not show, while it is made or removed.
    pub perhaps: &'static [&'static str],
}

const NONE: Kind = Kind {
    name: "",
    noun: "",
    read: &[],
    create: &[],
    update: &[],
    tags: None,
    delete: &[],
    passes: &[],
    linked_roles: &[],
    perhaps: &[],
};

/// All kinds that the module makes or reads, the data sources with `data.` in front.
pub const KINDS: &[Kind] = &[
    // The network.
    Kind { name: "data.aws_availability_zones", read: &["ec2:DescribeAvailabilityZones"], ..NONE },
    Kind { name: "data.aws_subnets", read: &["ec2:DescribeSubnets"], ..NONE },
    Kind { name: "data.aws_subnet", read: &["ec2:DescribeSubnets"], ..NONE },
    Kind {
        name: "aws_vpc",
        noun: "vpc",
        read: &[
            "ec2:DescribeVpcs",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeNetworkAcls",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
        ],
        create: &["ec2:CreateVpc", "ec2:CreateTags", "ec2:ModifyVpcAttribute"],
        update: &[("", &["ec2:ModifyVpcAttribute"])],
        tags: Some(("ec2:CreateTags", "ec2:DeleteTags")),
        delete: &["ec2:DeleteVpc"],
        ..NONE
    },
    Kind {
        name: "aws_subnet",
        noun: "subnet",
        read: &["ec2:DescribeSubnets"],
        create: &["ec2:CreateSubnet", "ec2:CreateTags"],
        update: &[("", &["ec2:ModifySubnetAttribute"])],
        tags: Some(("ec2:CreateTags", "ec2:DeleteTags")),
        delete: &["ec2:DeleteSubnet", "ec2:DescribeNetworkInterfaces"],
        ..NONE
    },
    Kind {
        name: "aws_internet_gateway",
        noun: "internet-gateway",
        read: &["ec2:DescribeInternetGateways"],
        create: &["ec2:CreateInternetGateway", "ec2:AttachInternetGateway", "ec2:CreateTags"],
        update: &[("", &["ec2:AttachInternetGateway", "ec2:DetachInternetGateway"])],
        tags: Some(("ec2:CreateTags", "ec2:DeleteTags")),
        delete: &["ec2:DetachInternetGateway", "ec2:DeleteInternetGateway"],
        ..NONE
    },
    Kind {
        name: "aws_route_table",
        noun: "route-table",
        read: &["ec2:DescribeRouteTables"],
        create: &["ec2:CreateRouteTable", "ec2:CreateTags"],
        tags: Some(("ec2:CreateTags", "ec2:DeleteTags")),
        delete: &["ec2:DeleteRouteTable"],
        perhaps: &["ec2:DisassociateRouteTable"],
        ..NONE
    },
    Kind {
        name: "aws_route",
        noun: "route-table",
        read: &["ec2:DescribeRouteTables"],
        create: &["ec2:CreateRoute"],
        update: &[("", &["ec2:ReplaceRoute"])],
        delete: &["ec2:DeleteRoute"],
        ..NONE
    },
    Kind {
        name: "aws_route_table_association",
        noun: "route-table",
        read: &["ec2:DescribeRouteTables"],
        create: &["ec2:AssociateRouteTable"],
        update: &[("", &["ec2:ReplaceRouteTableAssociation"])],
        delete: &["ec2:DisassociateRouteTable"],
        ..NONE
    },
    Kind {
        name: "aws_eip",
        noun: "elastic-ip",
        read: &["ec2:DescribeAddresses", "ec2:DescribeAddressesAttribute"],
        create: &["ec2:AllocateAddress", "ec2:CreateTags"],
        tags: Some(("ec2:CreateTags", "ec2:DeleteTags")),
        delete: &["ec2:ReleaseAddress"],
        perhaps: &["ec2:DisassociateAddress"],
        ..NONE
    },
    Kind {
        name: "aws_nat_gateway",
        noun: "natgateway",
        read: &["ec2:DescribeNatGateways"],
        create: &["ec2:CreateNatGateway", "ec2:CreateTags"],
        tags: Some(("ec2:CreateTags", "ec2:DeleteTags")),
        delete: &["ec2:DeleteNatGateway"],
        ..NONE
    },
    Kind {
        name: "aws_vpc_endpoint",
        noun: "vpc-endpoint",
        read: &["ec2:DescribeVpcEndpoints", "ec2:DescribePrefixLists"],
        create: &["ec2:CreateVpcEndpoint", "ec2:CreateTags"],
        update: &[("", &["ec2:ModifyVpcEndpoint"])],
        tags: Some(("ec2:CreateTags", "ec2:DeleteTags")),
        delete: &["ec2:DeleteVpcEndpoints"],
        // Of interface endpoints with private names.
        perhaps: &["route53:AssociateVPCWithHostedZone"],
        ..NONE
    },
    Kind {
        name: "aws_security_group",
        noun: "security-group",
        read: &["ec2:DescribeSecurityGroups"],
        // AWS's own rule that lets everything out is taken away.
        create: &["ec2:CreateSecurityGroup", "ec2:CreateTags", "ec2:RevokeSecurityGroupEgress"],
        update: &[
            ("ingress", &["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]),
            ("egress", &["ec2:AuthorizeSecurityGroupEgress", "ec2:RevokeSecurityGroupEgress"]),
        ],
        tags: Some(("ec2:CreateTags", "ec2:DeleteTags")),
        delete: &["ec2:DeleteSecurityGroup", "ec2:DescribeNetworkInterfaces"],
        ..NONE
    },
    Kind {
        name: "aws_vpc_security_group_ingress_rule",
        noun: "security-group",
        read: &["ec2:DescribeSecurityGroupRules"],
        create: &["ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags"],
        update: &[("", &["ec2:ModifySecurityGroupRules"])],
        tags: Some(("ec2:CreateTags", "ec2:DeleteTags")),
        delete: &["ec2:RevokeSecurityGroupIngress"],
        ..NONE
    },
    // The control plane.
    Kind {
        name: "aws_kms_key",
        read: &["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"],
        create: &["kms:CreateKey", "kms:TagResource", "kms:EnableKeyRotation"],
        update: &[
            ("description", &["kms:UpdateKeyDescription"]),
            ("policy", &["kms:PutKeyPolicy"]),
            ("enable_key_rotation", &["kms:EnableKeyRotation", "kms:DisableKeyRotation"]),
        ],
        tags: Some(("kms:TagResource", "kms:UntagResource")),
        delete: &["kms:ScheduleKeyDeletion"],
        ..NONE
    },
    Kind {
        name: "aws_kms_alias",
        read: &["kms:ListAliases"],
        create: &["kms:CreateAlias"],
        update: &[("", &["kms:UpdateAlias"])],
        delete: &["kms:DeleteAlias"],
        ..NONE
    },
    Kind {
        name: "aws_cloudwatch_log_group",
        read: &["logs:DescribeLogGroups", "logs:ListTagsForResource"],
        create: &["logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource"],
        update: &[("retention_in_days", &["logs:PutRetentionPolicy"])],
        tags: Some(("logs:TagResource", "logs:UntagResource")),
        delete: &["logs:DeleteLogGroup"],
        ..NONE
    },
    Kind { name: "data.aws_eks_cluster", read: &["eks:DescribeCluster"], ..NONE },
    Kind {
        name: "aws_eks_cluster",
        read: &["eks:DescribeCluster"],
        // EKS makes a grant on the key in the caller's name.
        create: &["eks:CreateCluster", "eks:TagResource", "kms:DescribeKey", "kms:CreateGrant"],
        update: &[
            ("version", &["eks:UpdateClusterVersion", "eks:DescribeUpdate"]),
            ("encryption_config", &["eks:AssociateEncryptionConfig", "eks:DescribeUpdate"]),
            ("", &["eks:UpdateClusterConfig", "eks:DescribeUpdate"]),
        ],
        tags: Some(("eks:TagResource", "eks:UntagResource")),
        delete: &["eks:DeleteCluster"],
        passes: &[("Cluster", "eks.amazonaws.com")],
        linked_roles: &[("eks.amazonaws.com", "AWSServiceRoleForAmazonEKS")],
        ..NONE
    },
    Kind {
        name: "aws_eks_access_entry",
        read: &["eks:DescribeAccessEntry"],
        create: &["eks:CreateAccessEntry", "eks:TagResource"],
        update: &[("", &["eks:UpdateAccessEntry"])],
        tags: Some(("eks:TagResource", "eks:UntagResource")),
        delete: &["eks:DeleteAccessEntry"],
        ..NONE
    },
    Kind {
        name: "aws_eks_access_policy_association",
        read: &["eks:ListAssociatedAccessPolicies"],
        create: &["eks:AssociateAccessPolicy"],
        delete: &["eks:DisassociateAccessPolicy"],
        ..NONE
    },
    Kind {
        name: "aws_eks_addon",
        read: &["eks:DescribeAddon"],
        create: &["eks:CreateAddon", "eks:TagResource"],
        update: &[("", &["eks:UpdateAddon", "eks:DescribeUpdate"])],
        tags: Some(("eks:TagResource", "eks:UntagResource")),
        delete: &["eks:DeleteAddon"],
        passes: &[("VpcCni", "eks.amazonaws.com"), ("EbsCsi", "eks.amazonaws.com")],
        ..NONE
    },
    // Nodes.
    Kind {
        name: "aws_launch_template",
        noun: "launch-template",
        read: &["ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions"],
        create: &["ec2:CreateLaunchTemplate", "ec2:CreateTags"],
        update: &[("", &["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"])],
        tags: Some(("ec2:CreateTags", "ec2:DeleteTags")),
        delete: &["ec2:DeleteLaunchTemplate"],
        ..NONE
    },
    Kind {
        name: "aws_eks_node_group",
        noun: "instance",
        read: &["eks:DescribeNodegroup"],
        // EKS looks at the node's role as the caller, and refuses a launch template that the caller could not launch.
        create: &[
            "eks:CreateNodegroup",
            "eks:TagResource",
            "iam:GetRole",
            "iam:ListAttachedRolePolicies",
            "ec2:RunInstances",
            "ec2:CreateTags",
            "ec2:DescribeSubnets",
            "ec2:DescribeLaunchTemplateVersions",
        ],
        update: &[
            (
                "launch_template",
                &[
                    "eks:UpdateNodegroupVersion",
                    "eks:DescribeUpdate",
                    "ec2:RunInstances",
                    "ec2:DescribeLaunchTemplateVersions",
                ],
            ),
            ("version", &["eks:UpdateNodegroupVersion", "eks:DescribeUpdate"]),
            ("", &["eks:UpdateNodegroupConfig", "eks:DescribeUpdate"]),
        ],
        tags: Some(("eks:TagResource", "eks:UntagResource")),
        delete: &["eks:DeleteNodegroup"],
        passes: &[("Node", "eks.amazonaws.com")],
        linked_roles: &[
            ("eks-nodegroup.amazonaws.com", "AWSServiceRoleForAmazonEKSNodegroup"),
            ("autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling"),
            ("spot.amazonaws.com", "AWSServiceRoleForEC2Spot"),
        ],
        ..NONE
    },
    Kind {
        name: "aws_autoscaling_group_tag",
        read: &["autoscaling:DescribeTags"],
        create: &["autoscaling:CreateOrUpdateTags"],
        update: &[("", &["autoscaling:CreateOrUpdateTags"])],
        delete: &["autoscaling:DeleteTags"],
        ..NONE
    },
    // Roles.
    Kind {
        name: "data.aws_iam_openid_connect_provider",
        read: &["iam:ListOpenIDConnectProviders", "iam:GetOpenIDConnectProvider"],
        ..NONE
    },
    Kind {
        name: "aws_iam_openid_connect_provider",
        read: &["iam:GetOpenIDConnectProvider"],
        create: &["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"],
        update: &[
            (
                "client_id_list",
                &["iam:AddClientIDToOpenIDConnectProvider", "iam:RemoveClientIDFromOpenIDConnectProvider"],
            ),
            ("thumbprint_list", &["iam:UpdateOpenIDConnectProviderThumbprint"]),
        ],
        tags: Some(("iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider")),
        delete: &["iam:DeleteOpenIDConnectProvider"],
        ..NONE
    },
    Kind {
        name: "aws_iam_role",
        read: &["iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies"],
        create: &["iam:CreateRole", "iam:TagRole"],
        update: &[
            ("assume_role_policy", &["iam:UpdateAssumeRolePolicy"]),
            ("description", &["iam:UpdateRoleDescription"]),
            ("max_session_duration", &["iam:UpdateRole"]),
            ("permissions_boundary", &["iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"]),
        ],
        tags: Some(("iam:TagRole", "iam:UntagRole")),
        delete: &["iam:DeleteRole", "iam:ListInstanceProfilesForRole"],
        ..NONE
    },
    Kind {
        name: "aws_iam_role_policy",
        read: &["iam:GetRolePolicy"],
        create: &["iam:PutRolePolicy"],
        update: &[("", &["iam:PutRolePolicy"])],
        delete: &["iam:DeleteRolePolicy"],
        ..NONE
    },
    Kind {
        name: "aws_iam_role_policy_attachment",
        read: &["iam:ListAttachedRolePolicies"],
        create: &["iam:AttachRolePolicy"],
        delete: &["iam:DetachRolePolicy"],
        ..NONE
    },
    Kind {
        name: "aws_eks_pod_identity_association",
        read: &["eks:DescribePodIdentityAssociation"],
        create: &["eks:CreatePodIdentityAssociation", "eks:TagResource", "iam:GetRole"],
        update: &[("", &["eks:UpdatePodIdentityAssociation"])],
        tags: Some(("eks:TagResource", "eks:UntagResource")),
        delete: &["eks:DeletePodIdentityAssociation"],
        // Of the role that it names: which one is known by the plan.
        passes: &[("", "pods.eks.amazonaws.com")],
        ..NONE
    },
];

/// The kind of this name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
