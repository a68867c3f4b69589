# What the module needs. It holds no provider block: the caller says region, account and credentials.

terraform {
  # 1.6 is the first with the tests that lie in tests/ (their mocks ask for 1.7), and where OpenTofu begins.
  required_version = ">= 1.6.0"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 5.81: IAM fetches the thumbprint of an OIDC issuer by itself.
      version = ">= 5.81.0"
    }
  }
}
