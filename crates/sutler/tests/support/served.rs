//! The simulator, served for clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::Place;

/// A simulator that is served by a process of its own.
pub(crate) struct Served {
    process: Child,
    /// How clients reach it.
    pub(crate) kubeconfig: PathBuf,
}

impl Served {
    /// Starts one for the stack of a place.
    pub(crate) fn start(place: &Place, time: &str) -> Served {
        let kubeconfig = place.path("served.kubeconfig");
        let mut process = place
            .command(&["simulator", "serve", "--time", time, "--kubeconfig", "served.kubeconfig"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        // It listens when it says so.
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert!(line.starts_with("export KUBECONFIG="), "{line}");
        Served { process, kubeconfig }
    }

    /// Puts a plan of faults in front of the API.
    pub(crate) fn faults(&self, plan: &str) {
        let config = std::fs::read_to_string(&self.kubeconfig).expect("the kubeconfig");
        let word = |key: &str| {
            let (_, rest) = config.split_once(key).unwrap_or_else(|| panic!("no {key} in {config}"));
            rest.trim_start_matches([':', ' ', '"']).split(['"', '\n', ',', '}']).next().unwrap_or_default().to_owned()
        };
        let (address, token) = (format!("127.0.0.1:{}", word("127.0.0.1")), word("token"));
        let mut stream = TcpStream::connect(&address).expect("the server");
        let length = plan.len();
        write!(
            stream,
            "PUT /sutler.dev/v1/faults HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{plan}"
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }

    /// Ends it as a service manager would.
    pub(crate) fn stop(mut self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(&id).status().expect("kill").success());
        self.process.wait().expect("its end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Ended already, or a test failed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
