"""What a pod's SDK does, with a token that an API server issued (the simulator or the real one): checks it as AWS would, by the issuer's
documents, and exchanges it for credentials of a role at STS, by which it reads from S3. Of the API server come its address, where it asks
for one a token, and the service account, in a line of JSON on standard input."""

import json
import sys
import urllib.parse
import urllib.request

import boto3
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet
from moto.server import ThreadedMotoServer

served = json.loads(sys.stdin.readline())


def ask(path, body=None):
    request = urllib.request.Request(
        served["url"] + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    if "token" in served:
        request.add_header("Authorization", "Bearer " + served["token"])
    with urllib.request.urlopen(request) as answer:
        return answer.headers["Content-Type"], json.load(answer)


namespace, account = served["account"].split("/")
_, issued = ask(
    f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
    {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["sts.amazonaws.com"]}},
)
token = issued["status"]["token"]
_, configuration = ask("/.well-known/openid-configuration")
issuer = configuration["issuer"]
kind, keys = ask(urllib.parse.urlsplit(configuration["jwks_uri"]).path)
keys = KeySet.import_key_set(keys)
algorithms = configuration["id_token_signing_alg_values_supported"]
claims = jwt.decode(token, keys, algorithms=algorithms).claims
head, body, signature = token.split(".")
other = head + "." + body + "." + ("A" if signature[0] != "A" else "B") + signature[1:]
try:
    jwt.decode(other, keys, algorithms=algorithms)
    changed = "accepted"
except BadSignatureError:
    changed = "refused"

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
address, port = server.get_host_and_port()
own = {"endpoint_url": f"http://{address}:{port}", "region_name": "us-west-2"}
owner = {"aws_access_key_id": "owner", "aws_secret_access_key": "owner", **own}
host = issuer.removeprefix("https://")
iam = boto3.client("iam", **owner)
iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40])
trust = {
    "Version": "2012-10-17",
    "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{host}"},
        "Condition": {"StringEquals": {host + ":sub": claims["sub"], host + ":aud": "sts.amazonaws.com"}},
    }],
}
role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
s3 = boto3.client("s3", **owner)
s3.create_bucket(Bucket="team-data", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
s3.put_object(Bucket="team-data", Key="greeting", Body=b"read by role")
sts = boto3.client("sts", aws_access_key_id="none", aws_secret_access_key="none", **own)
given = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="pod", WebIdentityToken=token)["Credentials"]
pod = boto3.client(
    "s3", aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
    aws_session_token=given["SessionToken"], **own,
)
text = pod.get_object(Bucket="team-data", Key="greeting")["Body"].read().decode()
print(json.dumps({
    "keys": kind, "issuer": claims["iss"] == issuer, "subject": claims["sub"], "audiences": claims["aud"], "changed": changed, "text": text,
}))
server.stop()
