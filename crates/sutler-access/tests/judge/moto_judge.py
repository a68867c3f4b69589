"""Asks moto's IAM enforcement about cases, one of JSON a line, and answers a word a line.

moto combines the policies of a caller as its IAMRequest does: a policy that denies ends it, else one that permits is enough.
"""

import json
import sys

from moto.iam.access_control import IAMPolicy, PermissionResult


def answer(case):
    permitted = False
    for document in case["identity"]:
        policy = IAMPolicy(json.dumps(document))
        result = policy.is_action_permitted(case["action"], case["resource"])
        if result == PermissionResult.DENIED:
            return "denied"
        permitted = permitted or result == PermissionResult.PERMITTED
    return "allowed" if permitted else "not-allowed"


for line in sys.stdin:
    print(answer(json.loads(line)))
