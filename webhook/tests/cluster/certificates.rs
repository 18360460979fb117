//! Certificates of the test cluster, and the files that its API server reads.

use std::path::Path;

use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::json;

use crate::authority::authority;

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a file");
}

/// A CA, the API server's certificate, an administrator's, and the key of service account tokens.
pub(crate) fn certificates(folder: &Path) {
    let (ca, issuer) = authority("test cluster");
    for (name, organisation, names) in [("server", "", vec!["127.0.0.1".to_owned()]), ("admin", "system:masters", vec![])] {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(names).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, name);
        if !organisation.is_empty() {
            params.distinguished_name.push(DnType::OrganizationName, organisation);
        }
        write(folder, &format!("{name}.crt"), &params.signed_by(&key, &issuer).expect("a certificate").pem());
        write(folder, &format!("{name}.key"), &key.serialize_pem());
    }
    write(folder, "ca.crt", &ca);
    let tokens = KeyPair::generate().expect("a key");
    write(folder, "sa.key", &tokens.serialize_pem());
    write(folder, "sa.pub", &tokens.public_key_pem());
}

/// How the API server shows itself to webhooks, and what it notes of each request: the metadata, with what webhooks annotate.
pub(crate) fn admission(folder: &Path) {
    let file = |name: &str| folder.join(name).display().to_string();
    let clients = json!({"apiVersion": "v1", "kind": "Config",
        "users": [{"name": "*", "user": {"client-certificate": file("server.crt"), "client-key": file("server.key")}}]});
    write(folder, "clients.yaml", &clients.to_string());
    let webhooks = json!({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "WebhookAdmissionConfiguration", "kubeConfigFile": file("clients.yaml")});
    let admission = json!({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration",
        "plugins": [{"name": "ValidatingAdmissionWebhook", "configuration": webhooks}]});
    write(folder, "admission.yaml", &admission.to_string());
    let audit =
        json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]});
    write(folder, "audit.yaml", &audit.to_string());
}

pub(crate) fn kubeconfig(folder: &Path, url: &str, name: &str, impersonate: Option<&str>) {
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
    write(folder, name, &config.to_string());
}
