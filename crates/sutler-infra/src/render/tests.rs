//! The files of a description: which there are, and what the variables say.

use sutler_access::Document;
use sutler_access::s3::{self, Access, Grant};

use super::*;
use crate::checks::tests::good;
use crate::model::{Addon, Nat};

fn file(infra: &Infra, path: &str) -> String {
    render(infra).into_iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}")).text
}

fn policy() -> Document {
    let grant = Grant { bucket: "team-data".into(), prefix: String::new(), access: Access::Read };
    s3::policy(&[grant], sutler_access::Partition::Standard).unwrap()
}

#[test]
fn a_root_module_is_whole_and_always_the_same() {
    let mut infra = good();
    infra.roles.get_mut("DaftRole").unwrap().policy = Some(policy());
    let files = render(&infra);
    let own: Vec<&str> =
        files.iter().map(|file| file.path.as_str()).filter(|path| !path.starts_with("modules/")).collect();
    assert_eq!(
        own,
        ["backend.tf", "main.tf", "outputs.tf", "policies/DaftRole.json", "terraform.tfvars.json", "variables.tf"]
    );
    assert_eq!(files.len(), own.len() + module::files().len());
    assert!(files.is_sorted_by(|a, b| a.path < b.path));
    assert_eq!(files, render(&infra));
}

#[test]
fn variables_are_plain_data() {
    let mut infra = good();
    infra.addons = Some([("coredns".to_owned(), Addon::default())].into());
    let expect = json!({
        "account": "444455556666",
        "addons": {"coredns": {}},
        "autoscaler": {"namespace": "kube-system", "service_account": "cluster-autoscaler"},
        "cluster_name": "data-team-prod",
        "kubernetes_version": "1.34",
        "manage": "all",
        "network": {"cidr": "10.0.0.0/16", "nat": "one"},
        "pools": {"ray": {
            "ami_type": "AL2023_x86_64_STANDARD",
            "capacity": "spot",
            "disk_gib": 20,
            "group_per_zone": false,
            "instance_types": ["m6i.4xlarge", "m6a.4xlarge"],
            "labels": {"dedicated": "ray", "sutler.dev/pool": "ray"},
            "max": 20,
            "min": 0,
            "resources": {"ephemeral-storage": "18181869946"},
            "taints": [{"key": "dedicated", "value": "ray", "effect": "NoSchedule"}],
        }},
        "region": "us-west-2",
        "roles": {"DaftRole": {"identity": "irsa", "service_accounts": ["ray/daft"]}},
    });
    let text = file(&infra, "terraform.tfvars.json");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expect);
    assert!(text.ends_with("}\n"));
}

#[test]
fn gpus_are_told_and_have_the_image_with_drivers() {
    let mut infra = good();
    infra.pools.get_mut("ray").unwrap().pool.instance_types = vec!["g5.12xlarge".into(), "g5.xlarge".into()];
    let pool = &variables(&infra)["pools"]["ray"];
    assert_eq!(pool["ami_type"], "AL2023_x86_64_NVIDIA");
    assert_eq!(pool["resources"]["nvidia.com/gpu"], "1");
}

#[test]
fn roles_alone_say_nothing_of_a_cluster_to_make() {
    let mut infra = good();
    infra.manage = Manage::Roles;
    let variables = variables(&infra);
    let names: Vec<&String> = variables.as_object().unwrap().keys().collect();
    assert_eq!(names, ["account", "cluster_name", "manage", "region", "roles"]);
}

#[test]
fn networks_without_nat_and_existing_ones_are_said() {
    let mut infra = good();
    infra.network = Network::Create { cidr: "10.0.0.0/16".into(), zones: None, nat: Nat::None };
    assert_eq!(variables(&infra)["network"], json!({"cidr": "10.0.0.0/16", "nat": "none"}));
    let tags = [("tier".to_owned(), "private".to_owned())].into();
    infra.network = Network::Existing { vpc_id: "vpc-01234567".into(), subnets: Subnets::Tags(tags) };
    assert_eq!(variables(&infra)["network"], json!({"vpc_id": "vpc-01234567", "subnet_tags": {"tier": "private"}}));
}

#[test]
fn state_is_local_or_in_a_bucket_with_a_lock() {
    let mut infra = good();
    assert!(file(&infra, "backend.tf").contains("backend \"local\" {}"));
    infra.state = State::S3 { bucket: "team".into(), key: "a/${b}\"".into(), region: "us-west-2".into() };
    let text = file(&infra, "backend.tf");
    assert!(text.contains("use_lockfile = true") && text.contains("required_version = \">= 1.10.0\""), "{text}");
    assert!(text.contains(r#"key          = "a/$${b}\"""#), "{text}");
}

#[test]
fn every_input_and_output_of_the_module_is_passed_on() {
    let infra = good();
    let (main, outputs, variables) =
        (file(&infra, "main.tf"), file(&infra, "outputs.tf"), file(&infra, "variables.tf"));
    for name in module::inputs() {
        assert!(main.contains(&format!("var.{name}")), "{name}");
        assert!(variables.contains(&format!("variable \"{name}\"")), "{name}");
    }
    for name in module::outputs() {
        assert!(outputs.contains(&format!("module.cluster.{name}")), "{name}");
    }
}
