//! A certificate authority that is made at run time.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// A CA: its certificate in PEM, and what it signs with.
pub(crate) fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new(Vec::<String>::new()).expect("parameters");
    ca.distinguished_name.push(DnType::CommonName, name);
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = ca.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::from_ca_cert_pem(&pem, key).expect("an issuer");
    (pem, issuer)
}
