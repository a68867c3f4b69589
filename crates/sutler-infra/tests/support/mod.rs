//! What a round trip needs of the machine: an account by moto, Terraform, and the AWS provider.
//!
//! Where one of them cannot be had, the test is skipped by name, with the reason.
#![allow(dead_code, clippy::print_stdout, reason = "each test program uses its part, and says what it lacks")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// An account in moto, for the time of a test. Its number is 123456789012.
pub(crate) struct Account {
    process: Child,
    url: String,
    python: PathBuf,
}

impl Account {
    /// Starts one; `None`, told by name, where there is no moto.
    pub(crate) fn start(test: &str) -> Option<Account> {
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/moto-python");
        let named = std::env::var_os("SUTLER_MOTO_PYTHON").map(PathBuf::from);
        let Some(python) = named.or_else(|| peer.is_file().then_some(peer)) else {
            println!("skipped {test}: no moto (`cargo xtask peers`, or SUTLER_MOTO_PYTHON)");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sutler-infra/tests/moto/account.py");
        let mut process = Command::new(&python)
            .arg(script)
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto's python starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout is piped")).read_line(&mut line).expect("a line");
        let facts: Value = serde_json::from_str(&line).expect("a line of JSON");
        Some(Account { process, url: facts["url"].as_str().expect("an address").to_owned(), python })
    }

    /// What AWS's tools take from the environment to be in this account.
    pub(crate) fn environment(&self) -> Vec<(String, OsString)> {
        [
            ("AWS_ENDPOINT_URL", self.url.as_str()),
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-of-the-test"),
            ("AWS_REGION", "us-west-2"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            // A bucket's name in the host of an address of loopback would not be found.
            ("AWS_S3_USE_PATH_STYLE", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into()
    }

    /// Runs a script with boto3 in it, and reads the document that it prints.
    pub(crate) fn ask(&self, script: &str) -> Value {
        self.ask_as(&self.environment(), script)
    }

    /// The same, as somebody of [`Account::user`].
    pub(crate) fn ask_as(&self, environment: &[(String, OsString)], script: &str) -> Value {
        let output = Command::new(&self.python)
            .args(["-c", &format!("import boto3, json\n{script}")])
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_DEFAULT_REGION", "us-west-2")
            .output()
            .expect("python started before");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a document")
    }

    /// A user with these policies and keys, as the environment of whoever is that user. Its rights count from [`Account::enforce`] on.
    pub(crate) fn user(&self, name: &str, policies: &[Value]) -> Vec<(String, OsString)> {
        let policies = Value::from(policies.to_vec());
        let keys = self.ask(&format!(
            "iam = boto3.client('iam')\niam.create_user(UserName='{name}')\n\
             for number, policy in enumerate(json.loads({:?})):\n    \
             iam.put_user_policy(UserName='{name}', PolicyName=f'policy-{{number}}', PolicyDocument=json.dumps(policy))\n\
             print(json.dumps(iam.create_access_key(UserName='{name}')['AccessKey'], default=str))",
            policies.to_string()
        ));
        let text = |name: &str| OsString::from(keys[name].as_str().expect("a key"));
        let mut environment = self.environment();
        environment.retain(|(name, _)| !name.starts_with("AWS_ACCESS_KEY") && !name.starts_with("AWS_SECRET"));
        environment.push(("AWS_ACCESS_KEY_ID".into(), text("AccessKeyId")));
        environment.push(("AWS_SECRET_ACCESS_KEY".into(), text("SecretAccessKey")));
        environment
    }

    /// Has moto ask for rights, or not: it knows actions, not resources and conditions.
    pub(crate) fn enforce(&self, on: bool) {
        let free = if on { "0" } else { "inf" };
        let url = &self.url;
        self.ask(&format!(
            "import urllib.request\n\
             urllib.request.urlopen(urllib.request.Request('{url}/moto-api/reset-auth', data=b'{free}', headers={{'Content-Type': 'text/plain'}}))\nprint('{{}}')"
        ));
    }

    /// What stands in the account, as boto3 reads it: a few lists by name.
    pub(crate) fn holds(&self) -> Value {
        self.ask(HOLDS)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // The script ends with its standard input.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

const HOLDS: &str = "
iam, ec2, eks, kms, logs = (boto3.client(name) for name in ('iam', 'ec2', 'eks', 'kms', 'logs'))
asg = boto3.client('autoscaling')
keys = [kms.describe_key(KeyId=k['KeyId'])['KeyMetadata'] for k in kms.list_keys()['Keys']]
print(json.dumps({
    'roles': {r['RoleName']: r['AssumeRolePolicyDocument'] for r in iam.list_roles()['Roles']},
    'providers': [p['Arn'] for p in iam.list_open_id_connect_providers()['OpenIDConnectProviderList']],
    'vpcs': [v['VpcId'] for v in ec2.describe_vpcs()['Vpcs']],
    'subnets': sorted(s['SubnetId'] for s in ec2.describe_subnets()['Subnets']),
    'gateways': [g['NatGatewayId'] for g in ec2.describe_nat_gateways()['NatGateways'] if g['State'] != 'deleted'],
    'templates': [t['LaunchTemplateName'] for t in ec2.describe_launch_templates()['LaunchTemplates']],
    'clusters': eks.list_clusters()['clusters'],
    'groups': {g['AutoScalingGroupName']: {t['Key']: t['Value'] for t in g['Tags']} for g in asg.describe_auto_scaling_groups()['AutoScalingGroups']},
    'keys': [k['Arn'] for k in keys if k['KeyState'] == 'Enabled' and k['KeyManager'] == 'CUSTOMER'],
    'logs': [g['logGroupName'] for g in logs.describe_log_groups()['logGroups']],
    'policy': {r['RoleName']: iam.get_role_policy(RoleName=r['RoleName'], PolicyName=p)['PolicyDocument']
               for r in iam.list_roles()['Roles'] for p in iam.list_role_policies(RoleName=r['RoleName'])['PolicyNames']},
}))";

/// How Terraform is told where the AWS provider is; `None`, told by name, where this machine has no Terraform, or no way to the provider.
pub(crate) fn terraform(test: &str) -> Option<Vec<(String, OsString)>> {
    static FOUND: OnceLock<Result<Vec<(String, OsString)>, String>> = OnceLock::new();
    match FOUND.get_or_init(|| of_this_machine().map_err(|reason| reason.replace('\n', " "))) {
        Ok(environment) => Some(environment.clone()),
        Err(reason) => {
            println!("skipped {test}: this machine's Terraform: {reason}");
            None
        }
    }
}

/// Terraform's own configuration where there is one; else a mirror in one of the folders in which it looks by itself or that a machine
/// keeps such things in (`/opt`); else none, which means the registry. It is tried before it is answered.
fn of_this_machine() -> Result<Vec<(String, OsString)>, String> {
    let configured = std::env::var_os("TF_CLI_CONFIG_FILE").is_some_and(|path| Path::new(&path).is_file());
    let mut environment: Vec<(String, OsString)> = Vec::new();
    if !configured {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join("terraform.rc");
        let text = match mirror() {
            Some(mirror) => {
                format!("provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n")
            }
            None => String::new(),
        };
        // Whole or not at all: several test programs may write it, each the same.
        let unfinished = folder.join(format!("terraform.rc.{}", std::process::id()));
        let written = std::fs::write(&unfinished, text).and_then(|()| std::fs::rename(&unfinished, &file));
        written.map_err(|error| format!("no configuration can be written for it: {error}"))?;
        environment.push(("TF_CLI_CONFIG_FILE".into(), file.into()));
    } else if let Some(file) = std::env::var_os("TF_CLI_CONFIG_FILE") {
        environment.push(("TF_CLI_CONFIG_FILE".into(), file));
    }
    let probe = tempfile::tempdir().map_err(|error| error.to_string())?;
    let asked = "terraform {\n  required_providers {\n    aws = {\n      source  = \"hashicorp/aws\"\n      version = \">= 5.81\"\n    }\n  }\n}\n";
    std::fs::write(probe.path().join("main.tf"), asked).map_err(|error| error.to_string())?;
    let program = std::env::var_os("SUTLER_TERRAFORM").unwrap_or_else(|| "terraform".into());
    let tried = Command::new(&program)
        .args(["init", "-input=false", "-no-color"])
        .current_dir(probe.path())
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("CHECKPOINT_DISABLE", "1")
        .output();
    match tried {
        Err(error) => Err(format!("`{}` does not start: {error}", program.display())),
        Ok(output) if output.status.success() => Ok(environment),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let gist = said.lines().find(|line| line.contains("Error:")).unwrap_or("it does not say why");
            Err(format!(
                "the AWS provider cannot be had (TF_CLI_CONFIG_FILE, Terraform's mirrors, /opt, the registry): {gist}"
            ))
        }
    }
}

fn mirror() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let mut folders = vec![home.join(".terraform.d/plugins"), home.join(".local/share/terraform/plugins")];
    folders.extend(["/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"].map(PathBuf::from));
    folders.extend(std::fs::read_dir("/opt").into_iter().flatten().flatten().map(|entry| entry.path()));
    folders.into_iter().find(|folder| folder.join("registry.terraform.io/hashicorp/aws").is_dir())
}
