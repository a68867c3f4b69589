//! The rendered root module through the real Terraform and the real AWS provider, against an account of moto's: apply, nothing left to
//! do, one change, gone.
//!
//! The module has nothing of this in it: where AWS is, is said by the environment, as every tool of AWS's is told.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "tests say what they lack, and may panic")]

mod support;

use std::io::{BufRead, BufReader, Seek, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use support::Account;
use sutler_access::s3::{self, Access, Grant};
use sutler_infra::model::{Identity, Infra, Manage, Nat, Network, NodePool, Role, State};
use sutler_infra::plan::Action;
use sutler_infra::progress::Event;
use sutler_infra::run::{Goal, PROGRAM_VARIABLE, RunError, Settings, Terraform, Version, write};
use sutler_infra::{check, render, rights};
use sutler_nodes::{Capacity, Pool};

/// Terraform, with where the provider is and what else is said; or `None`, told by name.
fn terraform(test: &str, more: Vec<(String, std::ffi::OsString)>) -> Option<Terraform> {
    let environment = support::terraform(test)?.into_iter().chain(more).collect();
    Some(Terraform::find(Settings { plugin_folder: None, environment }).unwrap_or_else(shown))
}

/// Fails the test with what Terraform said.
fn shown<T>(error: sutler_infra::run::RunError) -> T {
    panic!("{error}")
}

fn infra() -> Infra {
    let pool = |name: &str, types: &[&str], min, max, capacity| Pool {
        name: name.into(),
        instance_types: types.iter().map(ToString::to_string).collect(),
        min,
        max,
        capacity,
        dedicated: (name != "core").then(|| name.into()),
        ..Pool::default()
    };
    let pools = [
        pool("core", &["m6i.xlarge"], 2, 3, Capacity::OnDemand),
        pool("ray", &["m6i.4xlarge", "m6a.4xlarge"], 0, 20, Capacity::Spot),
    ];
    let pools = pools.map(|pool| {
        let group_per_zone = pool.name == "ray";
        (pool.name.clone(), NodePool { pool, image: None, disk_gib: 20, group_per_zone })
    });
    let grant = Grant { bucket: "team-data".into(), prefix: String::new(), access: Access::Read };
    let role = Role {
        identity: Identity::Irsa,
        service_accounts: vec!["ray/daft".parse().unwrap(), "jupyterhub/daft".parse().unwrap()],
        policy: Some(s3::policy(&[grant], sutler_access::Partition::Standard).unwrap()),
        managed_policies: Vec::new(),
        trust: None,
        boundary: None,
        moves_from: None,
    };
    let by_eks = Role {
        identity: Identity::PodIdentity,
        service_accounts: vec!["ray/pods".parse().unwrap()],
        policy: None,
        ..role.clone()
    };
    Infra {
        cluster: "data-team-prod".into(),
        manage: Manage::All,
        region: "us-west-2".into(),
        account: Some("123456789012".parse().unwrap()),
        kubernetes_version: "1.34".into(),
        network: Network::Create { cidr: "10.0.0.0/16".into(), zones: None, nat: Nat::One },
        administrators: vec!["arn:aws:iam::123456789012:role/Platform".into()],
        addons: None,
        pools: pools.into(),
        autoscaler: Some("kube-system/cluster-autoscaler".parse().unwrap()),
        roles: [("DaftRole".to_owned(), role), ("PodsRole".to_owned(), by_eks)].into(),
        tags: [("sutler.dev/stack".to_owned(), "data-team".to_owned())].into(),
        state: State::Local,
    }
}

#[test]
fn what_is_described_is_made_changed_and_gone() {
    let test = "what_is_described_is_made_changed_and_gone";
    let Some(account) = Account::start(test) else { return };
    let Some(terraform) = terraform(test, account.environment()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut infra = infra();
    assert_eq!(check(&infra), []);
    let before = account.holds();
    let mut events = Vec::new();
    let mut told = |event: Event| events.push(event);

    // From nothing.
    write(folder, &render(&infra)).unwrap();
    terraform.init(folder).unwrap_or_else(shown);
    let plan = terraform.plan(folder, Goal::Described, &mut told).unwrap_or_else(shown);
    assert!(plan.changes.iter().all(|change| change.action == Action::Create));
    let added = plan.counts().0 as u64;
    assert!(added > 60, "{added}");
    terraform.apply(folder, &mut told).unwrap_or_else(shown);
    assert!(!folder.join("sutler.tfplan").exists());

    let outputs = terraform.outputs(folder).unwrap_or_else(shown);
    assert_eq!(outputs.role_arns["DaftRole"], "arn:aws:iam::123456789012:role/data-team-prod_DaftRole");
    assert_eq!(outputs.network.as_ref().unwrap().private_subnets.len(), 3);
    assert_eq!(
        outputs.node_groups.keys().collect::<Vec<_>>(),
        ["core", "ray-us-west-2a", "ray-us-west-2b", "ray-us-west-2c"]
    );

    // The account holds what was described: trust and policy as `sutler-access` writes them, tags for the autoscaler.
    let held = account.holds();
    let issuer = sutler_access::trust::Issuer::new(&outputs.cluster.issuer);
    let trust = sutler_access::trust::web_identity(
        &issuer,
        sutler_access::Partition::Standard,
        infra.account.as_ref().unwrap(),
        &infra.roles["DaftRole"].service_accounts,
    );
    assert_eq!(held["roles"]["data-team-prod_DaftRole"], trust.unwrap().to_value());
    assert_eq!(held["roles"]["data-team-prod_PodsRole"], sutler_access::trust::pod_identity().to_value());
    assert_eq!(held["policy"]["data-team-prod_DaftRole"], infra.roles["DaftRole"].policy.as_ref().unwrap().to_value());
    let tags = &held["groups"][&outputs.node_groups["ray-us-west-2a"].autoscaling_group];
    let template = "k8s.io/cluster-autoscaler/node-template";
    assert_eq!(tags[format!("{template}/taint/dedicated")], "ray:NoSchedule");
    assert_eq!(tags[format!("{template}/label/topology.kubernetes.io/zone")], "us-west-2a");
    assert_eq!(tags[format!("{template}/resources/ephemeral-storage")], "18181869946");
    assert_eq!(tags["k8s.io/cluster-autoscaler/data-team-prod"], "owned");

    // Nothing is left to do.
    let plan = terraform.plan(folder, Goal::Described, &mut told).unwrap_or_else(shown);
    assert!(!plan.has_changes(), "{:#?}", plan.changes);

    // A pool grows, and that is all.
    infra.pools.get_mut("core").unwrap().pool.max = 5;
    write(folder, &render(&infra)).unwrap();
    let plan = terraform.plan(folder, Goal::Described, &mut told).unwrap_or_else(shown);
    let changes: Vec<_> = plan.changes.iter().map(|change| (change.address.as_str(), change.action)).collect();
    assert_eq!(changes, [("module.cluster.aws_eks_node_group.this[\"core\"]", Action::Update)]);
    assert_eq!(plan.changes[0].after["scaling_config"][0]["max_size"], 5);
    terraform.apply(folder, &mut told).unwrap_or_else(shown);

    // Gone.
    let plan = terraform.plan(folder, Goal::Nothing, &mut told).unwrap_or_else(shown);
    assert!(plan.changes.iter().all(|change| change.action == Action::Delete));
    terraform.apply(folder, &mut told).unwrap_or_else(shown);
    assert_eq!(account.holds(), before);

    let made = events.iter().filter(|event| matches!(event, Event::Done { action: Action::Create, .. })).count() as u64;
    assert_eq!(made, added);
    let sum = |wanted: &str| {
        events.iter().any(|event| matches!(event, Event::Summary { operation, .. } if operation == wanted))
    };
    assert!(sum("plan") && sum("apply"));
}

/// A cluster that others made, and a bucket for the state.
const SHARED: &str = "
eks, iam, ec2, s3 = (boto3.client(name) for name in ('eks', 'iam', 'ec2', 's3'))
s3.create_bucket(Bucket='team-state', CreateBucketConfiguration={'LocationConstraint': 'us-west-2'})
subnets = [subnet['SubnetId'] for subnet in ec2.describe_subnets()['Subnets'][:2]]
eks.create_cluster(name='data-team-prod', version='1.34', roleArn='arn:aws:iam::123456789012:role/c', resourcesVpcConfig={'subnetIds': subnets})
issuer = eks.describe_cluster(name='data-team-prod')['cluster']['identity']['oidc']['issuer']
iam.create_open_id_connect_provider(Url=issuer, ClientIDList=['sts.amazonaws.com'], ThumbprintList=['a' * 40])
print('{}')";

/// What a Terraform that was killed leaves beside the state.
const LEFT_LOCK: &str = r#"
lock = {'ID': '1f2e3d4c-0000-4000-8000-123456789abc', 'Operation': 'OperationTypeApply', 'Info': '', 'Who': 'ada@laptop',
        'Version': '1.11.4', 'Created': '2026-11-20T09:30:00.5Z', 'Path': 'team-state/sutler/prod.tfstate'}
boto3.client('s3').put_object(Bucket='team-state', Key='sutler/prod.tfstate.tflock', Body=json.dumps(lock).encode())
print('{}')"#;

#[test]
fn of_two_who_share_a_state_one_waits_and_no_stale_plan_is_applied() {
    let test = "of_two_who_share_a_state_one_waits_and_no_stale_plan_is_applied";
    let Some(account) = Account::start(test) else { return };
    let Some(terraform) = terraform(test, account.environment()) else { return };
    if terraform.version() < Version(1, 10, 0) {
        return println!("skipped {test}: this machine's Terraform: {} knows no lock in a bucket", terraform.version());
    }
    account.ask(SHARED);
    let state =
        State::S3 { bucket: "team-state".into(), key: "sutler/prod.tfstate".into(), region: "us-west-2".into() };
    let mut infra = Infra { manage: Manage::Roles, autoscaler: None, state, ..infra() };
    infra.roles.remove("PodsRole");
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [ada, ben] = [folders[0].path(), folders[1].path()];
    let told = &mut |_: Event| {};
    for folder in [ada, ben] {
        write(folder, &render(&infra)).unwrap();
        terraform.init(folder).unwrap_or_else(shown);
    }

    // A lock that was left says whose it is, since when, and how it is released.
    account.ask(LEFT_LOCK);
    let locked = terraform.plan(ben, Goal::Described, told).unwrap_err();
    assert!(matches!(&locked, RunError::Locked { holder } if holder.who == "ada@laptop"), "{locked:?}");
    assert!(locked.to_string().starts_with("the state is locked by ada@laptop since 2026-11-20 09:30"), "{locked}");
    assert!(locked.hint().unwrap().contains("`terraform force-unlock 1f2e3d4c-0000-4000-8000-123456789abc`"));
    account.ask("boto3.client('s3').delete_object(Bucket='team-state', Key='sutler/prod.tfstate.tflock'); print('{}')");

    // Both plan, the first applies: what the second planned does not hold any more.
    let plans = [ada, ben].map(|folder| terraform.plan(folder, Goal::Described, told).unwrap_or_else(shown));
    assert_eq!(plans[0].counts(), (2, 0, 0));
    assert_eq!(plans[0].changes, plans[1].changes);
    terraform.apply(ada, told).unwrap_or_else(shown);
    let stale = terraform.apply(ben, told).unwrap_err();
    assert!(matches!(stale, RunError::Stale), "{stale:?}");
    assert!(!terraform.plan(ben, Goal::Described, told).unwrap_or_else(shown).has_changes());
}

/// Something that takes until the file `done` is there; Terraform needs no provider for it.
const SLOW: &str = r#"resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "until test -e done; do sleep 0.05; done"
  }
}
"#;

