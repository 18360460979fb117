//! TLS without cert-manager: a CA in a Secret, kept by the leader; each replica signs itself a leaf that never leaves its
//! memory.
//!
//! A rotation never breaks a call, because every step waits for the one before:
//! 1. *stage*: a new CA is stored beside the old one, and `caBundle` gets both;
//! 2. *switch*: once the leader has seen the bundle out for the overlap, the new CA signs; replicas renew their leaves;
//! 3. *drop*: after another overlap the old CA leaves the bundle.
//!
//! How long the bundle is out is counted by the leader's own clock, from when it saw it there: a bundle that could not be
//! published for an hour, or that someone took out meanwhile, waits for the whole overlap again.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use k8s_openapi::{ByteString, api::admissionregistration::v1::ValidatingWebhookConfiguration, api::core::v1::Secret};
use kube::{
    Api, Client,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::json;
use tokio::sync::watch;

use super::{brief, is_missing};
use crate::{
    state::State,
    tls::{self, Current},
};

const STAGED: &str = "imgscan.dev/staged-at";
const SWITCHED: &str = "imgscan.dev/switched-at";
const MADE: &str = "imgscan.dev/made-at";
const EXPIRES: &str = "imgscan.dev/expires-at";
/// The name under which `caBundle` is applied.
const MANAGER: &str = "imgscan-webhook-ca";
/// Between two looks of a replica that has no certificate yet.
const SOON: Duration = Duration::from_secs(1);

/// Names and times.
#[derive(Clone)]
pub struct Settings {
    /// Namespace of the Secret.
    pub namespace: String,
    /// The Secret.
    pub secret: String,
    /// The webhook configuration whose `caBundle` is kept; empty keeps none.
    pub webhook: String,
    /// DNS names and addresses of the serving certificate.
    pub names: Vec<String>,
    /// Life of a CA; renewed after two thirds.
    pub ca_life: Duration,
    /// Life of a leaf; renewed after two thirds.
    pub leaf_life: Duration,
    /// Wait between the steps of a rotation.
    pub overlap: Duration,
    /// Wait between two looks.
    pub every: Duration,
    /// PEM bundle of the clients' CA; followed.
    pub client_ca: Option<PathBuf>,
}

/// What the Secret holds. It holds keys, so it has no `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
struct Store {
    data: BTreeMap<String, Vec<u8>>,
    times: BTreeMap<String, String>,
}

impl Store {
    fn of(secret: Secret) -> Self {
        let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
        Self { data, times: secret.metadata.annotations.unwrap_or_default() }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.data.get(key).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    fn time(&self, key: &str) -> Option<jiff::Timestamp> {
        self.times.get(key)?.parse().ok()
    }

    /// Seconds since a step.
    fn since(&self, step: &str, now: jiff::Timestamp) -> Option<u64> {
        u64::try_from(now.as_second().saturating_sub(self.time(step)?.as_second())).ok()
    }

    /// All CAs that clients are to trust.
    fn bundle(&self) -> Vec<u8> {
        ["ca.crt", "next.crt", "previous.crt"].iter().filter_map(|key| self.data.get(*key)).flatten().copied().collect()
    }

    fn move_to(&mut self, from: &str, to: &str) {
        if let Some(value) = self.data.remove(from) {
            self.data.insert(to.to_owned(), value);
        }
    }

    fn put(&mut self, prefix: &str, (certificate, key): (String, String)) {
        self.data.insert(format!("{prefix}.crt"), certificate.into_bytes());
        self.data.insert(format!("{prefix}.key"), key.into_bytes());
    }

    /// The next step of a rotation, if one is due. `published` says for how long `caBundle` has held the present bundle.
    fn step(&mut self, settings: &Settings, published: Option<Duration>, now: jiff::Timestamp) -> Result<bool> {
        let overlap = settings.overlap.as_secs();
        // One that has expired (no replica ran for long) serves nobody: it is replaced at once, not rotated.
        let expired = self.time(EXPIRES).is_none_or(|end| end <= now);
        if self.text("ca.crt").is_none() || self.text("ca.key").is_none() || expired {
            self.data.clear();
            self.times.remove(STAGED);
            self.times.remove(SWITCHED);
            self.put("ca", new_ca(settings.ca_life, now)?);
            self.times.insert(MADE.to_owned(), now.to_string());
            self.times.insert(EXPIRES.to_owned(), later(now, settings.ca_life));
            return Ok(true);
        }
        let Some(published) = published else { return Ok(false) };
        if self.data.contains_key("next.crt") {
            let due = published >= settings.overlap && self.since(STAGED, now).is_none_or(|seconds| seconds >= overlap);
            if due {
                self.move_to("ca.crt", "previous.crt");
                self.move_to("next.crt", "ca.crt");
                self.move_to("next.key", "ca.key");
                let staged = self.time(STAGED).unwrap_or(now);
                self.times.remove(STAGED);
                self.times.insert(MADE.to_owned(), staged.to_string());
                self.times.insert(EXPIRES.to_owned(), later(staged, settings.ca_life));
                self.times.insert(SWITCHED.to_owned(), now.to_string());
            }
            return Ok(due);
        }
        if self.data.contains_key("previous.crt") {
            let due = self.since(SWITCHED, now).is_none_or(|seconds| seconds >= overlap);
            if due {
                self.data.remove("previous.crt");
                self.times.remove(SWITCHED);
            }
            return Ok(due);
        }
        // By what was promised when it was made, whatever the flags say now.
        let life = self.time(MADE).zip(self.time(EXPIRES)).map(|(made, end)| end.as_second().saturating_sub(made.as_second()));
        let due = self.since(MADE, now).zip(life).is_none_or(|(age, life)| i64::try_from(age).unwrap_or(i64::MAX) >= life * 2 / 3);
        if due {
            self.put("next", new_ca(settings.ca_life, now)?);
            self.times.insert(STAGED.to_owned(), now.to_string());
        }
        Ok(due)
    }
}

fn later(now: jiff::Timestamp, life: Duration) -> String {
    let end = now.as_second().saturating_add(i64::try_from(life.as_secs()).unwrap_or(i64::MAX / 4));
    jiff::Timestamp::from_second(end).unwrap_or(jiff::Timestamp::MAX).to_string()
}

fn validity(params: &mut CertificateParams, life: Duration, now: jiff::Timestamp) -> Result<()> {
    // Clocks differ: valid from five minutes ago.
    let seconds = u64::try_from(now.as_second())?;
    let date = |seconds: u64| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    params.not_before = date(seconds.saturating_sub(300));
    params.not_after = date(seconds + life.as_secs());
    Ok(())
}

/// A new CA: certificate and key in PEM.
fn new_ca(life: Duration, now: jiff::Timestamp) -> Result<(String, String)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    // Two CAs in one bundle must differ in name, or clients may try only the first.
    params.distinguished_name.push(DnType::CommonName, format!("imgscan webhook CA {}", now.as_nanosecond()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, life, now)?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// A leaf of the CA.
fn new_leaf(
    ca: &str,
    ca_key: &str,
    settings: &Settings,
    now: jiff::Timestamp,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>)> {
    let issuer = Issuer::from_ca_cert_pem(ca, KeyPair::from_pem(ca_key)?)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(settings.names.clone())?;
    params.distinguished_name.push(DnType::CommonName, settings.names.first().cloned().unwrap_or_default());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    validity(&mut params, settings.leaf_life, now)?;
    let leaf = params.signed_by(&key, &issuer)?;
    Ok((leaf.der().clone(), PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))))
}

/// Keeps the CA (on the leader) and this replica's leaf, for ever.
pub async fn keep(client: Client, settings: Settings, current: Current, state: Arc<State>, leads: watch::Receiver<bool>) {
    let mut signed_by: (Vec<u8>, Option<Vec<u8>>) = Default::default();
    let mut renew_at = 0;
    let mut published = Published::default();
    loop {
        if *leads.borrow() {
            if let Err(error) = lead(&client, &settings, &mut published).await {
                tracing::warn!(error = format!("{error:#}"), "the CA was not kept");
            }
        } else {
            published = Published::default();
        }
        match read(&client, &settings).await {
            Ok(Some(store)) => {
                let now = jiff::Timestamp::now();
                let (ca, key) = (store.text("ca.crt").unwrap_or_default(), store.text("ca.key").unwrap_or_default());
                let clients = client_ca(&settings).await;
                let wanted = (ca.as_bytes().to_vec(), clients.as_ref().ok().cloned().flatten());
                if wanted != signed_by || now.as_second() >= renew_at {
                    // Without the clients' CA nobody could be told apart, so that nothing is served anew.
                    match clients.and_then(|clients| renew(ca, key, clients.as_deref(), &settings, now)) {
                        Ok(config) => {
                            current.store(Some(Arc::new(config)));
                            signed_by = wanted;
                            let life = i64::try_from(settings.leaf_life.as_secs()).unwrap_or(i64::MAX / 4);
                            renew_at = now.as_second() + life * 2 / 3;
                            state.metrics.certificate_expiry.set(now.as_second() + life);
                            state.metrics.certificate_reads.inc();
                            state.ready.certificate.store(true, Ordering::Release);
                            tracing::info!("leaf renewed");
                        }
                        Err(error) => {
                            state.metrics.certificate_errors.inc();
                            tracing::error!(error = format!("{error:#}"), "leaf not renewed");
                        }
                    }
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the CA's Secret was not read"),
        }
        // Who cannot serve yet looks more often.
        let every = if state.ready.certificate.load(Ordering::Acquire) { settings.every } else { settings.every.min(SOON) };
        tokio::time::sleep(every).await;
    }
}

async fn client_ca(settings: &Settings) -> Result<Option<Vec<u8>>> {
    match settings.client_ca.clone() {
        Some(path) => tokio::task::spawn_blocking(move || tls::read(&path)).await?.map(Some),
        None => Ok(None),
    }
}

fn renew(ca: &str, key: &str, clients: Option<&[u8]>, settings: &Settings, now: jiff::Timestamp) -> Result<rustls::ServerConfig> {
    let (leaf, leaf_key) = new_leaf(ca, key, settings, now)?;
    let issuer = CertificateDer::from_pem_slice(ca.as_bytes()).context("the CA is no PEM")?;
    tls::config(vec![leaf, issuer], leaf_key, clients)
}

/// Which bundle the leader sees in `caBundle`, and since when.
#[derive(Default)]
struct Published {
    bundle: Vec<u8>,
    since: Option<Instant>,
}

impl Published {
    /// Notes whether the bundle was there already, and says for how long it has been.
    fn note(&mut self, bundle: Vec<u8>, there: bool) -> Option<Duration> {
        if !there {
            self.since = None;
        } else if self.since.is_none() || self.bundle != bundle {
            *self = Self { bundle, since: Some(Instant::now()) };
        }
        self.since.map(|since| since.elapsed())
    }
}

async fn read(client: &Client, settings: &Settings) -> Result<Option<Store>> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &settings.namespace);
    match secrets.get(&settings.secret).await {
        Ok(secret) => Ok(Some(Store::of(secret)).filter(|store| store.text("ca.key").is_some())),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(anyhow::anyhow!("{}", brief(&error))),
    }
}

/// The leader's round: publish the bundle, then take the next step.
async fn lead(client: &Client, settings: &Settings, published: &mut Published) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &settings.namespace);
    let existing = match secrets.get(&settings.secret).await {
        Ok(secret) => Some(secret),
        Err(error) if is_missing(&error) => None,
        Err(error) => anyhow::bail!("{}", brief(&error)),
    };
    let version = existing.as_ref().and_then(|secret| secret.metadata.resource_version.clone());
    let mut store = existing.map(Store::of).unwrap_or_default();
    let there = store.data.contains_key("ca.crt") && publish(client, settings, &store.bundle()).await?;
    let since = published.note(store.bundle(), there);
    if !store.step(settings, since, jiff::Timestamp::now())? {
        return Ok(());
    }
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(settings.secret.clone()),
            resource_version: version.clone(),
            annotations: Some(store.times.clone()),
            ..ObjectMeta::default()
        },
        data: Some(store.data.iter().map(|(key, value)| (key.clone(), ByteString(value.clone()))).collect()),
        type_: Some("imgscan.dev/ca".to_owned()),
        ..Secret::default()
    };
    // The resourceVersion makes sure that no other leader stepped meanwhile.
    let stored = match version {
        Some(_) => secrets.replace(&settings.secret, &PostParams::default(), &secret).await,
        None => secrets.create(&PostParams::default(), &secret).await,
    };
    stored.map_err(|error| anyhow::anyhow!("{}", brief(&error)))?;
    tracing::info!("the CA took a step");
    publish(client, settings, &store.bundle()).await.map(drop)
}

