//! Measures the simulator on a store on disk: `cargo run --release -p sutler-simulator --example measure -- [NODES PODS]`
//! (10 and 10 when left out). Deployments of ten pods each are created, and time passes until all pods are ready.

use std::time::Instant;

use http::Method;
use serde_json::{Value, json};
use sutler_simulator::request::Request;
use sutler_simulator::{Reason, Simulator, Start};

#[allow(clippy::print_stdout, reason = "figures are what this program is for")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let (nodes, pods) = match numbers.as_slice() {
        [nodes, pods] => (*nodes, *pods),
        _ => (10, 10),
    };
    let path = std::env::temp_dir().join(format!("sutler-measure-{}.db", std::process::id()));
    let began = Instant::now();
    let simulator = Simulator::open(&path, Start { clock: "2026-01-01T00:00:00Z".parse()?, seed: 1 }, "measure")?;
    println!("open            {:>9.3} s", began.elapsed().as_secs_f64());

    let pool = json!({"name": "p", "instanceTypes": ["m6i.4xlarge"], "min": nodes, "max": nodes});
    simulator.set_cluster(&serde_json::from_value(json!({"name": "c", "pools": [pool]}))?)?;
    let began = Instant::now();
    for index in 0..pods.div_ceil(10) {
        let name = format!("d{index}");
        let labels = json!({"app": name});
        let deployment = json!({"metadata": {"name": name}, "spec": {
            "replicas": 10.min(pods - index * 10), "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}]}}}});
        let path = "/apis/apps/v1/namespaces/default/deployments";
        let response = simulator.answer(&Request::new(Method::POST, path, deployment.to_string()));
        assert_eq!(response.code, 201, "a deployment is created");
    }
    println!("create          {:>9.3} s", began.elapsed().as_secs_f64());

    let began = Instant::now();
    let (start, mut steps) = (simulator.now(), 0);
    loop {
        let deadline = simulator.now().checked_add(jiff::SignedDuration::from_mins(30))?;
        let woken = simulator.wait(deadline, None).await;
        steps += 1;
        // Looked at now and then: the list itself is not what is measured.
        if steps % (1 + pods / 100) == 0 || woken.woken == Reason::Deadline {
            let ready = ready_pods(&simulator);
            if ready >= pods || woken.woken == Reason::Deadline {
                let simulated = simulator.now().duration_since(start).as_secs();
                println!(
                    "until ready     {:>9.3} s  ({ready} pods, {steps} steps, {simulated} s simulated)",
                    began.elapsed().as_secs_f64()
                );
                break;
            }
        }
    }
    let began = Instant::now();
    let list = simulator.answer(&Request::new(Method::GET, "/api/v1/pods", ""));
    let bytes = list.body.into_bytes().map_or(0, |bytes| bytes.len());
    println!("list pods       {:>9.3} s  ({bytes} bytes)", began.elapsed().as_secs_f64());
    drop(simulator);
    let began = Instant::now();
    drop(Simulator::open(&path, Start { clock: "2026-01-01T00:00:00Z".parse()?, seed: 1 }, "measure")?);
    println!("open again      {:>9.3} s  ({} bytes)", began.elapsed().as_secs_f64(), std::fs::metadata(&path)?.len());
    for suffix in ["", "-wal", "-shm", ".lock"] {
        drop(std::fs::remove_file(format!("{}{suffix}", path.display())));
    }
    Ok(())
}

/// How many pods are ready, as the deployments say.
fn ready_pods(simulator: &Simulator) -> usize {
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let response = simulator.answer(&Request::new(Method::GET, path, ""));
    let bytes = response.body.into_bytes().unwrap_or_default();
    let list: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let ready = |deployment: &Value| deployment["status"]["readyReplicas"].as_u64().unwrap_or(0);
    list["items"].as_array().map_or(0, |deployments| deployments.iter().map(ready).sum::<u64>() as usize)
}
