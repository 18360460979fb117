//! etcd and kube-apiserver, as child processes on loopback.

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
use serde_json::{Value, json};

use crate::{
    certificates::{admission, certificates, kubeconfig},
    objects::{canaries, plural},
};

/// Where the binaries are.
pub(crate) struct Tools {
    etcd: PathBuf,
    apiserver: PathBuf,
}

pub(crate) fn root() -> PathBuf {
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

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// One cluster.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) folder: tempfile::TempDir,
    url: String,
    etcd: String,
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
        admission(folder.path());
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
            .args([file("--service-account-signing-key-file", "sa.key"), file("--admission-control-config-file", "admission.yaml")])
            .args([file("--audit-policy-file", "audit.yaml"), file("--audit-log-path", "audit.log")])
            .stdout(Stdio::null())
            .stderr(log("apiserver.log"))
            .spawn()
            .expect("kube-apiserver starts");
        let url = format!("https://127.0.0.1:{port}");
        kubeconfig(folder.path(), &url, "admin.yaml", None);
        kubeconfig(folder.path(), &url, "webhook.yaml", Some("system:serviceaccount:imgscan-system:imgscan-webhook"));
        let client = client(&at("admin.yaml")).await;
        let cluster = Self { client, folder, url, etcd: etcd_url, children: Mutex::new(vec![apiserver, etcd]) };
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

    /// Puts an object where the API server stores it: the only way to one that is older than the cluster. Source: etcd's JSON
    /// gateway, <https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/>.
    pub(crate) async fn store(&self, resource: &str, object: &Value) {
        let base64 = |text: String| json!(k8s_openapi::ByteString(text.into_bytes()));
        let meta = &object["metadata"];
        let (namespace, name) = (meta["namespace"].as_str().expect("a namespace"), meta["name"].as_str().expect("a name"));
        let put = json!({"key": base64(format!("/registry/{resource}/{namespace}/{name}")), "value": base64(object.to_string())});
        let answer = reqwest::Client::new().post(format!("{}/v3/kv/put", self.etcd)).json(&put).send().await.expect("etcd answers");
        assert!(answer.status().is_success(), "{}", answer.status());
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

    /// Tries until it passes. Only one error may be met: custom resources are served a moment after their definition.
    pub(crate) async fn until_served<F, R>(&self, what: &str, attempt: F)
    where
        F: Fn() -> R,
        R: Future<Output = Result<Value, String>>,
    {
        self.wait(what, 20, || async { attempt().await.map_err(|error| assert!(error.starts_with("404"), "{what}: {error}")).is_ok() })
            .await;
    }

    pub(crate) fn api(&self, object: &Value) -> Api<DynamicObject> {
        let api_version = object["apiVersion"].as_str().expect("apiVersion");
        let kind = object["kind"].as_str().expect("kind");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = imgscan_webhook::cluster::resource(group, version, kind, &plural(kind));
        match object["metadata"]["namespace"].as_str() {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// Creates an object; the API server's refusal in words.
    pub(crate) async fn create(&self, object: &Value) -> Result<Value, String> {
        self.post(object, false).await
    }

    /// What would become of an object that is created: judged, not stored.
    pub(crate) async fn dry_run(&self, object: &Value) -> Result<Value, String> {
        self.post(object, true).await
    }

    async fn post(&self, object: &Value, dry_run: bool) -> Result<Value, String> {
        let typed: DynamicObject = serde_json::from_value(object.clone()).expect("an object");
        let created = self.api(object).create(&PostParams { dry_run, ..PostParams::default() }, &typed).await;
        created.map(|object| serde_json::to_value(object).expect("JSON")).map_err(words)
    }

    /// All objects of a kind; none where the cluster does not have it.
    pub(crate) async fn list(&self, api_version: &str, kind: &str) -> Vec<Value> {
        let list = self.api(&json!({"apiVersion": api_version, "kind": kind})).list(&Default::default()).await;
        let items = list.map(|list| list.items).unwrap_or_default();
        items.into_iter().map(|object| serde_json::to_value(object).expect("JSON")).collect()
    }

    /// Applies a merge patch.
    pub(crate) async fn patch(&self, object: &Value, change: &Value) -> Result<Value, String> {
        let name = object["metadata"]["name"].as_str().expect("a name");
        let patched = self.api(object).patch(name, &PatchParams::default(), &Patch::Merge(change)).await;
        patched.map(|object| serde_json::to_value(object).expect("JSON")).map_err(words)
    }

    /// Gives the webhook the right to watch Secrets, as the chart does where it is told to, or takes it away.
    pub(crate) async fn watch_secrets(&self, wanted: bool) {
        let api = "rbac.authorization.k8s.io/v1";
        let role = json!({"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": "watch-secrets"},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}]});
        let binding = json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": "watch-secrets"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "watch-secrets"},
            "subjects": [{"kind": "ServiceAccount", "name": "imgscan-webhook", "namespace": HOME}]});
        for object in [role, binding] {
            if wanted {
                self.apply(&object, false).await.expect("a right");
            } else {
                self.api(&object).delete("watch-secrets", &Default::default()).await.expect("taken away");
            }
        }
    }

    pub(crate) async fn namespace(&self, name: &str, labels: &[(&str, &str)]) {
        let labels: serde_json::Map<_, _> = labels.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        self.create(&namespace).await.expect("a namespace");
    }

    /// Applies an object as `kubectl apply --server-side --validate=strict` does: a field that the API does not know is refused.
    pub(crate) async fn apply(&self, object: &Value, dry_run: bool) -> Result<Value, String> {
        let name = object["metadata"]["name"].as_str().expect("a name");
        let params = PatchParams { dry_run, ..PatchParams::apply("install").validation_strict().force() };
        let applied = self.api(object).patch(name, &params, &Patch::Apply(object)).await;
        applied.map(|object| serde_json::to_value(object).expect("JSON")).map_err(words)
    }

    async fn install(&self) {
        for object in manifests("manifests/install.yaml") {
            // Registered by each test, at the address of its replica.
            if object["kind"] == "ValidatingWebhookConfiguration" {
                self.apply(&object, true).await.expect("the webhooks");
                continue;
            }
            let what = format!("{} {}", object["kind"], object["metadata"]["name"]);
            self.until_served(&what, || self.apply(&object, false)).await;
        }
    }

    /// Registers the webhooks of `manifests/install.yaml`, at an address instead of the service.
    pub(crate) async fn register(&self, port: u16, failure_policy: &str) {
        let mut object = webhooks(port);
        for webhook in object["webhooks"].as_array_mut().expect("a list") {
            webhook["timeoutSeconds"] = json!(30);
            if ["workloads.imgscan.dev", "data.imgscan.dev", "objects.imgscan.dev"].iter().any(|name| webhook["name"] == *name) {
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
        // The API server calls a webhook that has ended until its own watch tells it that the configuration is gone.
        let probe = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "probe", "namespace": "default"}});
        self.wait("the webhook's end", 20, || async { self.dry_run(&probe).await.is_ok() }).await;
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

    /// An HTTP client with the administrator's certificate, for requests that typed clients cannot send.
    pub(crate) fn raw(&self) -> (reqwest::Client, String) {
        let read = |name: &str| std::fs::read(self.folder.path().join(name)).expect("a file");
        let identity = reqwest::Identity::from_pem(&[read("admin.key"), read("admin.crt")].concat()).expect("an identity");
        let ca = reqwest::Certificate::from_pem(&read("ca.crt")).expect("a certificate");
        let client = reqwest::Client::builder().identity(identity).tls_certs_only([ca]).build().expect("a client");
        (client, self.url.clone())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The objects of a file of the repository.
pub(crate) fn manifests(path: &str) -> Vec<Value> {
    parsed(&std::fs::read_to_string(root().join(path)).expect(path))
}

/// The objects of a text.
pub(crate) fn parsed(text: &str) -> Vec<Value> {
    let documents = imgscan::kubernetes::Documents::parse(text);
    assert_eq!(documents.problem, None);
    documents.objects.into_iter().map(|document| document.object).collect()
}

/// The webhooks of `manifests/install.yaml`, at an address instead of the service.
pub(crate) fn webhooks(port: u16) -> Value {
    let mut objects = manifests("manifests/install.yaml").into_iter();
    let mut object = objects.find(|object| object["kind"] == "ValidatingWebhookConfiguration").expect("webhooks");
    for webhook in object["webhooks"].as_array_mut().expect("a list") {
        webhook["clientConfig"] = json!({"url": format!("https://127.0.0.1:{port}/validate")});
    }
    object
}

/// An error in words; none may hold what a test planted.
pub(crate) fn words(error: kube::Error) -> String {
    let text = match error {
        kube::Error::Api(status) => format!("{} {}", status.code, status.message),
        other => other.to_string(),
    };
    assert!(!canaries().iter().any(|canary| text.contains(canary)), "an answer holds a credential");
    text
}

async fn client(path: &Path) -> Client {
    let config = Kubeconfig::read_from(path).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.expect("a configuration");
    Client::try_from(config).expect("a client")
}
