//! Doors to the internet, and logins behind them that let anybody in.
//!
//! ```text
//! Service, Ingress ─▶ public_doors ─┐
//! hubs, Ray, Dask, Jupyter ─▶ open_logins ─┴─▶ exposures: door, login, and the role of whoever came in
//! ```
//! Plain functions over tables: the manifests of a plan, or a live cluster.

use serde_json::Value;
use sutler_objects::object::{annotation, at, integer, labels, list, name, namespace, text};
use sutler_objects::selector::LabelSelector;

use crate::hubs::{Hub, hubs};
use crate::reach::{Block, qualified};
use crate::tables::Tables;

/// A door through which the internet comes in.
#[derive(Clone, Debug, PartialEq)]
pub struct Door<'t> {
    /// `Service jupyterhub/proxy-public`.
    pub name: String,
    /// What makes it public, in words.
    pub how: String,
    /// How to close it.
    pub close: &'static str,
    /// The pods behind it.
    pub pods: Vec<&'t Value>,
}

/// A login, or the lack of one, that lets anybody in.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenLogin<'t> {
    /// `JupyterHub in jupyterhub`, `Ray head ray/default-ray-head`.
    pub what: String,
    /// Why it lets anybody in.
    pub why: String,
    /// What to do about it.
    pub hint: &'static str,
    /// The key of a release's values that says it, to find its line.
    pub key: &'static str,
    /// Namespace and service account under which somebody who came in runs code.
    pub account: (String, String),
    /// The pods that listen.
    pub pods: Vec<&'t Value>,
}

/// A public door with an open login behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposure<'t> {
    /// The door.
    pub door: Door<'t>,
    /// The login.
    pub login: OpenLogin<'t>,
}

/// Every open login behind a public door.
pub fn exposures(tables: &Tables) -> Vec<Exposure<'_>> {
    let logins = open_logins(tables);
    let mut found = Vec::new();
    for door in public_doors(tables) {
        let behind = |login: &&OpenLogin<'_>| {
            login.pods.iter().any(|pod| door.pods.iter().any(|other| std::ptr::eq(*pod, *other)))
        };
        for login in logins.iter().filter(behind) {
            // Several pods of one kind are one exposure.
            let same = |other: &Exposure<'_>| other.door.name == door.name && other.login.why == login.why;
            if !found.iter().any(same) {
                found.push(Exposure { door: door.clone(), login: login.clone() });
            }
        }
    }
    found
}

/// Services and Ingresses that the internet reaches.
pub fn public_doors(tables: &Tables) -> Vec<Door<'_>> {
    let services = tables.list("Service").iter().filter_map(|service| {
        let how = public_service(service)?;
        let close = "type: ClusterIP, an internal scheme, or loadBalancerSourceRanges";
        Some(Door { name: format!("Service {}", qualified(service)), how, close, pods: behind(tables, service) })
    });
    let ingresses = tables.list("Ingress").iter().filter_map(|ingress| {
        let how = public_ingress(ingress)?;
        let pods =
            backends(ingress).into_iter().filter_map(|service| tables.get("Service", namespace(ingress), service));
        let pods = pods.flat_map(|service| behind(tables, service)).collect();
        let close = "an internal scheme, a login of its own, or ranges of addresses";
        Some(Door { name: format!("Ingress {}", qualified(ingress)), how, close, pods })
    });
    services.chain(ingresses).collect()
}

/// The pods that a Service selects.
fn behind<'t>(tables: &'t Tables, service: &Value) -> Vec<&'t Value> {
    let selector =
        at(service, &["spec", "selector"]).and_then(Value::as_object).filter(|selector| !selector.is_empty());
    let Some(selector) = selector.map(LabelSelector::from_labels) else { return Vec::new() };
    tables.list_in("Pod", namespace(service)).filter(|pod| selector.matches(labels(pod))).collect()
}

