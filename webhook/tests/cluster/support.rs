//! etcd, kube-apiserver and replicas of the webhook, as child processes on loopback.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use kube::{
    Api, Client, Config,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

/// Where the binaries are.
pub(crate) struct Tools {
    etcd: PathBuf,
    apiserver: PathBuf,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

impl Tools {
    pub(crate) fn find() -> Result<Self, String> {
        let script = Command::new("sh").arg(root().join("tests/tools/kube-apiserver.sh")).arg("--cached").output();
        let script = script.map_err(|error| error.to_string())?;
        if !script.status.success() {
            return Err(String::from_utf8_lossy(&script.stderr).trim().to_owned());
        }
        let apiserver = PathBuf::from(String::from_utf8_lossy(&script.stdout).trim());
        let beside = std::env::var_os("KUBEBUILDER_ASSETS").map(|folder| Path::new(&folder).join("etcd"));
        let candidates = beside.into_iter().chain(["/usr/bin/etcd".into(), "/usr/local/bin/etcd".into()]);
        let etcd = candidates.into_iter().find(|path| path.exists()).ok_or("no etcd; install the package etcd-server")?;
        Ok(Self { etcd, apiserver })
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// One cluster.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) folder: tempfile::TempDir,
    url: String,
    children: Mutex<Vec<Child>>,
}

/// The webhook's namespace.
pub(crate) const HOME: &str = "imgscan-system";

impl Cluster {
    /// Starts etcd and the API server, and applies `manifests/install.yaml`, its webhooks apart.
    pub(crate) async fn start(tools: &Tools) -> Arc<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        certificates(folder.path());
        let (etcd_port, peer_port, port) = (free_port(), free_port(), free_port());
        let log = |name: &str| Stdio::from(std::fs::File::create(at(name)).expect("a log"));
        let etcd_url = format!("http://127.0.0.1:{etcd_port}");
        let etcd = Command::new(&tools.etcd)
            .args(["--unsafe-no-fsync", "--data-dir"])
            .arg(at("etcd"))
            .args(["--listen-client-urls", &etcd_url, "--advertise-client-urls", &etcd_url])
            .args(["--listen-peer-urls", &format!("http://127.0.0.1:{peer_port}")])
            .stdout(Stdio::null())
            .stderr(log("etcd.log"))
            .spawn()
            .expect("etcd starts");
        let file = |flag: &str, name: &str| format!("{flag}={}", at(name).display());
        let apiserver = Command::new(&tools.apiserver)
            .arg(format!("--etcd-servers={etcd_url}"))
            .arg(format!("--secure-port={port}"))
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--service-cluster-ip-range=10.0.0.0/24"])
            .args(["--allow-privileged=true", "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount"])
            .args([file("--cert-dir", "."), file("--client-ca-file", "ca.crt")])
            .args([file("--tls-cert-file", "server.crt"), file("--tls-private-key-file", "server.key")])
            .args(["--service-account-issuer=https://kubernetes.default.svc".to_owned(), file("--service-account-key-file", "sa.pub")])
            .arg(file("--service-account-signing-key-file", "sa.key"))
            .stdout(Stdio::null())
            .stderr(log("apiserver.log"))
            .spawn()
            .expect("kube-apiserver starts");
        let url = format!("https://127.0.0.1:{port}");
        kubeconfig(folder.path(), &url, "admin.yaml", None);
        kubeconfig(folder.path(), &url, "webhook.yaml", Some("system:serviceaccount:imgscan-system:imgscan-webhook"));
        let client = client(&at("admin.yaml")).await;
        let cluster = Self { client, folder, url, children: Mutex::new(vec![apiserver, etcd]) };
        let end = Instant::now() + Duration::from_secs(120);
        while !cluster.ready().await {
            let ended =
                cluster.children.lock().expect("no panic").iter_mut().any(|child| child.try_wait().is_ok_and(|status| status.is_some()));
            if ended || Instant::now() > end {
                let text = std::fs::read_to_string(cluster.folder.path().join("apiserver.log")).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                panic!("the API server does not come up:\n{}", lines[lines.len().saturating_sub(10)..].join("\n"));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        cluster.namespace(HOME, &[]).await;
        cluster.install().await;
        Arc::new(cluster)
    }

    pub(crate) async fn ready(&self) -> bool {
        let request = axum::http::Request::get("/readyz").body(Vec::new()).expect("a request");
        self.client.request_text(request).await.is_ok()
    }

    /// Stops etcd without ending it, or lets it go on.
    pub(crate) fn hold_etcd(&self, hold: bool) {
        let signal = if hold { "-STOP" } else { "-CONT" };
        let children = self.children.lock().expect("no panic");
        let etcd = children.get(1).expect("the API server and etcd").id().to_string();
        assert!(Command::new("kill").args([signal, &etcd]).status().is_ok_and(|status| status.success()));
    }

    pub(crate) fn stop(&self) {
        for child in self.children.lock().expect("no panic").iter_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Waits until something holds.
    pub(crate) async fn wait<F, R>(&self, what: &str, seconds: u64, mut holds: F)
    where
        F: FnMut() -> R,
        R: Future<Output = bool>,
    {
        let end = Instant::now() + Duration::from_secs(seconds);
        while !holds().await {
            assert!(Instant::now() < end, "{what}: not within {seconds} s");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub(crate) fn api(&self, object: &Value) -> Api<DynamicObject> {
        let api_version = object["apiVersion"].as_str().expect("apiVersion");
        let kind = object["kind"].as_str().expect("kind");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let plural = match kind {
            "NetworkPolicy" => "networkpolicies".to_owned(),
            "CredentialPolicy" => "credentialpolicies".to_owned(),
            _ => format!("{}s", kind.to_ascii_lowercase()),
        };
        let resource = imgscan_webhook::cluster::resource(group, version, kind, &plural);
        match object["metadata"]["namespace"].as_str() {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// Creates an object; the API server's refusal in words.
    pub(crate) async fn create(&self, object: &Value) -> Result<Value, String> {
        self.create_with(object, &PostParams::default()).await
    }

    pub(crate) async fn create_with(&self, object: &Value, params: &PostParams) -> Result<Value, String> {
        let typed: DynamicObject = serde_json::from_value(object.clone()).expect("an object");
        let created = self.api(object).create(params, &typed).await;
        created.map(|object| serde_json::to_value(object).expect("JSON")).map_err(words)
    }

    /// Applies a merge patch.
    pub(crate) async fn patch(&self, object: &Value, change: &Value) -> Result<Value, String> {
        let name = object["metadata"]["name"].as_str().expect("a name");
        let patched = self.api(object).patch(name, &PatchParams::default(), &Patch::Merge(change)).await;
        patched.map(|object| serde_json::to_value(object).expect("JSON")).map_err(words)
    }

    pub(crate) async fn namespace(&self, name: &str, labels: &[(&str, &str)]) {
        let labels: serde_json::Map<_, _> = labels.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        self.create(&namespace).await.expect("a namespace");
    }

    async fn install(&self) {
        let text = std::fs::read_to_string(root().join("manifests/install.yaml")).expect("manifests/install.yaml");
        let documents = imgscan::kubernetes::Documents::parse(&text);
        assert_eq!(documents.problem, None);
        for document in documents.objects {
            let object = document.object;
            if matches!(object["kind"].as_str(), Some("Namespace" | "ValidatingWebhookConfiguration")) {
                continue;
            }
            let what = format!("{} {}", object["kind"], object["metadata"]["name"]);
            // Custom resources are served a moment after their definition.
            self.wait(&what, 20, || async {
                self.create(&object).await.map_err(|error| assert!(error.contains("404"), "{what}: {error}")).is_ok()
            })
            .await;
        }
    }

    /// Registers the webhooks of `manifests/install.yaml`, at an address instead of the service.
    pub(crate) async fn register(&self, port: u16, failure_policy: &str) {
        let text = std::fs::read_to_string(root().join("manifests/install.yaml")).expect("manifests/install.yaml");
        let documents = imgscan::kubernetes::Documents::parse(&text).objects;
        let mut object = documents.into_iter().map(|d| d.object).find(|o| o["kind"] == "ValidatingWebhookConfiguration").expect("webhooks");
        for webhook in object["webhooks"].as_array_mut().expect("a list") {
            webhook["clientConfig"] = json!({"url": format!("https://127.0.0.1:{port}/validate")});
            if webhook["failurePolicy"] != "Ignore" || webhook["name"] == "workloads.imgscan.dev" || webhook["name"] == "data.imgscan.dev" {
                webhook["failurePolicy"] = json!(failure_policy);
            }
        }
        let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
        let _ = self.api(&object).delete(&name, &Default::default()).await;
        self.create(&object).await.expect("the webhook configuration");
    }

    pub(crate) async fn unregister(&self) {
        let object = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"});
        let _ = self.api(&object).delete("imgscan-webhook", &Default::default()).await;
    }

    /// Sets the policy's spec.
    pub(crate) async fn policy(&self, spec: Value) {
        let policy = json!({"apiVersion": "imgscan.dev/v1alpha1", "kind": "CredentialPolicy", "metadata": {"name": "default"}});
        // A merge would keep what is not named; and replicas write the status meanwhile.
        self.wait("the policy", 20, || async {
            let Ok(current) = self.api(&policy).get("default").await else { return false };
            let mut object = serde_json::to_value(current).expect("JSON");
            object["spec"] = spec.clone();
            let typed: DynamicObject = serde_json::from_value(object).expect("an object");
            match self.api(&policy).replace("default", &PostParams::default(), &typed).await.map_err(words) {
                Ok(_) => true,
                Err(error) => {
                    assert!(error.starts_with("409") || error.starts_with("5"), "{error}");
                    false
                }
            }
        })
        .await;
    }

    /// Starts a replica under the service account's rights.
    pub(crate) fn webhook(&self, name: &str, args: &[&str]) -> Webhook {
        let (port, operations) = (free_port(), free_port());
        let log = self.folder.path().join(format!("{name}.log"));
        let child = self.spawn(name, port, operations, args);
        Webhook { port, operations, log, child }
    }

    pub(crate) fn spawn(&self, name: &str, port: u16, operations: u16, args: &[&str]) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join(format!("{name}.log"))).expect("a log");
        Command::new(env!("CARGO_BIN_EXE_imgscan-webhook"))
            .arg("serve")
            .args([format!("--listen=127.0.0.1:{port}"), format!("--listen-operations=127.0.0.1:{operations}")])
            .args([&format!("--replica={name}"), "--tls-name=127.0.0.1", "--ca-every=1", "--ca-overlap=2", "--drain=1", "--audit-every=0"])
            .args(args)
            .env("KUBECONFIG", self.folder.path().join("webhook.yaml"))
            .env("RUST_LOG", "trace,hyper=info,h2=info,rustls=info,tower=info,kube=trace")
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn()
            .expect("the webhook starts")
    }

    /// Starts a replica, registers it, and waits until the API server reaches it.
    pub(crate) async fn serving(&self, name: &str, args: &[&str]) -> Webhook {
        let webhook = self.webhook(name, args);
        self.wait("a ready replica", 60, || async { webhook.is_ready().await }).await;
        self.register(webhook.port, "Fail").await;
        let probe =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": "default"}, "data": {"a": "b"}});
        let params = PostParams { dry_run: true, ..PostParams::default() };
        let outcome = Mutex::new(String::new());
        let end = Instant::now() + Duration::from_secs(40);
        loop {
            match self.create_with(&probe, &params).await {
                // Until it has seen the configuration, the API server admits without asking.
                Ok(_) if webhook.was_asked().await => return webhook,
                Ok(_) => {}
                Err(error) => *outcome.lock().expect("no panic") = error,
            }
            assert!(Instant::now() < end, "the API server does not reach the webhook: {}", outcome.lock().expect("no panic"));
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One replica; ended when dropped.
pub(crate) struct Webhook {
    pub(crate) port: u16,
    pub(crate) operations: u16,
    pub(crate) log: PathBuf,
    pub(crate) child: Child,
}

impl Webhook {
    pub(crate) async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = reqwest::get(format!("http://127.0.0.1:{}{path}", self.operations)).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    pub(crate) async fn is_ready(&self) -> bool {
        self.get("/readyz").await.is_some_and(|(status, _)| status == 200)
    }

    async fn was_asked(&self) -> bool {
        self.get("/metrics").await.is_some_and(|(_, text)| text.contains("controller_runtime_webhook_requests_total{"))
    }

    /// Asks it to end as the kubelet does.
    pub(crate) fn terminate(&self) {
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn words(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} {}", status.code, status.message),
        other => other.to_string(),
    }
}

async fn client(path: &Path) -> Client {
    let config = Kubeconfig::read_from(path).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.expect("a configuration");
    Client::try_from(config).expect("a client")
}

/// A CA, the API server's certificate, an administrator's, and the key of service account tokens.
fn certificates(folder: &Path) {
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("a file");
    let ca_key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new(Vec::<String>::new()).expect("parameters");
    ca.distinguished_name.push(DnType::CommonName, "test cluster");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).expect("a certificate").pem();
    let issuer = Issuer::from_ca_cert_pem(&ca_pem, ca_key).expect("an issuer");
    for (name, organisation, names) in [("server", "", vec!["127.0.0.1".to_owned()]), ("admin", "system:masters", vec![])] {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(names).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, name);
        if !organisation.is_empty() {
            params.distinguished_name.push(DnType::OrganizationName, organisation);
        }
        write(&format!("{name}.crt"), params.signed_by(&key, &issuer).expect("a certificate").pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
    write("ca.crt", ca_pem);
    let tokens = KeyPair::generate().expect("a key");
    write("sa.key", tokens.serialize_pem());
    write("sa.pub", tokens.public_key_pem());
}

fn kubeconfig(folder: &Path, url: &str, name: &str, impersonate: Option<&str>) {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut user = json!({"client-certificate": file("admin.crt"), "client-key": file("admin.key")});
    if let Some(who) = impersonate {
        user["as"] = json!(who);
    }
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": file("ca.crt")}}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    });
    std::fs::write(folder.join(name), config.to_string()).expect("a kubeconfig");
}

impl Cluster {
    /// An HTTP client with the administrator's certificate, for requests that typed clients cannot send.
    pub(crate) fn raw(&self) -> (reqwest::Client, String) {
        let read = |name: &str| std::fs::read(self.folder.path().join(name)).expect("a file");
        let identity = reqwest::Identity::from_pem(&[read("admin.key"), read("admin.crt")].concat()).expect("an identity");
        let ca = reqwest::Certificate::from_pem(&read("ca.crt")).expect("a certificate");
        let client = reqwest::Client::builder().identity(identity).tls_certs_only([ca]).build().expect("a client");
        (client, self.url.clone())
    }
}
