//! `--ca-cert`: certificate authorities beside the system's, and a registry's own certificate.
//!
//! What docker's and distribution's guides tell people to make (`openssl req -x509`) is one certificate that is its own authority.
//! WebPKI refuses an authority as a server's certificate; Go and with it docker accept it. So one that was given byte for byte is
//! trusted for the names in it while it is valid, and its signature of the handshake is checked as always.

use std::{io::Read, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

/// Bytes of a file of certificate authorities.
const FILE: u64 = 16 << 20;

/// A TLS configuration that trusts what is in the PEM file `path` as well.
///
/// # Errors
/// A sentence that says why the file cannot be used.
pub(super) fn with_authorities(path: &Path) -> Result<ClientConfig, String> {
    let wrong = |why: &str| format!("{} cannot be used as certificate authorities: {why}", path.display());
    let mut pem = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(FILE).read_to_end(&mut pem));
    read.map_err(|error| wrong(&error.to_string()))?;
    let given: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let given = given.map_err(|_| wrong("it is not PEM"))?;
    if given.is_empty() {
        return Err(wrong("it holds no certificate"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner = Verifier::new_with_extra_roots(given.clone(), Arc::clone(&provider)).map_err(|error| wrong(&error.to_string()))?;
    let verifier = WithGiven { inner, given, provider: Arc::clone(&provider) };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The system's verifier, and certificates that are trusted as they are.
#[derive(Debug)]
struct WithGiven {
    inner: Verifier,
    given: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for WithGiven {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let refused = match self.inner.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Ok(verified) => return Ok(verified),
            Err(error) => error,
        };
        if !self.given.iter().any(|given| given.as_ref() == certificate.as_ref()) {
            return Err(refused);
        }
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|_| Error::from(CertificateError::BadEncoding))?;
        let (from, to) = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now < from {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > to {
            return Err(CertificateError::Expired.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn verifier(given: &CertificateDer<'static>) -> WithGiven {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let inner = Verifier::new_with_extra_roots([given.clone()], Arc::clone(&provider)).expect("a verifier");
        WithGiven { inner, given: vec![given.clone()], provider }
    }

    #[test]
    fn a_given_certificate_is_trusted_for_its_names_and_time() {
        let authority = |name: &str| {
            let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
            parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
            parameters.not_after = rcgen::date_time_ymd(2040, 1, 1);
            parameters.self_signed(&rcgen::KeyPair::generate().expect("a key")).expect("a certificate").der().clone()
        };
        let (given, other) = (authority("localhost"), authority("localhost"));
        let verifier = verifier(&given);
        let verify = |certificate: &CertificateDer<'_>, name: &'static str, seconds: u64| {
            let name = ServerName::try_from(name).expect("a name");
            verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
        };
        let (in_2030, in_2010, in_2050) = (1_900_000_000, 1_270_000_000, 2_530_000_000);
        assert!(verify(&given, "localhost", in_2030).is_ok());
        assert!(verify(&given, "other", in_2030).is_err(), "another name");
        assert!(verify(&given, "localhost", in_2010).is_err() && verify(&given, "localhost", in_2050).is_err(), "another time");
        assert!(verify(&other, "localhost", in_2030).is_err(), "another certificate");
    }
}
