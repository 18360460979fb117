//! The serving certificate, swapped while serving.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use arc_swap::ArcSwapOption;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

use crate::state::State;

/// The configuration that new connections get. `None` until there is a certificate: they are refused then.
pub type Current = Arc<ArcSwapOption<ServerConfig>>;

/// Makes a configuration. With `client_ca` (PEM), only clients with a certificate of it are served.
///
/// # Errors
/// When the key does not fit, or the CA file holds no certificate.
pub fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>, client_ca: Option<&[u8]>) -> Result<ServerConfig> {
    let builder = ServerConfig::builder();
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate.context("the client CA is no PEM certificate")?)?;
            }
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build()?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).context("the key does not fit the certificate")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The end of the first certificate of a PEM chain, in seconds since 1970.
fn expiry(chain: &[u8]) -> Option<i64> {
    let first = CertificateDer::pem_slice_iter(chain).next()?.ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&first).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// Reads a certificate or key; no such file has more than 1 MiB.
///
/// # Errors
/// When the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let file = std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut bytes = Vec::new();
    file.take(1 << 20).read_to_end(&mut bytes).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(bytes)
}

/// Certificate and key in files, as cert-manager or a mounted Secret leaves them.
#[derive(Clone)]
pub struct Files {
    /// PEM chain, leaf first.
    pub certificate: PathBuf,
    /// PEM key.
    pub key: PathBuf,
    /// PEM bundle of the clients' CA.
    pub client_ca: Option<PathBuf>,
}

impl Files {
    fn read(&self) -> Result<Vec<Vec<u8>>> {
        [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()].into_iter().flatten().map(|path| read(path)).collect()
    }

    /// Reads the files once.
    ///
    /// # Errors
    /// When one is missing or makes no certificate.
    pub fn load(&self) -> Result<ServerConfig> {
        Self::build(&self.read()?)
    }

    fn build(contents: &[Vec<u8>]) -> Result<ServerConfig> {
        let [certificate, key, rest @ ..] = contents else { anyhow::bail!("a certificate and a key are needed") };
        let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>().context("the certificate is no PEM")?;
        let key = PrivateKeyDer::from_pem_slice(key).context("the key is no PEM")?;
        config(chain, key, rest.first().map(Vec::as_slice))
    }

    /// Follows changes for ever. The contents are compared, not times: a Secret's volume is swapped by a symlink, which
    /// leaves no event on the files. What cannot be loaded leaves the old certificate in use.
    pub async fn follow(self, current: Current, state: Arc<State>, every: Duration) {
        let mut known: Option<Vec<Vec<u8>>> = None;
        loop {
            let files = self.clone();
            let contents = tokio::task::spawn_blocking(move || files.read()).await;
            match contents {
                Ok(Ok(contents)) if known.as_ref() == Some(&contents) => {}
                Ok(Ok(contents)) => {
                    match Self::build(&contents) {
                        Ok(config) => {
                            current.store(Some(Arc::new(config)));
                            let end = contents.first().and_then(|chain| expiry(chain));
                            state.metrics.certificate_expiry.set(end.unwrap_or_default());
                            state.metrics.certificate_reads.inc();
                            state.ready.certificate.store(true, Ordering::Release);
                            tracing::info!("certificate loaded");
                        }
                        Err(error) => {
                            state.metrics.certificate_errors.inc();
                            tracing::error!(error = format!("{error:#}"), "certificate not loaded");
                        }
                    }
                    known = Some(contents);
                }
                Ok(Err(error)) => {
                    state.metrics.certificate_errors.inc();
                    tracing::error!(error = format!("{error:#}"), "certificate not read");
                }
                Err(_) => {}
            }
            tokio::time::sleep(every).await;
        }
    }
}
