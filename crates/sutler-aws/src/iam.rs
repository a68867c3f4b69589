//! Identity and Access Management: roles with their policies, and the issuers that an account trusts.

use crate::call::{Call, CallError, found};
use crate::client::Aws;
use crate::endpoint::Service;
use crate::xml::{Node, child, element, find, items};

const VERSION: &str = "2010-05-08";

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The trust policy: JSON.
    pub trust: String,
    /// The ARN of the managed policy that bounds it.
    pub boundary: Option<String>,
    /// The longest session, in seconds: 3600 to 43200.
    pub max_session: u32,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

/// A policy of a role: its name or ARN, and the document as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The name of an inline policy, the ARN of a managed one.
    pub name: String,
    /// The document: JSON.
    pub document: String,
}

/// An OIDC issuer that the account trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcProvider {
    /// Its ARN.
    pub arn: String,
    /// The issuer without `https://`.
    pub url: String,
    /// Client ids: audiences of tokens it stands for.
    pub client_ids: Vec<String>,
}

impl Aws {
    /// A role by its name (`iam:GetRole`); `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn role(&self, name: &str) -> Result<Option<Role>, CallError> {
        let call = query("GetRole", format!("role {name}"), &[("RoleName", name)]);
        found(self.read(call, role).await)
    }

    /// All policies of a role, inline ones first (`iam:ListRolePolicies`, `iam:GetRolePolicy`,
    /// `iam:ListAttachedRolePolicies`, `iam:GetPolicy`, `iam:GetPolicyVersion`).
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub async fn role_policies(&self, name: &str) -> Result<Vec<Policy>, CallError> {
        let object = format!("role {name}");
        let mut policies = Vec::new();
        for inline in self.pages("ListRolePolicies", &object, &[("RoleName", name)], "PolicyNames", own_text).await? {
            let call = query("GetRolePolicy", object.clone(), &[("RoleName", name), ("PolicyName", &inline)]);
            let document = self.read(call, |answer| decode(find(answer, "PolicyDocument")?)).await?;
            policies.push(Policy { name: inline, document });
        }
        let arn_of = |item: Node<'_, '_>| child(item, "PolicyArn").map(str::to_owned);
        let operation = "ListAttachedRolePolicies";
        for arn in self.pages(operation, &object, &[("RoleName", name)], "AttachedPolicies", arn_of).await? {
            let document = self.managed_policy(&arn).await?;
            policies.push(Policy { name: arn, document });
        }
        Ok(policies)
    }

    /// The document that counts of a managed policy (`iam:GetPolicy`, `iam:GetPolicyVersion`).
    ///
    /// # Errors
    /// If it does not exist or cannot be read.
    pub async fn managed_policy(&self, arn: &str) -> Result<String, CallError> {
        let object = format!("policy {arn}");
        let call = query("GetPolicy", object.clone(), &[("PolicyArn", arn)]);
        let version = self.read(call, |answer| find(answer, "DefaultVersionId").map(str::to_owned)).await?;
        let call = query("GetPolicyVersion", object, &[("PolicyArn", arn), ("VersionId", &version)]);
        self.read(call, |answer| decode(find(answer, "Document")?)).await
    }

    /// The OIDC issuers that the account trusts (`iam:ListOpenIDConnectProviders`, `iam:GetOpenIDConnectProvider`).
    ///
    /// # Errors
    /// If they cannot be listed or read.
    pub async fn oidc_providers(&self) -> Result<Vec<OidcProvider>, CallError> {
        let call = query("ListOpenIDConnectProviders", "the account".into(), &[]);
        let arns = self
            .read(call, |answer| {
                let members = items(answer, "OpenIDConnectProviderList", "member");
                members.into_iter().map(|member| child(member, "Arn").map(str::to_owned)).collect::<Option<Vec<_>>>()
            })
            .await?;
        let mut providers = Vec::new();
        for arn in arns {
            let call = query(
                "GetOpenIDConnectProvider",
                format!("provider {arn}"),
                &[("OpenIDConnectProviderArn", arn.as_str())],
            );
            let read = self.read(call, |answer| {
                let ids = items(answer, "ClientIDList", "member").into_iter();
                Some((
                    find(answer, "Url")?.to_owned(),
                    ids.map(|id| id.text().unwrap_or_default().to_owned()).collect::<Vec<_>>(),
                ))
            });
            // One that was deleted between the two calls is not there.
            if let Some((url, client_ids)) = found(read.await)? {
                let url = url.trim_start_matches("https://").to_owned();
                providers.push(OidcProvider { arn, url, client_ids });
            }
        }
        Ok(providers)
    }

    /// All items of a list that comes in pages.
    async fn pages<T>(
        &self,
        operation: &str,
        object: &str,
        parameters: &[(&str, &str)],
        list: &str,
        item: impl Fn(Node<'_, '_>) -> Option<T>,
    ) -> Result<Vec<T>, CallError> {
        let mut all = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let mut parameters = parameters.to_vec();
            if let Some(marker) = &marker {
                parameters.push(("Marker", marker));
            }
            let call = query(operation, object.to_owned(), &parameters);
            let (page, next) = self
                .read(call, |answer| {
                    let page = items(answer, list, "member").into_iter().map(&item).collect::<Option<Vec<T>>>()?;
                    let more = find(answer, "IsTruncated") == Some("true");
                    Some((page, if more { find(answer, "Marker").map(str::to_owned) } else { None }))
                })
                .await?;
            all.extend(page);
            match next {
                Some(next) => marker = Some(next),
                None => return Ok(all),
            }
        }
    }
}

fn query<'a>(operation: &'a str, object: String, parameters: &[(&str, &str)]) -> Call<'a> {
    Call::query(Service::Iam, VERSION, operation, object, parameters)
}

fn own_text(item: Node<'_, '_>) -> Option<String> {
    item.text().map(str::to_owned)
}

fn role(answer: Node<'_, '_>) -> Option<Role> {
    let role = element(answer, "Role")?;
    Some(Role {
        name: child(role, "RoleName")?.to_owned(),
        arn: child(role, "Arn")?.to_owned(),
        trust: decode(child(role, "AssumeRolePolicyDocument")?)?,
        boundary: find(role, "PermissionsBoundaryArn").filter(|arn| !arn.is_empty()).map(str::to_owned),
        max_session: find(role, "MaxSessionDuration").and_then(|text| text.parse().ok()).unwrap_or(3600),
        tags: items(role, "Tags", "member")
            .into_iter()
            .filter_map(|tag| Some((child(tag, "Key")?.to_owned(), child(tag, "Value")?.to_owned())))
            .collect(),
    })
}

/// IAM writes documents percent-encoded.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
                decoded.push(u8::from_str_radix(digits, 16).ok()?);
                at += 3;
            }
            byte => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn documents_are_percent_decoded_and_a_plus_stays_a_plus() {
        assert_eq!(decode("%7B%22a%22%3A+%22b%22%7D").as_deref(), Some("{\"a\":+\"b\"}"));
        assert_eq!(decode("%7"), None);
        assert_eq!(decode("%zz"), None);
    }
}
