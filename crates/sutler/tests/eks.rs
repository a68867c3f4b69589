//! A stack on EKS, from nothing to nothing: the real Terraform and AWS provider make it in an account of moto's, and a served simulator is the
//! Kubernetes that moto's cluster lacks.

#[path = "../../sutler-infra/tests/support/mod.rs"]
mod machine;
mod support;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use machine::Account;
use serde_json::Value;
use support::{Place, Ran};

/// The Kubernetes behind a cluster of moto's.
struct StandIn {
    process: Child,
    kubeconfig: PathBuf,
    /// It keeps its state here.
    _place: Place,
}

impl StandIn {
    fn start() -> StandIn {
        let place = Place::new();
        place.write(
            "stack.yaml",
            "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: stand-in\nenvironments: {sim: {target: simulator}}\n\
             defaults: {environment: sim}\ncluster: {}\n",
        );
        let kubeconfig = place.path("served.kubeconfig");
        let mut process = place
            .command(&["simulator", "serve", "--time", "fast", "--kubeconfig", "served.kubeconfig"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert!(line.starts_with("export KUBECONFIG="), "{line}");
        StandIn { process, kubeconfig, _place: place }
    }

    /// Asks its API; `None` where it says that there is no such thing.
    fn get(&self, path: &str) -> Option<Value> {
        let config = std::fs::read_to_string(&self.kubeconfig).expect("the kubeconfig");
        let (_, server) = config.split_once("http://").expect("an address");
        let (login, address) = server.split('"').next().and_then(|server| server.split_once('@')).expect("a login");
        let token = login.split_once(':').expect("a token").1;
        let mut stream = TcpStream::connect(address).expect("the server");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n")
            .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        match head.split(' ').nth(1) {
            Some("200") => Some(serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))),
            Some("404") => None,
            _ => panic!("{answer}"),
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A stack, the account it is for, and the Kubernetes in it.
struct World {
    place: Place,
    account: Account,
    stand_in: StandIn,
    environment: Vec<(String, OsString)>,
}

impl World {
    /// `None`, told by name, where this machine lacks a part.
    fn new(test: &str) -> Option<World> {
        let mut environment = machine::terraform(test)?;
        let account = Account::start(test)?;
        let stand_in = StandIn::start();
        environment.extend(account.environment());
        environment.push(("SUTLER_EKS_KUBECONFIG".into(), stand_in.kubeconfig.clone().into()));
        environment.push(("AUTH0_CLIENT_SECRET".into(), "s3cr3t-of-auth0".into()));
        Some(World { place: Place::new(), account, stand_in, environment })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to its end. No secret is said.
    fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let ran = Ran { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("s3cr3t"), "a secret was printed: {ran:?}");
        ran
    }

    /// Starts `up`, and kills it when Terraform has made the first things.
    fn kill_half_way(&self, arguments: &[&str]) {
        let mut process =
            self.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(process.stderr.take().expect("stderr is piped")).lines();
        let mut made = 0;
        for line in lines {
            let line = line.expect("UTF-8");
            made += usize::from(line.starts_with("  infra ") && line.contains("  made"));
            if made == 5 {
                process.kill().expect("it can be killed");
                break;
            }
        }
        assert_eq!(process.wait().expect("its end").code(), None, "it was done before it was killed");
    }

    /// Says it again until the Terraform that outlived its Sutler has let go of the state.
    fn run_once_unlocked(&self, arguments: &[&str]) -> Ran {
        let begun = Instant::now();
        loop {
            let ran = self.run(arguments);
            if !ran.stderr.contains("the state is locked by") || begun.elapsed() > Duration::from_secs(180) {
                return ran;
            }
            assert!(ran.stderr.contains("wait until it is done"), "{}", ran.stderr);
        }
    }
}

fn example(place: &Place, account: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data-team");
    for name in
        ["stack.yaml", "stack.lock", "values/jupyterhub.yaml", "values/jupyterhub-auth0.yaml", "values/ray-small.yaml"]
    {
        let text = std::fs::read_to_string(folder.join(name)).expect("the example's file");
        place.write(name, &text.replace("444455556666", account));
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_stack_goes_up_from_an_empty_account_and_leaves_what_was_there() {
    let Some(world) = World::new("a_stack_goes_up_from_an_empty_account_and_leaves_what_was_there") else { return };
    let (account, place) = (&world.account, &world.place);
    example(place, "123456789012");
    let before = account.holds();

    // All of it in one plan, though there is no cluster to ask.
    let plan = json(&world.run(&["plan", "-e", "prod", "-o", "json"]).ended(2).stdout);
    let made = plan["infra"]["changes"].as_array().expect("Terraform's changes");
    assert!(made.len() > 60 && made.iter().all(|change| change["action"] == "create"), "{made:#?}");
    let steps = plan["steps"].as_array().expect("steps");
    let step = |kind: &str, name: &str| {
        let of = |step: &&Value| step["subject"]["kind"] == kind && step["subject"]["name"] == name;
        steps.iter().find(of).unwrap_or_else(|| panic!("no {kind} {name} in {steps:#?}"))
    };
    assert_eq!(step("serviceAccount", "daft")["details"][0], "takes data-team-prod_DaftRole (ARN known after apply)");
    for release in ["cluster-autoscaler", "default", "jupyterhub"] {
        assert_eq!(step("release", release)["action"], "create");
    }
    assert_eq!(account.holds(), before, "a plan changed something");

    // Killed in the middle; another one finishes.
    world.kill_half_way(&["up", "-e", "prod", "--yes"]);
    let up = world.run_once_unlocked(&["up", "-e", "prod", "--yes"]).ended(0);
    assert!(up.stdout.contains("revision 1, deployed"), "{}", up.stdout);

    // What stands there is what was planned.
    let held = account.holds();
    let issuer = account.ask("print(json.dumps(boto3.client('eks').describe_cluster(name='data-team-prod')['cluster']['identity']['oidc']['issuer']))");
    let names = ["ray/daft", "jupyterhub/daft"].map(|name| name.parse().expect("a service account"));
    let trust = sutler_access::trust::web_identity(
        &sutler_access::trust::Issuer::new(issuer.as_str().expect("a URL")),
        sutler_access::Partition::Standard,
        &"123456789012".parse().expect("an account"),
        &names,
    );
    assert_eq!(held["roles"]["data-team-prod_DaftRole"], trust.expect("a trust policy").to_value());
    let policy = made
        .iter()
        .find(|change| change["address"] == "module.cluster.aws_iam_role_policy.pod[\"DaftRole\"]")
        .expect("the role's policy");
    assert_eq!(held["policy"]["data-team-prod_DaftRole"], json(policy["after"]["policy"].as_str().expect("JSON")));

    // The ARNs have flowed into the cluster.
    for (path, role) in [
        ("ray/serviceaccounts/daft", "DaftRole"),
        ("jupyterhub/serviceaccounts/daft", "DaftRole"),
        ("kube-system/serviceaccounts/cluster-autoscaler", "Autoscaler"),
    ] {
        let found = world.stand_in.get(&format!("/api/v1/namespaces/{path}")).expect("the service account");
        let arn = &found["metadata"]["annotations"]["eks.amazonaws.com/role-arn"];
        assert_eq!(*arn, format!("arn:aws:iam::123456789012:role/data-team-prod_{role}"));
        assert!(held["roles"].get(format!("data-team-prod_{role}")).is_some());
    }

    let again = world.run(&["plan", "-e", "prod"]).ended(0);
    assert!(again.stdout.contains("Nothing to do: the cluster is as the file says."), "{}", again.stdout);
    let status = json(&world.run(&["status", "-e", "prod", "-o", "json"]).ended(0).stdout);
    assert_eq!(status["roles"][0]["pods"], status["roles"][0]["withIdentity"]);

    // Down: not while it is protected, nor while a colleague has a Ray cluster there; then all that was made, but for data.
    world.run(&["ray", "up", "mine", "--workers", "1", "-f", ".", "-e", "prod"]).ended(0);
    let refused = world.run(&["down", "-e", "prod", "--yes"]).ended(1);
    assert!(
        refused.stderr.contains("--> stack.yaml:") && refused.stderr.contains("protect: true"),
        "{}",
        refused.stderr
    );
    let text = std::fs::read_to_string(place.path("stack.yaml")).expect("the stack");
    place.write("stack.yaml", &text.replace("    protect: true\n", ""));
    let refused = world.run(&["down", "-e", "prod", "--yes"]).ended(1);
    let said = "error: nothing was removed: release ray/mine is not this stack's, and would go with the cluster\n";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
    world.run(&["ray", "down", "mine", "-f", ".", "-e", "prod"]).ended(0);
    let down = world.run(&["down", "-e", "prod", "--yes"]).ended(0);
    assert!(
        down.stdout.contains("claim jupyterhub/jupyterhub-hub-db): data is kept; `--delete-data` removes it"),
        "{}",
        down.stdout
    );
    assert_eq!(account.holds(), before);
    let volumes = world.stand_in.get("/api/v1/persistentvolumes").expect("a list");
    assert_eq!(volumes["items"][0]["spec"]["persistentVolumeReclaimPolicy"], "Retain");
    let nothing = world.run(&["down", "-e", "prod", "--yes"]).ended(0);
    assert!(nothing.stderr.contains("nothing of this stack is there"), "{}", nothing.stderr);
}

/// Only roles, for a cluster that somebody else made.
const ROLES: &str = "\
apiVersion: sutler.dev/v1alpha1
kind: Stack
name: ml
environments: {prod: {target: eks, account: \"123456789012\", region: us-west-2}}
defaults: {environment: prod}
cluster: {name: shared, manage: roles, pools: {core: {instanceTypes: [m6i.xlarge], min: 1, max: 1}}}
roles:
  Reader:
    serviceAccounts: [ml/reader]
    s3: [{bucket: team-data, access: read}]
    glue: [{database: sales}]
    assume: [arn:aws:iam::777788889999:role/Shared]
    policy: own.json
    managedPolicies: [arn:aws:iam::123456789012:policy/Extra]
    boundary: arn:aws:iam::123456789012:policy/Limit
releases:
  app: {namespace: ml, chart: ./chart}
";

const SHARED: &str = "
eks, iam, ec2 = (boto3.client(name) for name in ('eks', 'iam', 'ec2'))
subnets = [subnet['SubnetId'] for subnet in ec2.describe_subnets()['Subnets'][:2]]
cluster = eks.create_cluster(name='shared', version='1.34', roleArn='arn:aws:iam::123456789012:role/c', resourcesVpcConfig={'subnetIds': subnets})['cluster']
issuer = eks.describe_cluster(name='shared')['cluster']['identity']['oidc']['issuer']
iam.create_open_id_connect_provider(Url=issuer, ClientIDList=['sts.amazonaws.com'], ThumbprintList=['a' * 40])
for name in 'Extra', 'Limit':
    iam.create_policy(PolicyName=name, PolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]}))
iam.create_role(RoleName='shared_Reader', AssumeRolePolicyDocument='{}', Tags=[{'Key': 'sutler.dev/stack', 'Value': 'web'}, {'Key': 'sutler.dev/environment', 'Value': 'live'}])
print('{}')
";

/// The role as IAM has it.
const READER: &str = "
iam = boto3.client('iam')
role = iam.get_role(RoleName='shared_Reader')['Role']
names = iam.list_role_policies(RoleName='shared_Reader')['PolicyNames']
attached = iam.list_attached_role_policies(RoleName='shared_Reader')['AttachedPolicies']
policy = iam.get_role_policy(RoleName='shared_Reader', PolicyName=names[0])['PolicyDocument']
print(json.dumps({'boundary': role['PermissionsBoundary']['PermissionsBoundaryArn'], 'attached': [one['PolicyName'] for one in attached], 'policy': policy}))
";

#[test]
fn in_a_cluster_of_others_only_roles_are_made_and_none_is_taken_over() {
    let Some(world) = World::new("in_a_cluster_of_others_only_roles_are_made_and_none_is_taken_over") else { return };
    let (account, place) = (&world.account, &world.place);
    place.write("stack.yaml", ROLES);
    place.write(
        "own.json",
        r#"{"Version": "2012-10-17", "Statement": {"Sid": "Own", "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}}"#,
    );
    place.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
    place.write(
        "chart/templates/all.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  serviceAccountName: reader\n  containers: [{name: app, image: app}]\n\
         ---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, annotations: {helm.sh/resource-policy: keep}}\n\
         spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n",
    );

    let missing = world.run(&["plan"]).ended(1);
    let said = "error: there is no EKS cluster `shared` in account 123456789012, us-west-2, and `cluster.manage: roles` makes none\n";
    assert!(missing.stderr.starts_with(said), "{}", missing.stderr);

    account.ask(SHARED);
    let taken = world.run(&["up", "--yes"]).ended(1);
    let said =
        "error: IAM role `shared_Reader` is there already, and belongs to stack `web`, environment `live`\nhint: ";
    assert!(taken.stderr.contains(said), "{}", taken.stderr);
    account.ask("boto3.client('iam').delete_role(RoleName='shared_Reader'); print('{}')");

    let before = account.holds();
    world.run(&["up", "--yes"]).ended(0);
    let reader = account.ask(READER);
    assert_eq!(reader["boundary"], "arn:aws:iam::123456789012:policy/Limit");
    assert_eq!(reader["attached"], serde_json::json!(["Extra"]));
    let statements = reader["policy"]["Statement"].as_array().expect("statements");
    let ids: Vec<&str> = statements.iter().filter_map(|statement| statement["Sid"].as_str()).collect();
    assert!(["ReadCatalog1", "TakeRoles", "Own"].iter().all(|id| ids.contains(id)), "{ids:?}");
    world.run(&["plan"]).ended(0);

    // The role goes, what others made stays; data only when told.
    let down = world.run(&["down", "--yes"]).ended(0);
    assert!(down.stdout.contains("ml is down, its roles are gone; cluster shared stays"), "{}", down.stdout);
    assert_eq!(account.holds(), before);
    let claim = "/api/v1/namespaces/ml/persistentvolumeclaims/data";
    assert!(world.stand_in.get(claim).is_some());
    let down = world.run(&["down", "--yes", "--delete-data"]).ended(0);
    assert!(down.stderr.contains("volume     - ml/data"), "{}", down.stderr);
    assert!(world.stand_in.get(claim).is_none());
    assert_eq!(world.stand_in.get("/api/v1/persistentvolumes").expect("a list")["items"], serde_json::json!([]));

    // Where all of AWS is left to others, Terraform is not even started.
    let theirs = "serviceAccounts: [ml/reader], arn: \"arn:aws:iam::123456789012:role/Theirs\"";
    let (before_role, _) = ROLES.split_once("  Reader:\n").expect("the role");
    let (_, releases) = ROLES.split_once("releases:\n").expect("the releases");
    let stack =
        format!("{before_role}  Reader: {{{theirs}}}\nreleases:\n{releases}").replace("manage: roles", "manage: none");
    place.write("stack.yaml", &stack);
    let up = world.run(&["up", "--yes"]).ended(0);
    assert!(!up.stderr.contains("Terraform") && !up.stderr.contains("infra"), "{}", up.stderr);
    let reader = world.stand_in.get("/api/v1/namespaces/ml/serviceaccounts/reader").expect("the service account");
    assert_eq!(
        reader["metadata"]["annotations"]["eks.amazonaws.com/role-arn"],
        "arn:aws:iam::123456789012:role/Theirs"
    );
    world.run(&["plan"]).ended(0);
    let down = world.run(&["down", "--yes"]).ended(0);
    assert_eq!(down.stdout, "ml is down; cluster shared stays, with the namespaces\n");
    assert_eq!(account.holds(), before);
}

/// One role, and a release that uses it, in a cluster that somebody else made.
const ONE_ROLE: &str = "\
apiVersion: sutler.dev/v1alpha1
kind: Stack
name: ml
environments: {prod: {target: eks, account: \"123456789012\", region: us-west-2}}
defaults: {environment: prod}
cluster: {name: shared, manage: roles, pools: {core: {instanceTypes: [m6i.xlarge], min: 1, max: 1}}}
roles:
  Reader: {serviceAccounts: [ml/reader], s3: [{bucket: team-data, access: read}]}
releases:
  app: {namespace: ml, chart: ./chart}
";

#[test]
fn whoever_lacks_a_right_is_told_before_anything_is_made() {
    let Some(mut world) = World::new("whoever_lacks_a_right_is_told_before_anything_is_made") else { return };
    world.place.write("stack.yaml", ONE_ROLE);
    world.place.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
    world.place.write("chart/templates/all.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  serviceAccountName: reader\n  containers: [{name: app, image: app}]\n");
    world.account.ask(SHARED);
    world.account.ask("boto3.client('iam').delete_role(RoleName='shared_Reader'); print('{}')");
    let reads = [
        "eks:DescribeCluster",
        "iam:GetRole",
        "iam:GetUser",
        "iam:List*",
        "iam:Get*",
        "iam:SimulatePrincipalPolicy",
        "iam:TagRole",
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
    ];
    let allow = |actions: &[&str]| serde_json::json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    let as_user = |world: &mut World, name: &str, policies: &[Value]| {
        let environment = world.account.user(name, policies);
        world.environment.retain(|(known, _)| environment.iter().all(|(name, _)| name != known));
        world.environment.extend(environment);
    };
    as_user(&mut world, "anna", &[allow(&reads)]);
    world.account.enforce(true);
    let refused = world.run(&["up", "--yes"]).ended(1);
    let said =
        "FAILED   rights iam: arn:aws:iam::123456789012:user/anna may not call iam:CreateRole, iam:PutRolePolicy";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
    assert!(refused.stderr.contains("nothing was changed"), "{}", refused.stderr);
    let diagnosis = json(&world.run(&["doctor", "preflight", "-o", "json"]).ended(1).stdout);
    let fix = diagnosis["sections"][0]["findings"][0]["fixes"][0]["text"].as_str().expect("a fix");
    let statements = json(fix.strip_prefix("add to its policies: ").expect("statements"));
    world.account.enforce(false);
    assert_eq!(
        world.account.ask("print(json.dumps([r['RoleName'] for r in boto3.client('iam').list_roles()['Roles']]))"),
        serde_json::json!([])
    );

    // With the statements that were told it may; moto asks for actions on everything.
    let statements: Vec<Value> = statements
        .as_array()
        .expect("a list")
        .iter()
        .map(|statement| serde_json::json!({"Effect": "Allow", "Action": statement["Action"], "Resource": "*"}))
        .collect();
    let told = serde_json::json!({"Version": "2012-10-17", "Statement": statements});
    as_user(&mut world, "bert", &[allow(&reads), told]);
    world.account.enforce(true);
    let diagnosis = json(&world.run(&["doctor", "preflight", "-o", "json"]).ended(0).stdout);
    assert_eq!(diagnosis["state"], "ok", "{diagnosis:#}");
    world.run(&["up", "--yes"]).ended(0);
    world.account.enforce(false);
    assert!(world.account.holds()["roles"].get("shared_Reader").is_some());
}

/// A Deployment with the role, and beside it a pod that nobody makes anew.
const APP: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      serviceAccountName: reader
      containers: [{name: app, image: app}]
";

const NOTEBOOK: &str = "\
---
apiVersion: v1
kind: Pod
metadata: {name: notebook}
spec:
  serviceAccountName: reader
  containers: [{name: notebook, image: notebook}]
";

#[test]
fn pods_move_from_one_identity_to_the_other_and_always_have_their_role() {
    let Some(world) = World::new("pods_move_from_one_identity_to_the_other_and_always_have_their_role") else { return };
    let (account, place) = (&world.account, &world.place);
    let chart = |text: String| place.write("chart/templates/all.yaml", &text);
    place.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
    let by = |identity: &str, accounts: &str| {
        let role = format!("Reader: {{identity: {identity}, serviceAccounts: [{accounts}]");
        place.write("stack.yaml", &ONE_ROLE.replace("Reader: {serviceAccounts: [ml/reader]", &role));
    };
    chart(format!("{APP}{NOTEBOOK}"));
    account.ask(SHARED);
    account.ask("boto3.client('iam').delete_role(RoleName='shared_Reader'); print('{}')");
    let ways = || -> Vec<String> {
        let held = account.holds();
        let trust = held["roles"]["shared_Reader"]["Statement"].as_array().expect("a trust policy").clone();
        trust
            .iter()
            .map(|statement| if statement["Principal"]["Service"].is_string() { "eks" } else { "issuer" }.to_owned())
            .collect()
    };
    let associated = || {
        account.ask("print(json.dumps(len(boto3.client('eks').list_pod_identity_associations(clusterName='shared')['associations'])))")
    };
    // Pods by name, with whether they have a token of the issuer.
    let tokens = || -> Vec<(bool, bool)> {
        let pods = world.stand_in.get("/api/v1/namespaces/ml/pods").expect("a list");
        let pods = pods["items"].as_array().expect("pods");
        pods.iter()
            .map(|pod| (pod["metadata"]["name"] == "notebook", pod["spec"].to_string().contains("aws-iam-token")))
            .collect()
    };
    by("irsa", "ml/reader");
    world.run(&["up", "--yes"]).ended(0);
    assert_eq!(
        (ways(), associated(), tokens().iter().filter(|(_, token)| *token).count()),
        (vec!["issuer".to_owned()], 0.into(), 3)
    );

    // EKS associates no pattern.
    by("pod-identity", "\"ml/*\"");
    let refused = world.run(&["plan"]).ended(1);
    assert!(refused.stderr.contains("--> stack.yaml:8:") && refused.stderr.contains("`ml/*`"), "{}", refused.stderr);

    // Without its agent pods would have no role at all.
    by("pod-identity", "ml/reader");
    let refused = world.run(&["up", "--yes"]).ended(1);
    let said = "role Reader moves to EKS Pod Identity, and cluster shared has no eks-pod-identity-agent";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
    account
        .ask("boto3.client('eks').create_addon(clusterName='shared', addonName='eks-pod-identity-agent'); print('{}')");

    // What happens is shown before, in its order.
    let plan = world.run(&["plan"]).ended(2);
    let shown = "\
  move       ~ shared_Reader           irsa -> pod-identity: no pod loses it meanwhile
                 1. shared_Reader trusts both, ml/reader associated with it (Terraform)
                 2. ml/reader: annotation removed
                 3. pods restarted: Deployment ml/app
                 4. waits until these are gone, for a later `up`: ml/notebook
                 5. shared_Reader trusts EKS Pod Identity alone (Terraform again)
";
    assert!(plan.stdout.contains(shown), "{}", plan.stdout);
    let up = world.run(&["up", "--yes"]).ended(0);
    assert!(up.stderr.contains("still trusts both ways, since these pods come by irsa: ml/notebook"), "{}", up.stderr);
    assert_eq!((ways(), associated()), (vec!["issuer".to_owned(), "eks".to_owned()], 1.into()));
    assert!(tokens().iter().all(|(is_notebook, token)| is_notebook == token), "{:?}", tokens());
    let reader = world.stand_in.get("/api/v1/namespaces/ml/serviceaccounts/reader").expect("the service account");
    assert!(reader["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].is_null(), "{reader:#}");

    // The notebook goes, and with it the old way; then nothing is left to do.
    chart(APP.to_owned());
    world.run(&["up", "--yes"]).ended(0);
    assert_eq!((ways(), associated()), (vec!["eks".to_owned()], 1.into()));
    let nothing = world.run(&["plan"]).ended(0);
    assert!(nothing.stdout.contains("Nothing to do"), "{}", nothing.stdout);

    // Back, killed in the middle: the annotation is there, and no pod has a token yet.
    by("irsa", "ml/reader");
    let mut process =
        world.command(&["up", "--yes"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(process.stderr.take().expect("stderr is piped")).lines();
    let is_written = |line: &String| line.starts_with("  simulated  account ");
    let account_line = lines.by_ref().map(|line| line.expect("UTF-8")).find(is_written);
    process.kill().expect("it can be killed");
    drop(lines);
    assert!(account_line.is_some() && process.wait().expect("its end").code().is_none());
    assert_eq!(ways(), ["issuer", "eks"]);
    world.run_once_unlocked(&["up", "--yes"]).ended(0);
    assert_eq!((ways(), associated()), (vec!["issuer".to_owned()], 0.into()));
    assert!(tokens().len() == 2 && tokens().iter().all(|(_, token)| *token), "{:?}", tokens());
    world.run(&["plan"]).ended(0);
}