/// How a Service is open to the internet; `None` if it is not.
fn public_service(service: &Value) -> Option<String> {
    if text(service, &["spec", "type"]) != "LoadBalancer" {
        return None;
    }
    let said = |key: &str| annotation(service, key).unwrap_or_default();
    let scheme = said("service.beta.kubernetes.io/aws-load-balancer-scheme");
    // The older controller takes any value but `false` for yes.
    let internal = said("service.beta.kubernetes.io/aws-load-balancer-internal");
    let of_other_clouds = said("networking.gke.io/load-balancer-type").eq_ignore_ascii_case("internal")
        || said("cloud.google.com/load-balancer-type").eq_ignore_ascii_case("internal")
        || said("service.beta.kubernetes.io/azure-load-balancer-internal") == "true";
    if scheme == "internal" || !matches!(internal, "" | "false") || of_other_clouds {
        return None;
    }
    // The AWS Load Balancer Controller and EKS Auto Mode make internal ones unless told.
    let class = text(service, &["spec", "loadBalancerClass"]);
    let of_controller = matches!(class, "service.k8s.aws/nlb" | "eks.amazonaws.com/nlb")
        || matches!(said("service.beta.kubernetes.io/aws-load-balancer-type"), "external" | "nlb-ip");
    if of_controller && scheme != "internet-facing" {
        return None;
    }
    let given: Vec<&str> =
        list(service, &["spec", "loadBalancerSourceRanges"]).iter().filter_map(Value::as_str).collect();
    let annotated = said("service.beta.kubernetes.io/load-balancer-source-ranges").split(',').map(str::trim);
    let ranges: Vec<&str> = match given.is_empty() {
        false => given,
        true => annotated.filter(|range| !range.is_empty()).collect(),
    };
    is_open(&ranges).then(|| "a public load balancer, open to every address".to_owned())
}

/// Whether address blocks leave the whole internet in; none at all do.
fn is_open(ranges: &[&str]) -> bool {
    let everything = |range: &&str| Block::parse(range).is_some_and(Block::is_everything) || **range == *"::/0";
    ranges.is_empty() || ranges.iter().any(everything)
}

/// How an Ingress is open to the internet; `None` if it is not, or if it asks who comes in itself.
fn public_ingress(ingress: &Value) -> Option<String> {
    let said = |key: &str| annotation(ingress, key).unwrap_or_default();
    let class = match text(ingress, &["spec", "ingressClassName"]) {
        "" => said("kubernetes.io/ingress.class"),
        class => class,
    };
    let split =
        |text: &'static str| said(text).split(',').map(str::trim).filter(|range| !range.is_empty()).collect::<Vec<_>>();
    if class == "alb" {
        let asks = matches!(said("alb.ingress.kubernetes.io/auth-type"), "oidc" | "cognito");
        let public = said("alb.ingress.kubernetes.io/scheme") == "internet-facing";
        return (public && !asks && is_open(&split("alb.ingress.kubernetes.io/inbound-cidrs")))
            .then(|| "a public load balancer (ALB), open to every address".to_owned());
    }
    let nginx = |key: &str| annotation(ingress, &format!("nginx.ingress.kubernetes.io/{key}")).is_some();
    if class.contains("internal") || nginx("auth-url") || nginx("auth-type") {
        return None;
    }
    let ranges = [
        split("nginx.ingress.kubernetes.io/whitelist-source-range"),
        split("nginx.ingress.kubernetes.io/allowlist-source-range"),
    ];
    is_open(&ranges.concat()).then(|| match class {
        "" => "behind the default ingress class".to_owned(),
        class => format!("behind the ingress class {class}"),
    })
}

/// The names of the Services that an Ingress leads to.
fn backends(ingress: &Value) -> Vec<&str> {
    let paths = list(ingress, &["spec", "rules"]).iter().flat_map(|rule| list(rule, &["http", "paths"]));
    let mut names: Vec<&str> = paths.map(|path| text(path, &["backend", "service", "name"])).collect();
    names.push(text(ingress, &["spec", "defaultBackend", "service", "name"]));
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    names.dedup();
    names
}

/// Everything that lets anybody in.
pub fn open_logins(tables: &Tables) -> Vec<OpenLogin<'_>> {
    let mut found: Vec<OpenLogin<'_>> = hubs(tables).iter().filter_map(|hub| open_hub(tables, hub)).collect();
    found.extend(tables.list("Pod").iter().filter_map(without_login));
    found
}

fn open_hub<'t>(tables: &'t Tables, hub: &Hub) -> Option<OpenLogin<'t>> {
    let (why, key) = open_authenticator(tables, hub)?;
    let is_door = |pod: &&Value| {
        let component =
            |key: &str| labels(pod).and_then(|labels| labels.get(key)).and_then(Value::as_str).unwrap_or_default();
        let of = |component: &str| matches!(component, "hub" | "proxy" | "autohttps");
        of(component("component")) || of(component("app.kubernetes.io/component"))
    };
    Some(OpenLogin {
        what: format!("JupyterHub in {}", hub.namespace),
        why,
        hint: "set hub.config.JupyterHub.authenticator_class to one that asks who it is (auth0, google, github with an allow rule…)",
        key,
        account: (hub.namespace.clone(), hub.account().to_owned()),
        pods: tables.list_in("Pod", &hub.namespace).filter(is_door).collect(),
    })
}