/// Puts the bundle in every webhook of the configuration, and nothing else: only `caBundle` is applied, so that GitOps
/// tools see no difference in what they own. Says whether it was there already.
async fn publish(client: &Client, settings: &Settings, bundle: &[u8]) -> Result<bool> {
    if settings.webhook.is_empty() {
        return Ok(true);
    }
    let webhooks: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let existing = match webhooks.get(&settings.webhook).await {
        Ok(existing) => existing,
        // Installed later, or removed on purpose.
        Err(error) if is_missing(&error) => return Ok(false),
        Err(error) => anyhow::bail!("{}", brief(&error)),
    };
    let entries = existing.webhooks.as_deref().unwrap_or_default();
    if entries.iter().all(|entry| entry.client_config.ca_bundle.as_ref().is_some_and(|ca| ca.0 == bundle)) {
        disown(&webhooks, &existing).await?;
        return Ok(true);
    }
    let ca = ByteString(bundle.to_vec());
    let entries: Vec<_> = entries.iter().map(|entry| json!({"name": entry.name, "clientConfig": {"caBundle": ca}})).collect();
    let apply = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": settings.webhook}, "webhooks": entries,
    });
    let params = PatchParams::apply(MANAGER).force();
    let applied = webhooks.patch(&settings.webhook, &params, &Patch::Apply(apply)).await;
    let applied = applied.map_err(|error| anyhow::anyhow!("{}", brief(&error)))?;
    tracing::info!("caBundle published");
    disown(&webhooks, &applied).await?;
    Ok(false)
}

