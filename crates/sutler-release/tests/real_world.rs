//! The world outside: the wall clock and watches over HTTP, against the served simulator.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use std::sync::Arc;

use support::{Lab, content, installation, line};
use sutler_release::{Cluster, RealWorld, Releases, Status, UninstallRequest};
use sutler_simulator::{TimeMode, kubeconfig};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_client_waits_by_watches() {
    let lab = Lab::with_nodes(1);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let simulator = lab.simulator.clone();
    let served = tokio::spawn(async move {
        simulator.serve(listener, "token", TimeMode::Fast, std::future::pending()).await.unwrap();
    });
    let config: kube::config::Kubeconfig = serde_json::from_value(
        sutler_yaml::to_json(&sutler_yaml::read(&kubeconfig(&address, "token", "s")).unwrap()).unwrap(),
    )
    .unwrap();
    let config = kube::Config::from_custom_kubeconfig(config, &Default::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let world = Arc::new(RealWorld::new(client.clone()));
    let releases = Releases::new(Cluster::new(client, &*address, world), RealWorld::holder());
    let deployment = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  \
        template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: m, image: example.test/m:1}]}\n";
    let mut told = Vec::new();
    let release = releases
        .install(&installation(content(deployment)), &mut |event| told.push(line(&event)))
        .await
        .unwrap_or_else(|error| panic!("{error:?}\n{told:?}"));
    assert_eq!(release.info.status, Status::Deployed);
    assert!(told.contains(&"Deployment ns/web ready".to_owned()), "{told:?}");
    releases.uninstall(&UninstallRequest::new("ns", "web"), &mut |_| {}).await.unwrap();
    served.abort();
}