/// Providers with which anybody can have an account.
const FOR_EVERYBODY: [(&str, &str); 8] = [
    ("github", "GitHub"),
    ("google", "Google"),
    ("gitlab", "GitLab"),
    ("bitbucket", "Bitbucket"),
    ("globus", "Globus"),
    ("orcid", "ORCID"),
    ("cilogon", "CILogon"),
    ("mediawiki", "MediaWiki"),
];

/// Why a hub's authenticator lets anybody in, and the setting that says so; `None` if it does not, or if Python decides.
fn open_authenticator(tables: &Tables, hub: &Hub) -> Option<(String, &'static str)> {
    let class = hub.setting("JupyterHub", "authenticator_class").and_then(Value::as_str)?;
    // Python runs last, and what it sets is its own.
    if hub.extra_config.contains("authenticator_class") {
        return None;
    }
    let known = class.to_lowercase();
    let allows_all = |class: &str| {
        let of = |class: &str| hub.setting(class, "allow_all").and_then(Value::as_bool);
        of(class).or_else(|| of("Authenticator"))
    };
    let why = |text: String| Some((text, "authenticator_class"));
    let last = known.rsplit('.').next().unwrap_or(&known);
    let last = last.strip_suffix("oauthenticator").or_else(|| last.strip_suffix("authenticator")).unwrap_or(last);
    match last {
        "dummy" if !has_password(tables, hub, "DummyAuthenticator", "password") => {
            why(format!("authenticator_class is `{class}`: every name gets in, with any password"))
        }
        "tmp" => why(format!("authenticator_class is `{class}`: whoever comes gets a name and is in")),
        "native" if hub.setting("NativeAuthenticator", "open_signup").and_then(Value::as_bool) == Some(true) => Some((
            "NativeAuthenticator.open_signup is true: whoever comes makes an account and is in".to_owned(),
            "open_signup",
        )),
        "firstuse" if hub.setting("FirstUseAuthenticator", "create_users").and_then(Value::as_bool) != Some(false) => {
            why(format!("authenticator_class is `{class}`: whoever comes first with a name sets its password"))
        }
        last => {
            let last = last.trim_start_matches("local").trim_start_matches('-');
            let (_, provider) = FOR_EVERYBODY.iter().find(|(word, _)| last == *word)?;
            let own = format!("{provider}OAuthenticator");
            let narrowed = ["hosted_domain", "allowed_organizations", "allowed_domains"].iter().any(|rule| {
                hub.setting(&own, rule).is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()))
            });
            (allows_all(&own) == Some(true) && !narrowed).then(|| {
                (
                    format!("allow_all is true with `{class}`: everybody with an account at {provider} gets in"),
                    "allow_all",
                )
            })
        }
    }
}

/// Whether a shared password is set: among the settings, or in a Secret beside them under the setting's path.
fn has_password(tables: &Tables, hub: &Hub, class: &str, name: &str) -> bool {
    let given = hub.setting(class, name).and_then(Value::as_str).is_some_and(|password| !password.is_empty());
    let key = format!("hub.config.{class}.{name}");
    let in_secret = |secret: &Value| ["data", "stringData"].iter().any(|field| at(secret, &[field, &key]).is_some());
    given || tables.list_in("Secret", &hub.namespace).any(in_secret)
}

/// Programs that run code for whoever reaches them.
fn without_login(pod: &Value) -> Option<OpenLogin<'_>> {
    let containers = list(pod, &["spec", "containers"]);
    let words = |container: &Value| {
        let words = ["command", "args"].iter().flat_map(|field| list(container, &[field]).to_vec());
        words.filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>().join(" ")
    };
    let listens = |port: i64| {
        let ports = containers.iter().flat_map(|container| list(container, &["ports"]));
        ports.filter_map(|port| integer(port, &["containerPort"])).any(|found| found == port)
    };
    let said = containers.iter().map(words).collect::<Vec<_>>().join(" ");
    let (what, why, hint) = if listens(10001) && listens(8265) {
        (
            "Ray head",
            "Ray asks nobody who he is: whoever reaches ports 8265 or 10001 runs code",
            "let the Service be of type ClusterIP, and reach it by `sutler ray` or kubectl port-forward",
        )
    } else if said.contains("dask-scheduler") || said.contains("dask scheduler") {
        (
            "Dask scheduler",
            "Dask asks nobody who he is: whoever reaches port 8786 runs code",
            "let the Service be of type ClusterIP",
        )
    } else if has_empty_token(&said) {
        ("Jupyter server", "its token is empty: whoever reaches it runs code", "let it have a token or a password")
    } else {
        return None;
    };
    let account = match text(pod, &["spec", "serviceAccountName"]) {
        "" => "default",
        account => account,
    };
    Some(OpenLogin {
        what: format!("{what} {}/{}", namespace(pod), name(pod)),
        why: why.to_owned(),
        hint,
        key: "service",
        account: (namespace(pod).to_owned(), account.to_owned()),
        pods: vec![pod],
    })
}

