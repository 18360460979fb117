//! Replicas of the webhook, as child processes, and what stands before them in a cluster: a Service and its endpoints.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::{Cluster, free_port};

/// One replica; asked to end when dropped.
pub(crate) struct Webhook {
    pub(crate) port: u16,
    operations: u16,
    pub(crate) log: PathBuf,
    pub(crate) child: Child,
}

impl Cluster {
    /// Starts a replica under the service account's rights.
    pub(crate) fn webhook(&self, name: &str, args: &[&str]) -> Webhook {
        let (port, operations) = (free_port(), free_port());
        let log = self.folder.path().join(format!("{name}.log"));
        let file = std::fs::File::options().create(true).append(true).open(&log).expect("a log");
        // Another build of it, to measure.
        let binary = std::env::var_os("IMGSCAN_WEBHOOK").unwrap_or_else(|| env!("CARGO_BIN_EXE_imgscan-webhook").into());
        let child = Command::new(binary)
            .arg("serve")
            .args([format!("--listen=127.0.0.1:{port}"), format!("--listen-operations=127.0.0.1:{operations}")])
            .args([&format!("--replica={name}"), "--tls-name=127.0.0.1", "--ca-every=1", "--ca-overlap=2", "--drain=1", "--audit-every=0"])
            .args(args)
            // As the chart has it.
            .envs([("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "65536"), ("MALLOC_TRIM_THRESHOLD_", "65536")])
            .env("KUBECONFIG", self.folder.path().join("webhook.yaml"))
            // Everything that the process and its libraries can say: T9 reads it.
            .env("RUST_LOG", "trace")
            .stdout(Stdio::null())
            .stderr(Stdio::from(file))
            .spawn()
            .expect("the webhook starts");
        Webhook { port, operations, log, child }
    }

    /// Starts a replica, registers it, and waits until the API server reaches it.
    pub(crate) async fn serving(&self, name: &str, args: &[&str]) -> Webhook {
        let webhook = self.webhook(name, args);
        self.wait("a ready replica", 60, || async { webhook.is_ready().await }).await;
        self.register(webhook.port, "Fail").await;
        self.reached(&[&webhook]).await;
        webhook
    }

    /// Starts several replicas behind a Service, registers it, and waits until the API server reaches one.
    pub(crate) async fn serving_behind(&self, service: &Service, names: &[&str], args: &[&str]) -> Vec<Webhook> {
        let replicas: Vec<Webhook> = names.iter().map(|name| self.webhook(name, args)).collect();
        for replica in &replicas {
            self.wait("a ready replica", 60, || async { replica.is_ready().await }).await;
            service.add(replica);
        }
        self.register(service.port, "Fail").await;
        self.reached(&replicas.iter().collect::<Vec<_>>()).await;
        replicas
    }

    async fn reached(&self, replicas: &[&Webhook]) {
        let probe =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": "default"}, "data": {"a": "b"}});
        let end = Instant::now() + Duration::from_secs(40);
        loop {
            let outcome = self.dry_run(&probe).await;
            for replica in replicas {
                // Until it has seen the configuration, the API server admits without asking.
                if outcome.is_ok() && replica.metric("controller_runtime_webhook_requests_total").await > 0.0 {
                    return;
                }
            }
            assert!(Instant::now() < end, "the API server does not reach the webhook: {}", outcome.err().unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

impl Webhook {
    pub(crate) async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = reqwest::get(format!("http://127.0.0.1:{}{path}", self.operations)).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    pub(crate) async fn is_ready(&self) -> bool {
        self.get("/readyz").await.is_some_and(|(status, _)| status == 200)
    }

    /// A metric, summed over its labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics").await.unwrap_or_default();
        let of = |line: &str| line.strip_prefix(name)?.strip_prefix(['{', ' ']).and(line.rsplit(' ').next()?.parse::<f64>().ok());
        text.lines().filter_map(of).sum()
    }

    /// Sends a review as an API server would; the answer's `response`.
    pub(crate) async fn review(&self, review: &Value) -> Option<Value> {
        self.send(review.to_string()).await
    }

    pub(crate) async fn send(&self, body: String) -> Option<Value> {
        let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().expect("a client");
        let answer = http.post(format!("https://127.0.0.1:{}/validate", self.port)).body(body).send().await.ok()?;
        Some(answer.json::<Value>().await.ok()?["response"].clone())
    }

    /// What it wrote so far.
    pub(crate) fn lines(&self, needle: &str) -> usize {
        std::fs::read_to_string(&self.log).unwrap_or_default().matches(needle).count()
    }

    /// Kilobytes by the name of a line in its status.
    pub(crate) fn memory(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a status");
        let value = status.lines().find_map(|text| text.strip_prefix(line));
        value.and_then(|text| text.trim().trim_end_matches("kB").trim().parse().ok()).expect("a number")
    }

    /// Asks it to end as the kubelet does.
    pub(crate) fn terminate(&self) {
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
    }

    /// Ends it at once, as a node that is lost.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Keeps what operators could read of it: T9 looks through it.
    fn keep_metrics(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.operations))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text)?;
        std::fs::File::options().create(true).append(true).open(self.log.with_extension("metrics"))?.write_all(&text)
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let _ = self.keep_metrics();
        self.terminate();
        for _ in 0..100 {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.kill();
    }
}

/// Where a replica takes reviews, and where it says whether it is ready.
type Ports = (u16, u16);

/// An address that leads to the ready replicas in turn, a connection each. A connection that was made stays where it is, and
/// one to a replica that has died fails, as in a cluster.
pub(crate) struct Service {
    pub(crate) port: u16,
    replicas: Arc<Mutex<Vec<Ports>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let replicas: Arc<Mutex<Vec<Ports>>> = Arc::default();
        let endpoints: Arc<Mutex<Vec<u16>>> = Arc::default();
        let probing = {
            let (replicas, endpoints) = (Arc::clone(&replicas), Arc::clone(&endpoints));
            tokio::spawn(async move {
                let http = reqwest::Client::builder().timeout(Duration::from_secs(1)).build().expect("a client");
                loop {
                    let known = replicas.lock().expect("no panic").clone();
                    let mut ready = Vec::new();
                    for (port, operations) in known {
                        let answer = http.get(format!("http://127.0.0.1:{operations}/readyz")).send().await;
                        if answer.is_ok_and(|answer| answer.status().is_success()) {
                            ready.push(port);
                        }
                    }
                    *endpoints.lock().expect("no panic") = ready;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            })
        };
        let turn = AtomicUsize::new(0);
        let leading = tokio::spawn(async move {
            while let Ok((mut incoming, _)) = listener.accept().await {
                let ready = endpoints.lock().expect("no panic").clone();
                let Some(port) = ready.get(turn.fetch_add(1, Ordering::Relaxed) % ready.len().max(1)).copied() else { continue };
                tokio::spawn(async move {
                    if let Ok(mut outgoing) = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                        let _ = tokio::io::copy_bidirectional(&mut incoming, &mut outgoing).await;
                    }
                });
            }
        });
        Self { port, replicas, tasks: vec![probing, leading] }
    }

    pub(crate) fn add(&self, webhook: &Webhook) {
        self.replicas.lock().expect("no panic").push((webhook.port, webhook.operations));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