/// Gives up what applying made this webhook own. Else whoever applies a version of the configuration that lacks one of the
/// webhooks would leave the rest of it behind, which is invalid, so that the API server refuses the whole version.
async fn disown(webhooks: &Api<ValidatingWebhookConfiguration>, existing: &ValidatingWebhookConfiguration) -> Result<()> {
    let fields = existing.metadata.managed_fields.as_deref().unwrap_or_default();
    let others: Vec<_> = fields.iter().filter(|entry| entry.manager.as_deref() != Some(MANAGER)).collect();
    // An empty list would mean that nothing is to be tracked any more.
    if others.len() == fields.len() || others.is_empty() {
        return Ok(());
    }
    let name = existing.metadata.name.as_deref().unwrap_or_default();
    // The version makes sure that nobody's change is forgotten; what fails is done in the next round.
    let change = json!({"metadata": {"resourceVersion": existing.metadata.resource_version, "managedFields": others}});
    let disowned = webhooks.patch(name, &PatchParams::default(), &Patch::Merge(change)).await;
    disowned.map(drop).map_err(|error| anyhow::anyhow!("{}", brief(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            namespace: "n".into(),
            secret: "s".into(),
            webhook: String::new(),
            names: vec!["webhook.n.svc".into(), "127.0.0.1".into()],
            ca_life: Duration::from_secs(900),
            leaf_life: Duration::from_secs(300),
            overlap: Duration::from_secs(60),
            every: Duration::from_secs(1),
            client_ca: None,
        }
    }

    const LONG: Option<Duration> = Some(Duration::from_secs(60));

    fn at(second: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_800_000_000 + second).expect("a time")
    }

    #[test]
    fn no_step_of_a_rotation_leaves_a_serving_ca_out_of_the_bundle() {
        let settings = settings();
        let mut store = Store::default();
        let contains = |store: &Store, ca: &[u8]| store.bundle().windows(ca.len()).any(|part| part == ca);
        assert!(store.step(&settings, None, at(0)).expect("a CA"));
        let first = store.data["ca.crt"].clone();
        assert!(!store.step(&settings, LONG, at(599)).expect("nothing due"));
        assert!(store.step(&settings, LONG, at(600)).expect("staged"));
        assert!(store.data["ca.crt"] == first, "the old one still signs");
        let second = store.data["next.crt"].clone();
        assert!(contains(&store, &first) && contains(&store, &second));
        assert!(!store.step(&settings, None, at(700)).expect("waits for the bundle"));
        assert!(!store.step(&settings, LONG, at(659)).expect("waits for the overlap"));
        let short = Some(Duration::from_secs(59));
        assert!(!store.step(&settings, short, at(700)).expect("waits until the bundle has been out for it"));
        assert!(store.step(&settings, LONG, at(660)).expect("switched"));
        assert!(store.data["ca.crt"] == second && contains(&store, &first), "replicas may still serve the old leaf");
        assert!(store.step(&settings, LONG, at(720)).expect("dropped"));
        assert!(contains(&store, &second) && !contains(&store, &first));
        assert!(!store.step(&settings, LONG, at(721)).expect("nothing due"), "counted from when it was made");
        assert!(store.step(&settings, None, at(600 + 900)).expect("replaced"), "an expired one is replaced at once");
        assert!(store.data["ca.crt"] != second && store.data.len() == 2);
    }

    #[test]
    fn the_overlap_starts_when_the_bundle_is_seen() {
        let mut published = Published::default();
        assert_eq!(published.note(vec![1], false), None, "it was put there just now");
        assert!(published.note(vec![1], true).is_some_and(|time| time < Duration::from_secs(1)));
        std::thread::sleep(Duration::from_millis(20));
        assert!(published.note(vec![1], true).is_some_and(|time| time >= Duration::from_millis(20)));
        assert!(published.note(vec![2], true).is_some_and(|time| time < Duration::from_millis(20)), "another bundle");
        assert_eq!(published.note(vec![2], false), None, "someone took it out");
    }

    #[test]
    fn a_leaf_serves_under_its_ca() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (ca, key) = new_ca(Duration::from_secs(900), at(0)).expect("a CA");
        assert!(renew(&ca, &key, None, &settings(), at(0)).is_ok());
    }
}
