"""An AWS account by moto on a port of loopback: prints a line of JSON with its address, serves until standard input ends.

moto's EKS knows clusters, node groups and Fargate profiles. What it lacks is added here, as far as Terraform asks for it, in the shapes
of the AWS API: how one gets into a cluster (`accessConfig`, access entries and their policies), add-ons, Pod Identity associations, the
autoscaling group behind a node group and its update's limits, and the issuer of a cluster being its own. Of IAM it lacks the simulation of policies, which is added as far as moto itself enforces them: actions, and
boundaries. Nothing here runs an add-on or a node.
"""

import json
import logging
import sys
import uuid

import moto.eks.models as eks_models
import moto.eks.urls as eks_urls
from moto.autoscaling.models import autoscaling_backends
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ec2.models.launch_templates import LaunchTemplateVersion
from moto.eks.exceptions import ResourceInUseException, ResourceNotFoundException
from moto.eks.responses import EKSResponse
from moto.iam.access_control import IAMPolicy, IAMRequestBase, IAMUserAccessKey, PermissionResult
from moto.iam.responses import IamResponse
from moto.server import ThreadedMotoServer


def part(path):
    """Adds a path below `/clusters/NAME/`."""
    eks_urls.url_paths["{0}/clusters/(?P<name>[^/]+)/" + path + "$"] = EKSResponse.dispatch


def missing(kind, name):
    return ResourceNotFoundException(message=f"No {kind} found for name: {name}.")


def taken(kind, name):
    return ResourceInUseException(message=f"{kind} already exists: {name}.")


def cluster_of(response):
    return response.eks_backend.describe_cluster(response._get_param("name"))


def kept(response, kind):
    """The cluster's things of a kind, by name."""
    return cluster_of(response).__dict__.setdefault("kept_" + kind, {})


def take(things, kind, name):
    if name not in things:
        raise missing(kind, name)
    return things[name]


def arn(response, kind, name):
    cluster = response._get_param("name")
    return f"arn:aws:eks:{response.region}:{response.current_account}:{kind}/{cluster}/{name}/{uuid.uuid4()}"


def stamps():
    return {"createdAt": utcnow(), "modifiedAt": utcnow()}


