"""AWS beside the cluster: moto's IAM, STS and S3, which ask every request for its rights. What moto leaves out is done here: a token is judged
by the keys of its issuer, and a role's trust policy by what the token says, before STS gives credentials.

In a line of JSON on standard input: where to listen, the issuer with its keys, roles with their policies, and objects of buckets (in base64).
Prints `ready` when all is there, and ends with its input."""

import base64
import fnmatch
import html
import json
import sys
import time
import urllib.request

import boto3
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from moto.iam.access_control import IAMRequestBase
from moto.iam.models import iam_backends
from moto.server import ThreadedMotoServer
from moto.sts.responses import TokenResponse

given = json.loads(sys.stdin.readline())
issuer = given["issuer"]
keys = KeySet.import_key_set(given["keys"])
host = issuer.removeprefix("https://")
provider = f"arn:aws:iam::{given['account']}:oidc-provider/{host}"


def refused(status, code, message):
    kind = "<Type>Sender</Type>"
    body = f"<ErrorResponse><Error>{kind}<Code>{code}</Code><Message>{html.escape(message)}</Message></Error></ErrorResponse>"
    return status, {"Content-Type": "text/xml", "status": status}, body


def trusts(document, claims):
    """Whether a trust policy lets the one in whom a token names."""
    said = {f"{host}:sub": [claims["sub"]], f"{host}:aud": claims["aud"]}
    equal = {"StringEquals": lambda value, wanted: value == wanted, "StringLike": fnmatch.fnmatchcase}
    for statement in document["Statement"]:
        conditions = statement.get("Condition", {})
        holds = all(
            any(
                equal[operator](value, one)
                for value in said.get(key, [])
                for one in ([wanted] if isinstance(wanted, str) else wanted)
            )
            for operator, pairs in conditions.items()
            for key, wanted in pairs.items()
        )
        action = statement["Action"]
        actions = [action] if isinstance(action, str) else action
        principal = statement["Principal"].get("Federated")
        if statement["Effect"] == "Allow" and "sts:AssumeRoleWithWebIdentity" in actions and principal == provider and holds:
            return True
    return False


exchange = TokenResponse.assume_role_with_web_identity


def judged(self):
    try:
        claims = jwt.decode(self._get_param("WebIdentityToken"), keys, algorithms=["ES256", "RS256"]).claims
    except (JoseError, ValueError) as error:
        return refused(400, "InvalidIdentityToken", f"the token is not the issuer's: {error}")
    if claims["iss"] != issuer or claims["exp"] < time.time():
        return refused(400, "ExpiredTokenException", "the token is another issuer's or too old")
    name = self._get_param("RoleArn").rsplit("/", 1)[1]
    roles = iam_backends[given["account"]]["aws"].roles.values()
    role = next((role for role in roles if role.name == name), None)
    if role is None or not trusts(json.loads(role.assume_role_policy_document), claims):
        return refused(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    return exchange(self)


authorize = TokenResponse._authenticate_and_authorize_normal_action


def signed(self, resource):
    # That request has no signature: the token is its proof.
    if self.querystring.get("Action") != ["AssumeRoleWithWebIdentity"]:
        authorize(self, resource)


TokenResponse.assume_role_with_web_identity = judged
TokenResponse._authenticate_and_authorize_normal_action = signed
# What moto calculates is right for boto3's requests only; whose key it is, and what that one may do, is asked all the same.
IAMRequestBase.check_signature = lambda self: None

server = ThreadedMotoServer(ip_address=given["address"], port=given["port"], verbose=False)
server.start()
url = f"http://{given['address']}:{given['port']}"
owner = {
    "endpoint_url": url, "region_name": given["region"], "aws_access_key_id": "owner", "aws_secret_access_key": "owner",
}
iam, s3 = boto3.client("iam", **owner), boto3.client("s3", **owner)
iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40])
for role in given["roles"]:
    iam.create_role(RoleName=role["name"], AssumeRolePolicyDocument=json.dumps(role["trust"]))
    iam.put_role_policy(RoleName=role["name"], PolicyName="access", PolicyDocument=json.dumps(role["policy"]))
for bucket, objects in given["buckets"].items():
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": given["region"]})
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=base64.b64decode(body))
# From here on every request must have the right to what it does.
urllib.request.urlopen(urllib.request.Request(
    url + "/moto-api/reset-auth", data=b"0", method="POST", headers={"Content-Type": "text/plain"},
))
print("ready", flush=True)
sys.stdin.read()
server.stop()