#[test]
fn a_state_is_not_even_read_while_a_terraform_that_was_left_behind_works_on_it() {
    let test = "a_state_is_not_even_read_while_a_terraform_that_was_left_behind_works_on_it";
    let Some(environment) = support::terraform(test) else { return };
    let terraform =
        Terraform::find(Settings { plugin_folder: None, environment: environment.clone() }).unwrap_or_else(shown);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.tf"), SLOW).unwrap();
    terraform.init(folder.path()).unwrap_or_else(shown);

    let mut left = Command::new(std::env::var_os(PROGRAM_VARIABLE).unwrap_or_else(|| "terraform".into()))
        .args(["apply", "-auto-approve", "-input=false", "-no-color", "-json"])
        .current_dir(folder.path())
        .envs(environment)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(left.stdout.take().unwrap()).lines().map(Result::unwrap);
    told.find(|line| line.contains("\"provision_start\"")).expect("it begins");

    // Half a state, as it is in the middle of being written, is never looked at.
    let state = folder.path().join("terraform.tfstate");
    let whole = std::fs::read(&state).unwrap();
    let half = std::fs::OpenOptions::new().write(true).open(&state).unwrap();
    half.set_len(0).unwrap();
    (&half).write_all(b"{\"version\": 4, \"terr").unwrap();
    let locked = terraform.init(folder.path()).unwrap_err();
    let RunError::Locked { holder } = &locked else { panic!("{locked:?}") };
    assert_eq!((holder.operation.as_str(), holder.path.as_str()), ("OperationTypeApply", "terraform.tfstate"));
    assert!(locked.hint().unwrap().starts_with("wait until it is done"), "{:?}", locked.hint());

    half.set_len(0).unwrap();
    (&half).rewind().unwrap();
    (&half).write_all(&whole).unwrap();
    std::fs::write(folder.path().join("done"), "").unwrap();
    let told: Vec<String> = told.collect();
    assert!(left.wait().unwrap().success(), "{told:#?}");
    terraform.init(folder.path()).unwrap_or_else(shown);

    // Where nobody works on it, it was cut off: what to do is said.
    std::fs::write(&state, "{\"version\": 4, \"terr").unwrap();
    let cut_off = terraform.init(folder.path()).unwrap_err();
    assert!(cut_off.hint().unwrap().contains("terraform.tfstate.backup"), "{cut_off}");
}

