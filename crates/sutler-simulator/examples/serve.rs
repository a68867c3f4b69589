//! Serves a simulator that is gone when the process ends: `cargo run -p sutler-simulator --example serve -- KUBECONFIG [wall|fast|paused]`.
//! It writes a kubeconfig to the given path, and serves until its standard input ends.

use std::io::Read;

use sutler_simulator::{ClusterModel, Simulator, Start, TimeMode, kubeconfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which file is the kubeconfig to be written to?")?;
    let time: TimeMode = arguments.next().as_deref().unwrap_or("wall").parse()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let clock = jiff::Timestamp::now();
        let simulator = Simulator::in_memory(Start { clock, seed: 1 })?;
        let pool = serde_json::from_str(r#"{"name": "default", "instanceTypes": ["m6i.xlarge"], "min": 2, "max": 4}"#)?;
        simulator.set_cluster(&ClusterModel { pools: vec![pool], ..ClusterModel::default() })?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        std::fs::write(&path, kubeconfig(&address, "example", "simulated"))?;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            // Ends when nobody holds the other side any more.
            let ended = std::io::stdin().read_to_end(&mut Vec::new());
            drop((ended, stop));
        });
        simulator.serve(listener, "example", time, async { drop(stopped.await) }).await?;
        Ok(())
    })
}
