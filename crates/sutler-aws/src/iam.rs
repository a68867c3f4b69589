//! Identity and Access Management: roles with their policies, and the issuers that an account trusts.

use std::collections::BTreeSet;

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

/// What a simulation said of one action (`SimulatePrincipalPolicy`, data type `EvaluationResult`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// The action, `iam:CreateRole`.
    pub action: String,
    /// Whether it would be allowed.
    pub decision: Decision,
    /// The policies whose statements decided, by AWS's name for them; none where nothing allows.
    pub policies: Vec<String>,
    /// Condition keys that the policies look at and that the question did not say.
    pub missing_keys: Vec<String>,
    /// Whether the permissions boundary allows it; `None` where there is none.
    pub boundary_allows: Option<bool>,
    /// Whether the organisation's service control policies allow it; `None` where there are none.
    pub organization_allows: Option<bool>,
}

/// What a simulation decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is allowed.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// Nothing allows it.
    ImplicitDeny,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its ARN.
    pub arn: String,
    /// The ARN of the managed policy that bounds it.
    pub boundary: Option<String>,
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
        self.policies_of("Role", name).await
    }

    /// A user by its name (`iam:GetUser`); `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn user(&self, name: &str) -> Result<Option<User>, CallError> {
        let call = query("GetUser", format!("user {name}"), &[("UserName", name)]);
        let read = self.read(call, |answer| {
            let user = element(answer, "User")?;
            let boundary = find(user, "PermissionsBoundaryArn").filter(|arn| !arn.is_empty()).map(str::to_owned);
            Some(User { arn: child(user, "Arn")?.to_owned(), boundary })
        });
        found(read.await)
    }

    /// All policies of a user, its own first, then those of its groups (`iam:ListUserPolicies`, `iam:GetUserPolicy`,
    /// `iam:ListAttachedUserPolicies`, `iam:ListGroupsForUser`, the same three of groups, `iam:GetPolicy`, `iam:GetPolicyVersion`).
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub async fn user_policies(&self, name: &str) -> Result<Vec<Policy>, CallError> {
        let mut policies = self.policies_of("User", name).await?;
        let object = format!("user {name}");
        let group = |item: Node<'_, '_>| child(item, "GroupName").map(str::to_owned);
        for group in self.pages("ListGroupsForUser", &object, &[("UserName", name)], "Groups", group).await? {
            policies.extend(self.policies_of("Group", &group).await?);
        }
        Ok(policies)
    }

    /// The policies of a `Role`, `User` or `Group`, inline ones first.
    async fn policies_of(&self, kind: &str, name: &str) -> Result<Vec<Policy>, CallError> {
        let object = format!("{} {name}", kind.to_lowercase());
        let parameter = format!("{kind}Name");
        let owner = [(parameter.as_str(), name)];
        let mut policies = Vec::new();
        for inline in self.pages(&format!("List{kind}Policies"), &object, &owner, "PolicyNames", own_text).await? {
            let operation = format!("Get{kind}Policy");
            let call = query(&operation, object.clone(), &[owner[0], ("PolicyName", &inline)]);
            let document = self.read(call, |answer| decode(find(answer, "PolicyDocument")?)).await?;
            policies.push(Policy { name: inline, document });
        }
        let arn_of = |item: Node<'_, '_>| child(item, "PolicyArn").map(str::to_owned);
        let operation = format!("ListAttached{kind}Policies");
        for arn in self.pages(&operation, &object, &owner, "AttachedPolicies", arn_of).await? {
            let document = self.managed_policy(&arn).await?;
            policies.push(Policy { name: arn, document });
        }
        Ok(policies)
    }

    /// Whether a user or a role, by its ARN, would be allowed these actions on a resource (`iam:SimulatePrincipalPolicy`): by its
    /// policies, its boundary and its organisation. Nothing is done. `resource` is an ARN or `*`; `context` has condition keys with
    /// their one value. The answers come in AWS's order.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn simulate(
        &self,
        principal: &str,
        actions: &[&str],
        resource: &str,
        context: &[(&str, &str)],
    ) -> Result<Vec<Simulated>, CallError> {
        let mut parameters = vec![("PolicySourceArn".to_owned(), principal)];
        for (index, action) in actions.iter().enumerate() {
            parameters.push((format!("ActionNames.member.{}", index + 1), action));
        }
        if resource != "*" {
            parameters.push(("ResourceArns.member.1".to_owned(), resource));
        }
        for (index, (key, value)) in context.iter().enumerate() {
            let entry = format!("ContextEntries.member.{}", index + 1);
            parameters.push((format!("{entry}.ContextKeyName"), key));
            parameters.push((format!("{entry}.ContextKeyType"), "string"));
            parameters.push((format!("{entry}.ContextKeyValues.member.1"), value));
        }
        let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let object = format!("{principal} on {resource}");
        self.pages("SimulatePrincipalPolicy", &object, &parameters, "EvaluationResults", simulated).await
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

fn simulated(result: Node<'_, '_>) -> Option<Simulated> {
    let decision = match child(result, "EvalDecision")? {
        "allowed" => Decision::Allowed,
        "explicitDeny" => Decision::ExplicitDeny,
        "implicitDeny" => Decision::ImplicitDeny,
        _ => return None,
    };
    // Where a resource was asked about, both stand at it too.
    let all = |list: &str, of: fn(Node<'_, '_>) -> Option<String>| {
        let lists = result.descendants().filter(|node| node.tag_name().name() == list);
        let members = lists.flat_map(|list| list.children().filter(|item| item.tag_name().name() == "member"));
        members.filter_map(of).collect::<BTreeSet<String>>().into_iter().collect()
    };
    let whether = |detail: &str, name: &str| Some(find(element(result, detail)?, name)? == "true");
    Some(Simulated {
        action: child(result, "EvalActionName")?.to_owned(),
        decision,
        policies: all("MatchedStatements", |item| child(item, "SourcePolicyId").map(str::to_owned)),
        missing_keys: all("MissingContextValues", |item| item.text().map(str::to_owned)),
        boundary_allows: whether("PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary"),
        organization_allows: whether("OrganizationsDecisionDetail", "AllowedByOrganizations"),
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