def fields(response, *names):
    values = {name: response._get_param(name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def operation(function):
    setattr(EKSResponse, function.__name__, function)
    return function


# Add-ons.

part("addons")
part("addons/(?P<addonName>[^/]+)")
part("addons/(?P<addonName>[^/]+)/update")
part("updates/(?P<updateId>[^/]+)")

UPDATE = {"id": "update", "status": "Successful", "type": "AddonUpdate", "params": [], "errors": []}


@operation
def create_addon(self):
    addons, name = kept(self, "addons"), self._get_param("addonName")
    if name in addons:
        raise taken("Addon", name)
    given = fields(self, "addonName", "addonVersion", "serviceAccountRoleArn", "tags", "configurationValues")
    addons[name] = {
        "addonVersion": "v1.0.0-eksbuild.1",
        **given,
        **stamps(),
        "clusterName": self._get_param("name"),
        "status": "ACTIVE",
        "health": {"issues": []},
        "addonArn": arn(self, "addon", name),
    }
    return ActionResult({"addon": addons[name]})


@operation
def describe_addon(self):
    return ActionResult({"addon": take(kept(self, "addons"), "addon", self._get_param("addonName"))})


@operation
def update_addon(self):
    addon = take(kept(self, "addons"), "addon", self._get_param("addonName"))
    addon.update(fields(self, "addonVersion", "serviceAccountRoleArn", "configurationValues"))
    return ActionResult({"update": UPDATE})


@operation
def delete_addon(self):
    name = self._get_param("addonName")
    addon = take(kept(self, "addons"), "addon", name)
    del kept(self, "addons")[name]
    return ActionResult({"addon": addon})


@operation
def list_addons(self):
    return ActionResult({"addons": sorted(kept(self, "addons"))})


@operation
def describe_update(self):
    return ActionResult({"update": {**UPDATE, "id": self._get_param("updateId")}})


# Who gets in.

# An ARN of IAM's or EKS's: one slash, in the resource's name. moto reads patterns without parentheses within.
part("access-entries")
part("access-entries/(?P<principalArn>[^/]+/[^/]+)")
part("access-entries/(?P<principalArn>[^/]+/[^/]+)/access-policies")
part("access-entries/(?P<principalArn>[^/]+/[^/]+)/access-policies/(?P<policyArn>[^/]+/[^/]+)")


@operation
def create_access_entry(self):
    entries, principal = kept(self, "entries"), self._get_param("principalArn")
    if principal in entries:
        raise taken("Access entry", principal)
    entries[principal] = {
        "kubernetesGroups": [],
        "type": "STANDARD",
        "username": principal,
        **fields(self, "principalArn", "kubernetesGroups", "tags", "type", "username"),
        **stamps(),
        "clusterName": self._get_param("name"),
        "accessEntryArn": arn(self, "access-entry", principal.split("/")[-1]),
        "policies": {},
    }
    return ActionResult({"accessEntry": entries[principal]})


@operation
def describe_access_entry(self):
    return ActionResult({"accessEntry": take(kept(self, "entries"), "access entry", self._get_param("principalArn"))})


@operation
def delete_access_entry(self):
    principal = self._get_param("principalArn")
    take(kept(self, "entries"), "access entry", principal)
    del kept(self, "entries")[principal]
    return EmptyResult()


@operation
def associate_access_policy(self):
    entry = take(kept(self, "entries"), "access entry", self._get_param("principalArn"))
    policy = self._get_param("policyArn")
    entry["policies"][policy] = {
        "policyArn": policy,
        "accessScope": self._get_param("accessScope"),
        "associatedAt": utcnow(),
        "modifiedAt": utcnow(),
    }
    return ActionResult(
        {
            "clusterName": self._get_param("name"),
            "principalArn": entry["principalArn"],
            "associatedAccessPolicy": entry["policies"][policy],
        }
    )


@operation
def list_associated_access_policies(self):
    entry = take(kept(self, "entries"), "access entry", self._get_param("principalArn"))
    return ActionResult(
        {
            "clusterName": self._get_param("name"),
            "principalArn": entry["principalArn"],
            "associatedAccessPolicies": list(entry["policies"].values()),
        }
    )


@operation
def disassociate_access_policy(self):
    entry = take(kept(self, "entries"), "access entry", self._get_param("principalArn"))
    take(entry["policies"], "access policy", self._get_param("policyArn"))
    del entry["policies"][self._get_param("policyArn")]
    return EmptyResult()


# Pod Identity.

part("pod-identity-associations")
part("pod-identity-associations/(?P<associationId>[^/]+)")


@operation
def create_pod_identity_association(self):
    associations = kept(self, "associations")
    given = fields(self, "namespace", "serviceAccount", "roleArn", "tags")
    for other in associations.values():
        if (other["namespace"], other["serviceAccount"]) == (given["namespace"], given["serviceAccount"]):
            raise taken("Association", f"{given['namespace']}/{given['serviceAccount']}")
    name = "a-" + uuid.uuid4().hex[:17]
    associations[name] = {
        **given,
        **stamps(),
        "clusterName": self._get_param("name"),
        "associationId": name,
        "associationArn": arn(self, "podidentityassociation", name),
    }
    return ActionResult({"association": associations[name]})


@operation
def describe_pod_identity_association(self):
    name = self._get_param("associationId")
    return ActionResult({"association": take(kept(self, "associations"), "association", name)})


@operation
def update_pod_identity_association(self):
    association = take(kept(self, "associations"), "association", self._get_param("associationId"))
    association.update(fields(self, "roleArn"))
    return ActionResult({"association": association})


@operation
def delete_pod_identity_association(self):
    name = self._get_param("associationId")
    association = take(kept(self, "associations"), "association", name)
    del kept(self, "associations")[name]
    return ActionResult({"association": association})


@operation
def list_pod_identity_associations(self):
    wanted = fields(self, "namespace", "serviceAccount")
    found = [
        association
        for association in kept(self, "associations").values()
        if all(association[name] == value for name, value in wanted.items())
    ]
    return ActionResult({"associations": found})


# Clusters: each with an issuer of its own, and with what was said of access.

create_cluster_of_moto = EKSResponse.create_cluster


@operation
def create_cluster(self):
    result = create_cluster_of_moto(self)
    cluster = self.eks_backend.describe_cluster(self._get_param("name"))
    cluster.access_config = {"authenticationMode": "CONFIG_MAP", **(self._get_param("accessConfig") or {})}
    # EKS says how it was made nowhere but at the making.
    cluster.access_config.pop("bootstrapClusterCreatorAdminPermissions", None)
    issuer = f"https://oidc.eks.{self.region}.amazonaws.com/id/{uuid.uuid4().hex.upper()}"
    cluster.identity = {"oidc": {"issuer": issuer}}
    return result


# Launch templates: their own tags are not those of what is launched from them.

launch_template_version_of_moto = LaunchTemplateVersion.__init__


def launch_template_version(self, template, number, data, description):
    if "TagSpecifications" in data:
        told = [spec for spec in data["TagSpecifications"] if spec.get("ResourceType") != "launch-template"]
        data = {**data, "TagSpecifications": told}
    launch_template_version_of_moto(self, template, number, data, description)


LaunchTemplateVersion.__init__ = launch_template_version

# Node groups: the autoscaling group behind each, without instances.

create_nodegroup_of_moto = eks_models.EKSBackend.create_nodegroup
delete_nodegroup_of_moto = eks_models.EKSBackend.delete_nodegroup


def create_nodegroup(self, *positional, **named):
    group = create_nodegroup_of_moto(self, *positional, **named)
    # Nobody asked for these: the disk is the launch template's, and no key opens a node.
    group.remote_access = named.get("remote_access")
    group.disk_size = named.get("disk_size")
    template = group.launch_template or {}
    autoscaling_backends[self.account_id][self.region_name].create_auto_scaling_group(
        name=group.resources["autoScalingGroups"][0]["name"],
        availability_zones=[],
        desired_capacity=0,
        min_size=0,
        max_size=group.scaling_config.get("maxSize", 1),
        launch_config_name=None,
        launch_template={"LaunchTemplateId": template.get("id"), "Version": str(template.get("version", "$Default"))},
        vpc_zone_identifier=",".join(group.subnets),
        default_cooldown=None,
        health_check_period=None,
        health_check_type=None,
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=[],
        tags=[],
    )
    return group


def delete_nodegroup(self, cluster_name, nodegroup_name):
    group = delete_nodegroup_of_moto(self, cluster_name, nodegroup_name)
    backend = autoscaling_backends[self.account_id][self.region_name]
    backend.delete_auto_scaling_group(group.resources["autoScalingGroups"][0]["name"])
    return group


create_nodegroup_response_of_moto = EKSResponse.create_nodegroup


def create_nodegroup_response(self):
    result = create_nodegroup_response_of_moto(self)
    group = self.eks_backend.describe_nodegroup(self._get_param("name"), self._get_param("nodegroupName"))
    group.update_config = self._get_param("updateConfig")
    return result


EKSResponse.create_nodegroup = create_nodegroup_response
eks_models.EKSBackend.create_nodegroup = create_nodegroup
eks_models.EKSBackend.delete_nodegroup = delete_nodegroup


# Rights: moto signs a GET anew with what it read out of the path, and then finds the signature wrong. Keys are still looked up.

IAMRequestBase.check_signature = lambda self: None


def simulate_principal_policy(self):
    principal, wanted = self._get_param("PolicySourceArn"), self._get_multi_param("ActionNames.member")
    user = self.backend.get_user(principal.split("/")[-1])
    key = IAMUserAccessKey.__new__(IAMUserAccessKey)
    key.account_id, key.partition, key._owner_user_name = self.current_account, "aws", user.name
    policies = [IAMPolicy(policy) for policy in key.collect_policies()]
    boundary = user.permissions_boundary
    boundary = boundary and IAMPolicy(self.backend.get_policy(boundary))
    resources = self._get_multi_param("ResourceArns.member") or ["*"]

    def said(policies, action):
        results = {policy.is_action_permitted(action, resources[0]) for policy in policies}
        denied = PermissionResult.DENIED in results
        return "explicitDeny" if denied else "allowed" if PermissionResult.PERMITTED in results else "implicitDeny"

    results = ""
    for action in wanted:
        decision, detail = said(policies, action), ""
        if boundary:
            within = said([boundary], action) == "allowed"
            detail = f"<AllowedByPermissionsBoundary>{str(within).lower()}</AllowedByPermissionsBoundary>"
            detail = f"<PermissionsBoundaryDecisionDetail>{detail}</PermissionsBoundaryDecisionDetail>"
            decision = decision if within or decision != "allowed" else "implicitDeny"
        results += (
            f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resources[0]}</EvalResourceName>"
            f"<EvalDecision>{decision}</EvalDecision><MatchedStatements/><MissingContextValues/>{detail}</member>"
        )
    return (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>'
        f"<IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>"
        "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
    )


IamResponse.simulate_principal_policy = simulate_principal_policy


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(json.dumps({"url": f"http://{host}:{port}"}), flush=True)
    sys.stdin.read()
    server.stop()
