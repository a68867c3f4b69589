//! What a user does with a stack on a cluster whose pods really run.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::cluster::{CONTEXT, Cluster};
use crate::peers::images::BUSYBOX;
use crate::process;

/// How long a step may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A web server of two pods, and a hook whose job asks it by its Service until it answers as this revision does: the pods that it
/// replaces may answer for a moment longer.
const TEMPLATE: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      enableServiceLinks: false
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: IMAGE
          args: [-c, "mkdir -p /tmp/www && echo {{ .Values.greeting }} > /tmp/www/index.html && echo serving && exec httpd -f -p 8080 -h /tmp/www"]
          readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: 10.96.7.7
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: batch/v1
kind: Job
metadata:
  name: ask-{{ .Release.Revision }}
  annotations: {helm.sh/hook: "post-install,post-upgrade"}
spec:
  template:
    spec:
      restartPolicy: OnFailure
      containers: [{name: ask, image: IMAGE, args: [-c, "until wget -q -O - http://10.96.7.7/ | grep {{ .Values.greeting }}; do sleep 0.1; done"]}]
"#;

/// Tells the story; the first thing that is not as it must be is the error.
pub(crate) fn tell(cluster: &mut Cluster, sutler: &Path) -> Result<()> {
    let folder = tempfile::tempdir().context("could not make a folder")?;
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
    };
    let stack = |greeting: &str| {
        format!(
            "apiVersion: sutler.dev/v1alpha1\nkind: Stack\nname: web\nenvironments: {{real: {{target: {{context: {CONTEXT}}}}}}}\n\
             defaults: {{environment: real}}\ncluster: {{}}\nreleases:\n  web: {{namespace: web, chart: ./chart, set: {{greeting: {greeting}}}}}\n"
        )
    };
    write("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n")?;
    write("chart/templates/web.yaml", &TEMPLATE.replace("IMAGE", BUSYBOX))?;

    for (revision, greeting) in [(1, "hello"), (2, "again")] {
        write("stack.yaml", &stack(greeting))?;
        let started = Instant::now();
        run(cluster, sutler, folder.path(), &["up", "--yes"])?;
        println!("real: `sutler up` of revision {revision} took {:.1} s", started.elapsed().as_secs_f64());
        let job = format!("job/ask-{revision}");
        let said = cluster.kubectl(&["logs", "-n", "web", &job])?;
        ensure!(said.trim() == greeting, "the job read {said:?} from the web server, not {greeting:?}");
    }
    let inside = cluster.kubectl(&["exec", "-n", "web", "deploy/web", "--", "cat", "/tmp/www/index.html"])?;
    ensure!(inside.trim() == "again", "in the web server's pod there is {inside:?}");
    println!("real: pods answer by their Service, their logs are read, and commands run in them");

    run(cluster, sutler, folder.path(), &["down", "--yes"])?;
    // What a hook made is not the release's, as with Helm.
    cluster.wait("the pods to be gone", LIMIT, |cluster| {
        Ok(cluster.objects(&["get", "pods", "-A", "-l", "app=web"])?.is_empty())
    })?;
    println!("real: the stack came up, was changed, and went down");
    Ok(())
}

/// Runs Sutler beside the cluster; must end with 0.
fn run(cluster: &Cluster, sutler: &Path, folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = cluster.beside(Path::new("timeout"));
    command.args(["--kill-after=10", "300"]).arg(sutler).args(arguments).current_dir(folder).stdin(Stdio::null());
    let found = command.output().context("could not start sutler")?;
    if !found.status.success() {
        let said = format!("{}{}", String::from_utf8_lossy(&found.stdout), String::from_utf8_lossy(&found.stderr));
        bail!("`sutler {}` ended with {}:\n{}", arguments.join(" "), found.status, process::last_lines(&said, 40));
    }
    Ok(())
}