/// Whether arguments set Jupyter's token to nothing.
fn has_empty_token(words: &str) -> bool {
    ["ServerApp.token=", "NotebookApp.token=", "IdentityProvider.token="].iter().any(|flag| {
        words.split(flag).skip(1).any(|rest| {
            let value = rest.split_whitespace().next().filter(|_| !rest.starts_with(char::is_whitespace)).unwrap_or("");
            value.trim_matches(['\'', '"']).is_empty()
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{exposures, has_empty_token};
    use crate::tables::Tables;

    fn service(more: Value) -> Value {
        let mut service = json!({"kind": "Service", "metadata": {"namespace": "hub", "name": "proxy-public"},
            "spec": {"type": "LoadBalancer", "selector": {"component": "proxy"}}});
        for (key, value) in more.as_object().expect("an object") {
            match key.as_str() {
                "annotations" => service["metadata"]["annotations"] = value.clone(),
                _ => service["spec"][key] = value.clone(),
            }
        }
        service
    }

    fn said(service: Value, config: Value) -> String {
        let values = json!({"hub": {"config": config}, "singleuser": {}});
        let tables = Tables::of_objects([
            service,
            json!({"kind": "Pod", "metadata": {"namespace": "hub", "name": "proxy", "labels": {"component": "proxy"}}}),
            json!({"kind": "Secret", "metadata": {"namespace": "hub", "name": "hub"}, "stringData": {"values.yaml": values.to_string()}}),
        ]);
        exposures(&tables)
            .iter()
            .map(|found| format!("{}: {}", found.door.name, found.login.why))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_door_is_public_unless_something_narrows_it() {
        let dummy = || json!({"JupyterHub": {"authenticator_class": "dummy"}});
        let open = "Service hub/proxy-public: authenticator_class is `dummy`: every name gets in, with any password";
        let annotated = |key: &str, value: &str| json!({"annotations": {key: value}});
        let aws = "service.beta.kubernetes.io/aws-load-balancer-";
        assert_eq!(said(service(json!({})), dummy()), open);
        assert_eq!(said(service(json!({"type": "ClusterIP"})), dummy()), "");
        assert_eq!(said(service(json!({"loadBalancerSourceRanges": ["10.0.0.0/8"]})), dummy()), "");
        assert_eq!(said(service(json!({"loadBalancerSourceRanges": ["10.0.0.0/8", "0.0.0.0/0"]})), dummy()), open);
        assert_eq!(said(service(annotated(&format!("{aws}internal"), "true")), dummy()), "");
        assert_eq!(said(service(annotated(&format!("{aws}scheme"), "internal")), dummy()), "");
        assert_eq!(said(service(json!({"loadBalancerClass": "service.k8s.aws/nlb"})), dummy()), "");
        let facing = json!({"loadBalancerClass": "service.k8s.aws/nlb", "annotations": {format!("{aws}scheme"): "internet-facing"}});
        assert_eq!(said(service(facing), dummy()), open);
    }

    #[test]
    fn a_login_is_open_where_anybody_can_pass_it() {
        let class = |class: &str, more: Value| {
            let mut config = json!({"JupyterHub": {"authenticator_class": class}});
            config.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            said(service(json!({})), config)
        };
        assert!(class("jupyterhub.auth.DummyAuthenticator", json!({})).contains("every name"));
        assert_eq!(class("dummy", json!({"DummyAuthenticator": {"password": "secret"}})), "");
        assert_eq!(class("auth0", json!({"Authenticator": {"allow_all": true}})), "");
        assert!(class("github", json!({"Authenticator": {"allow_all": true}})).contains("account at GitHub"));
        assert!(
            class("oauthenticator.GitHubOAuthenticator", json!({"GitHubOAuthenticator": {"allow_all": true}}))
                .contains("GitHub")
        );
        assert_eq!(
            class("google", json!({"GoogleOAuthenticator": {"allow_all": true, "hosted_domain": ["example.com"]}})),
            ""
        );
        assert!(class("firstuseauthenticator.FirstUseAuthenticator", json!({})).contains("comes first"));
        assert_eq!(class("null", json!({})), "");
    }

    #[test]
    fn an_empty_token_is_seen_in_all_spellings() {
        assert!(has_empty_token("jupyter lab --ServerApp.token='' --ip=0.0.0.0"));
        assert!(has_empty_token("start.sh --NotebookApp.token="));
        assert!(has_empty_token("jupyter lab --IdentityProvider.token= --port 8888"));
        assert!(!has_empty_token("jupyter lab --ServerApp.token=abc"));
    }
}
