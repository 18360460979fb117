//! Proofs that need more than one file of an image.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::support::{
    image::{Changeset, Image},
    imgscan::Imgscan,
    report::{findings, places},
};

/// Runs openssl in a folder; `None`, loudly, where there is none.
#[expect(clippy::print_stdout, reason = "says why the test did nothing")]
fn openssl(folder: &Path, arguments: &str) -> Option<()> {
    match Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output() {
        Ok(output) => {
            assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
            Some(())
        }
        Err(error) => {
            println!("skipped: openssl: {error}");
            None
        }
    }
}

fn scan(image: &Image) -> Value {
    Imgscan::new().args(["--format", "json", "-"]).input(image.docker_archive("app:v1")).run().exits(1).json()
}

fn at<'f>(report: &'f Value, path: &str) -> &'f Value {
    let found = findings(report).iter().find(|finding| places(finding).any(|place| place["location"]["path"] == path));
    found.unwrap_or_else(|| panic!("nothing at {path}: {report:#}"))
}

fn says(finding: &Value, what: &str) -> bool {
    finding["evidence"].as_array().expect("a list").iter().any(|text| text.as_str().expect("a text").contains(what))
}

#[test]
fn a_key_names_the_hosts_of_its_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &str| openssl(folder.path(), arguments);
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("just made");
    // Each in another form: PKCS#8, PKCS#1, SEC 1, Ed25519, DER; the certificate in another layer than the key.
    let made = [
        ("rsa8", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa8.key"),
        ("rsa1", "genrsa -traditional -out rsa1.key 2048"),
        ("sec1", "ecparam -name secp384r1 -genkey -noout -out sec1.key"),
        ("ed", "genpkey -algorithm ED25519 -out ed.key"),
        ("bare", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER -out bare.key"),
    ];
    let (mut keys, mut certificates) = (Changeset::new(), Changeset::new());
    for (name, command) in made {
        let form = if name == "bare" { " -keyform DER -outform DER" } else { "" };
        let sign = format!(
            "req -x509 -key {name}.key{form} -subj /CN={name} -addext subjectAltName=DNS:{name}.example.com -days 900 -out {name}.crt"
        );
        if run(command).and_then(|()| run(&sign)).is_none() {
            return;
        }
        keys = keys.file(&format!("etc/tls/{name}.key"), read(&format!("{name}.key")));
        certificates = certificates.file(&format!("srv/certs/{name}.crt"), read(&format!("{name}.crt")));
    }
    run("genpkey -algorithm ED25519 -out lonely.key");
    let keys = keys.file("etc/tls/lonely.key", read("lonely.key"));
    let image = Image::new().layer("COPY keys /etc/tls", keys).layer("COPY certs /srv", certificates);
    let report = scan(&image);
    for (name, _) in made {
        let finding = at(&report, &format!("etc/tls/{name}.key"));
        assert!(says(finding, &format!("{name}.example.com (srv/certs/{name}.crt), valid until 20")), "{finding:#}");
        assert_eq!(finding["severity"], "critical");
    }
    assert!(!says(at(&report, "etc/tls/lonely.key"), "certificate"));
}

#[test]
fn an_expired_certificate_lowers_severity_until_a_newer_one_is_there() {
    let pair = rcgen::KeyPair::generate().expect("generates");
    let certificate = |year| {
        let mut params = rcgen::CertificateParams::new(vec!["shop.example.com".to_owned()]).expect("names");
        params.not_before = rcgen::date_time_ymd(2015, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        params.self_signed(&pair).expect("signs").pem()
    };
    let secret = |certificate: &str| {
        let encode = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
        let (key, certificate) = (encode(&pair.serialize_pem()), encode(certificate));
        format!(
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata:\n  name: tls\ndata:\n  tls.crt: {certificate}\n  tls.key: {key}\n"
        )
    };
    let old = Image::new().layer("COPY . /app", Changeset::new().file("app/tls.yaml", secret(&certificate(2020))));
    let report = scan(&old);
    let finding = at(&report, "app/tls.yaml");
    assert!(says(finding, "certificate for shop.example.com (app/tls.yaml), expired on 2020-01-01"), "{finding:#}");
    assert_eq!(finding["severity"], "medium");
    let renewed = old.layer("COPY new /app", Changeset::new().file("app/new.pem", certificate(2199)));
    let report = scan(&renewed);
    let finding = at(&report, "app/tls.yaml");
    assert!(says(finding, "(app/new.pem), valid until 2199-01-01"), "{finding:#}");
    assert_eq!(finding["severity"], "critical");
}

#[test]
fn an_obscured_password_is_one_finding_with_the_same_in_the_open() {
    let password = "Tr0ub4dor&3-horse";
    let phrase = b"sdf@!#$verf^wv%6Fwe%$$#FFGwfsdefwfe135s$^H)dg";
    let hidden: Vec<u8> = password.bytes().chain([0, 0x81]).zip(phrase).map(|(a, b)| a ^ b).collect();
    let hidden = data_encoding::BASE64.encode(&hidden);
    let file =
        format!("<data-sources><data-source><connection host=\"db\" user=\"joe\" password=\"{hidden}\"/></data-source></data-sources>");
    let changeset = Changeset::new().file("root/.dbeaver-data-sources.xml", file).file("app/.env", format!("DB_PASSWORD={password}\n"));
    let report = scan(&Image::new().layer("COPY . /", changeset));
    let finding = at(&report, "app/.env");
    assert_eq!(finding, at(&report, "root/.dbeaver-data-sources.xml"), "one secret, one finding");
    assert!(!report.to_string().contains(&hidden), "what is hidden is not shown either");
}