const MAKES_A_ROLE: &str = "
import botocore
try:
    boto3.client('iam').create_role(RoleName='r', AssumeRolePolicyDocument='{}')
    print(json.dumps('made'))
except botocore.exceptions.ClientError as error:
    print(json.dumps(str(error.response['ResponseMetadata']['HTTPStatusCode'])))
";

/// A policy of these actions, on everything: moto asks for no resource of most.
fn allowing<'a>(actions: impl IntoIterator<Item = &'a str>) -> serde_json::Value {
    let actions: std::collections::BTreeSet<&str> = actions.into_iter().collect();
    serde_json::json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

#[test]
fn whoever_has_the_rights_of_the_table_can_make_change_and_remove_it_all() {
    let test = "whoever_has_the_rights_of_the_table_can_make_change_and_remove_it_all";
    let Some(account) = Account::start(test) else { return };
    let mut infra = infra();
    infra.network = Network::Create { cidr: "10.0.0.0/16".into(), zones: None, nat: Nat::None };
    let needs = rights::of_all(&infra, "123456789012");
    let all = account.user("platform", &[allowing(needs.iter().map(|need| need.action))]);
    let without = needs.iter().map(|need| need.action).filter(|action| *action != "iam:CreateRole");
    let without = account.user("nearly", &[allowing(without)]);
    let Some(terraform) = terraform(test, all) else { return };
    account.enforce(true);

    // Rights do count.
    let refused = account.ask_as(&without, MAKES_A_ROLE);
    assert_eq!(refused, "403");

    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut told = |_: Event| {};
    write(folder, &render(&infra)).unwrap();
    terraform.init(folder).unwrap_or_else(shown);
    let plan = terraform.plan(folder, Goal::Described, &mut told).unwrap_or_else(shown);
    let of_plan = rights::of_plan(&plan, &infra, "123456789012");
    let stray = of_plan.iter().find(|need| !needs.iter().any(|known| known.action == need.action));
    assert_eq!(stray, None, "a plan from nothing takes what a whole life does not");
    terraform.apply(folder, &mut told).unwrap_or_else(shown);

    // Changed as it stands; not the tags, since moto tags nothing of EKS's but clusters and groups.
    infra.pools.get_mut("core").unwrap().pool.max = 5;
    infra.roles.get_mut("DaftRole").unwrap().service_accounts.pop();
    write(folder, &render(&infra)).unwrap();
    let plan = terraform.plan(folder, Goal::Described, &mut told).unwrap_or_else(shown);
    assert_eq!(plan.counts(), (0, 2, 0));
    terraform.apply(folder, &mut told).unwrap_or_else(shown);
    terraform.plan(folder, Goal::Nothing, &mut told).unwrap_or_else(shown);
    terraform.apply(folder, &mut told).unwrap_or_else(shown);
    account.enforce(false);
    assert_eq!(account.holds()["clusters"], serde_json::json!([]));
}

#[test]
fn the_module_is_formatted_valid_and_passes_its_own_tests() {
    let test = "the_module_is_formatted_valid_and_passes_its_own_tests";
    let Some(terraform) = terraform(test, Vec::new()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../terraform");
    let copy = folder.path().join("terraform");
    std::fs::create_dir_all(copy.join("tests")).unwrap();
    for (from, to) in [(module.clone(), copy.clone()), (module.join("tests"), copy.join("tests"))] {
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_file() && !entry.file_name().to_string_lossy().starts_with('.') {
                std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    }
    terraform.init(&copy).unwrap_or_else(shown);
    let program = std::env::var_os("SUTLER_TERRAFORM").unwrap_or_else(|| "terraform".into());
    let environment = support::terraform(test).unwrap_or_default();
    let run = |folder: &Path, arguments: &[&str]| {
        let output = Command::new(&program)
            .args(arguments)
            .current_dir(folder)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_REGION", "us-west-2")
            .output()
            .unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}:\n{text}");
        text
    };
    run(&copy, &["fmt", "-check", "-recursive", "-diff"]);
    run(&copy, &["validate", "-no-color"]);
    let text = run(&copy, &["test", "-no-color"]);
    assert!(text.contains(" 0 failed"), "{text}");

    // What is written for a stack is as well formed.
    let root = folder.path().join("root");
    write(&root, &render(&infra())).unwrap();
    terraform.init(&root).unwrap_or_else(shown);
    run(&root, &["fmt", "-check", "-recursive", "-diff"]);
    run(&root, &["validate", "-no-color"]);
}
