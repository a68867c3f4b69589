"""An AWS account by moto on a port of loopback: prints the port, serves until standard input ends."""

import json
import logging
import os
import sys

from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_ENDPOINT_URL=url)

import boto3


def client(service):
    return boto3.client(service, region_name="us-west-2")


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": "*"}}],
}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}

iam = client("iam")
iam.create_role(
    RoleName="data_DaftRole",
    AssumeRolePolicyDocument=json.dumps(TRUST),
    MaxSessionDuration=7200,
    Tags=[{"Key": "stack", "Value": "a+b %"}],
)
# With `--many`, more policies than one page of an answer holds.
for number in range(120 if "--many" in sys.argv else 1):
    iam.put_role_policy(RoleName="data_DaftRole", PolicyName=f"inline-{number:03}", PolicyDocument=json.dumps(READ))
arn = iam.create_policy(PolicyName="read", PolicyDocument=json.dumps(READ))["Policy"]["Arn"]
iam.attach_role_policy(RoleName="data_DaftRole", PolicyArn=arn)
iam.create_open_id_connect_provider(
    Url="https://oidc.eks.us-west-2.amazonaws.com/id/AAAA", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40]
)
ec2 = client("ec2")
subnets = ec2.describe_subnets()["Subnets"]
eks = client("eks")
eks.create_cluster(
    name="data",
    version="1.34",
    roleArn="arn:aws:iam::123456789012:role/cluster",
    resourcesVpcConfig={"subnetIds": [subnet["SubnetId"] for subnet in subnets[:2]]},
)
s3 = client("s3")
s3.create_bucket(Bucket="team-data", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="open")
s3.put_bucket_policy(Bucket="team-data", Policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
key = client("kms").create_key()["KeyMetadata"]["Arn"]
s3.put_bucket_encryption(
    Bucket="team-data",
    ServerSideEncryptionConfiguration={
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}]
    },
)
# What controllers of a cluster leave in its network.
ec2.create_network_interface(SubnetId=subnets[0]["SubnetId"], Description="aws-K8S-i-0abc")
ec2.create_security_group(GroupName="k8s-elb-web", Description="of a load balancer", VpcId=subnets[0]["VpcId"])
print(json.dumps({"url": url, "vpc": subnets[0]["VpcId"], "key": key}), flush=True)
sys.stdin.read()
server.stop()
