//! TLS on loopback: followed files, client certificates, and an end that fails no call.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use imgscan::{detect::Engine, fingerprint::Fingerprinter, kubernetes::Policy};
use imgscan_webhook::{
    router, server,
    state::{Limits, State},
    tls::{Current, Files},
};
use rcgen::{CertificateParams, KeyPair};
use tokio::sync::watch;

use crate::authority::authority;

fn state() -> Arc<State> {
    let prints = Fingerprinter::with_key(&[7; 32]).expect("long enough");
    let state = State::new(Engine::new(Vec::new()), prints, Fingerprinter::built_in(), Limits::default(), false);
    state.set_policy(Policy::default());
    Arc::new(state)
}

/// Writes a self-signed certificate; its DER.
fn certificate(folder: &Path) -> Vec<u8> {
    std::fs::create_dir_all(folder).expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    std::fs::write(folder.join("tls.crt"), made.cert.pem()).expect("a file");
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).expect("a file");
    made.cert.der().to_vec()
}

async fn start(files: Files) -> (Arc<State>, String, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (state, current) = (state(), Current::default());
    tokio::spawn(files.follow(Arc::clone(&current), Arc::clone(&state), Duration::from_millis(50)));
    let listener = server::listen("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}/healthz", listener.local_addr().expect("an address"));
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(server::serve(listener, Some(current), router::router(Arc::clone(&state)), stopped));
    while !state.ready.certificate.load(Ordering::Acquire) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (state, url, stop, serving)
}

fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().tls_danger_accept_invalid_certs(true).tls_info(true)
}

async fn served(url: &str) -> Vec<u8> {
    let answer = client().build().expect("a client").get(url).send().await.expect("an answer");
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>().expect("TLS");
    info.peer_certificate().expect("a certificate").to_vec()
}

/// The key as cert-manager writes it by default for ECDSA: SEC 1, which is what PKCS #8 wraps.
fn sec1(key: &KeyPair) -> String {
    let whole = key.serialize_der();
    let at = whole.windows(3).position(|bytes| bytes[0] == 0x04 && bytes[2] == 0x30).expect("an octet string") + 2;
    let text = serde_json::to_value(k8s_openapi::ByteString(whole[at..].to_vec())).expect("base64");
    let lines: Vec<String> =
        text.as_str().expect("text").as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let name = ["EC", "PRIVATE", "KEY"].join(" ");
    format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", lines.join("\n"))
}

/// A version of a Secret's volume: `tls.crt` (leaf and CA), `tls.key` and `ca.crt`, the keys that cert-manager writes. The
/// leaf's DER.
fn version(folder: &Path, name: &str) -> Vec<u8> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    let (ca_pem, issuer) = authority("issuer");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters").signed_by(&key, &issuer).expect("signed");
    for (file, text) in [("tls.crt", format!("{}{ca_pem}", leaf.pem())), ("tls.key", sec1(&key)), ("ca.crt", ca_pem)] {
        std::fs::write(folder.join(file), text).expect("a file");
    }
    leaf.der().to_vec()
}

#[tokio::test]
async fn certificates_are_followed_through_the_symlink_swap_of_a_secret_volume() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    // As the kubelet mounts it: tls.crt -> ..data/tls.crt, ..data -> ..2026_11_24.1.
    let (old, new) = (version(folder.path(), "..2026_11_24.1"), version(folder.path(), "..2026_11_24.2"));
    symlink("..2026_11_24.1", at("..data")).expect("a link");
    for file in ["tls.crt", "tls.key", "ca.crt"] {
        symlink(format!("..data/{file}"), at(file)).expect("a link");
    }
    let files = Files { certificate: at("tls.crt"), key: at("tls.key"), client_ca: None };
    files.load().expect("a certificate at the start");
    let (state, url, _stop, _serving) = start(files).await;
    assert!(served(&url).await == old);
    let end = |state: &State| state.metrics.certificate_expiry.get();
    assert!(end(&state) > 1_700_000_000, "its end is known: {}", end(&state));
    // One rename swaps all files at once, and the old version goes.
    symlink("..2026_11_24.2", at("..data_tmp")).expect("a link");
    std::fs::rename(at("..data_tmp"), at("..data")).expect("swapped");
    std::fs::remove_dir_all(at("..2026_11_24.1")).expect("removed");
    for _ in 0..100 {
        if served(&url).await == new {
            // A broken pair leaves the good one in use.
            std::fs::write(at("..2026_11_24.2/tls.key"), "no key").expect("a file");
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(served(&url).await == new);
            assert!(state.metrics.certificate_errors.get() > 0, "and is counted");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the new certificate is not served");
}

#[tokio::test]
async fn only_clients_with_a_certificate_are_served_where_a_ca_is_given() {
    let folder = tempfile::tempdir().expect("a folder");
    certificate(folder.path());
    let (ca_pem, issuer) = authority("clients");
    std::fs::write(folder.path().join("ca.crt"), &ca_pem).expect("a file");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["kube-apiserver".to_owned()]).expect("parameters").signed_by(&key, &issuer).expect("signed");
    let at = |name: &str| folder.path().join(name);
    let files = Files { certificate: at("tls.crt"), key: at("tls.key"), client_ca: Some(at("ca.crt")) };
    let (_, url, _stop, _serving) = start(files).await;
    assert!(client().build().expect("a client").get(&url).send().await.is_err(), "no certificate");
    let identity = reqwest::Identity::from_pem(format!("{}{}", key.serialize_pem(), leaf.pem()).as_bytes()).expect("an identity");
    let answer = client().identity(identity).build().expect("a client").get(&url).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn what_is_in_flight_at_the_end_is_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    certificate(folder.path());
    let files = Files { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key"), client_ca: None };
    let (state, url, stop, serving) = start(files).await;
    // No worker is free until later, so that the review is in flight when the end comes.
    let workers = u32::try_from(state.limits.workers).expect("few");
    let busy = Arc::clone(&state.workers).acquire_many_owned(workers).await.expect("free");
    let review = client().build().expect("a client").post(url.replace("/healthz", "/validate")).body("{}").send();
    let review = tokio::spawn(review);
    tokio::time::sleep(Duration::from_millis(200)).await;
    stop.send(true).expect("serving");
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(busy);
    assert_eq!(review.await.expect("no panic").expect("an answer").status(), 200);
    tokio::time::timeout(Duration::from_secs(5), serving).await.expect("it ends").expect("no panic");
    assert!(client().build().expect("a client").get(&url).send().await.is_err(), "no new connections");
}
