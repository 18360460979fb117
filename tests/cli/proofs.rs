//! Proofs that need more than one file of an image.

use std::{path::Path, process::Command};

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use imgscan::detect::samples::fill;
use serde_json::Value;
use sha2::Digest;

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

/// What Jenkins writes: `hudson.util.Secret` encrypted under the digest of `master.key`, a value under the former's first 16 bytes.
fn jenkins(master: &str, value: &str) -> (Vec<u8>, String) {
    let payload: Vec<u8> = (0..=255).map(|n: u8| n.wrapping_mul(73) ^ 0x5a).collect();
    let stored = ecb(&sha2::Sha256::digest(master)[..16], &[&payload[..], b"::::MAGIC::::"].concat());
    let (vector, mut before, mut data) = ([0x33; 16], [0x33; 16], Vec::new());
    for block in padded(value.as_bytes()).chunks(16) {
        let mut mixed: [u8; 16] = std::array::from_fn(|at| block[at] ^ before[at]);
        encrypt::<aes::Aes128>(&payload[..16], &mut mixed);
        data.extend(mixed);
        before = mixed;
    }
    let sealed = [&[1, 0, 0, 0, 16, 0, 0, 0, data.len() as u8][..], &vector, &data].concat();
    (stored, format!("{{{}}}", data_encoding::BASE64.encode(&sealed)))
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let count = 16 - bytes.len() % 16;
    [bytes, &vec![count as u8; count]].concat()
}

fn encrypt<C: BlockCipherEncrypt + KeyInit>(key: &[u8], block: &mut [u8; 16]) {
    let mut whole = aes::cipher::Block::<C>::try_from(&block[..]).expect("16 bytes");
    C::new_from_slice(key).expect("a key").encrypt_block(&mut whole);
    block.copy_from_slice(&whole);
}

fn ecb(key: &[u8], plain: &[u8]) -> Vec<u8> {
    let blocks = padded(plain);
    blocks
        .chunks(16)
        .flat_map(|chunk| {
            let mut block: [u8; 16] = chunk.try_into().expect("16 bytes");
            encrypt::<aes::Aes128>(key, &mut block);
            block
        })
        .collect()
}

#[test]
fn what_jenkins_encrypts_is_a_credential_where_its_keys_are_there() {
    let (password, master) = (fill("{alnum:24}", 1), fill("{hex:256}", 2));
    let (stored, sealed) = jenkins(&master, &password);
    let credentials = format!(
        "<com.cloudbees.plugins.credentials.impl.UsernamePasswordCredentialsImpl>\n  <id>deploy</id>\n  <username>bot</username>\n  \
         <password>{sealed}</password>\n</com.cloudbees.plugins.credentials.impl.UsernamePasswordCredentialsImpl>\n"
    );
    let homes = Changeset::new()
        .file("var/jenkins_home/credentials.xml", &credentials)
        .file("var/jenkins_home/jobs/a/config.xml", format!("<project><authToken>{sealed}</authToken></project>\n"));
    let image = Image::new().layer("COPY home /var/jenkins_home", homes);
    let keyless = Imgscan::new().args(["--format", "json", "-"]).input(image.docker_archive("app:v1")).run().exits(0).json();
    assert_eq!((findings(&keyless).len(), &keyless["images"][0]["suppressed"]["refuted"]), (0, &Value::from(1)), "{keyless:#}");
    // The keys come with another layer, the password in the open with a third.
    let keys = Changeset::new()
        .file("var/jenkins_home/secrets/master.key", format!("{master}\n"))
        .file("var/jenkins_home/secrets/hudson.util.Secret", &stored);
    let with = image.layer("COPY secrets /", keys);
    let report = scan(&with);
    let finding = at(&report, "var/jenkins_home/credentials.xml");
    assert_eq!(finding, at(&report, "var/jenkins_home/jobs/a/config.xml"), "one secret, one finding");
    assert!(says(finding, "opened with the key in var/jenkins_home/secrets/master.key") && says(finding, "id deploy"), "{finding:#}");
    assert_eq!((&finding["rule"], &finding["severity"]), (&Value::from("jenkins-credential"), &Value::from("high")));
    let text = report.to_string();
    assert!(!text.contains(&password) && !text.contains(&sealed[1..40]), "neither is shown");
    let open = with.layer("RUN x", Changeset::new().file("app/.env", format!("DB_PASSWORD={password}\n")));
    let report = scan(&open);
    assert_eq!(at(&report, "app/.env"), at(&report, "var/jenkins_home/credentials.xml"), "the same as in the open");
    // Another Jenkins' keys open nothing.
    let (other, _) = jenkins(&fill("{hex:256}", 3), "x");
    let keys = Changeset::new()
        .file("var/jenkins_home/credentials.xml", credentials)
        .file("var/jenkins_home/secrets/master.key", &master)
        .file("var/jenkins_home/secrets/hudson.util.Secret", other);
    let report = scan(&Image::new().layer("COPY . /", keys));
    assert!(findings(&report).iter().all(|finding| finding["rule"] == "jenkins-master-key"), "{report:#}");
}

/// Ansible's format 1.1: a key, a key for the proof and a counter from the password by PBKDF2.
fn vault(password: &str, plain: &str) -> String {
    let salt = [0x44; 32];
    let mut keys = Vec::new();
    for block in 1..=3u32 {
        let mac = |text: &[u8]| {
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(password.as_bytes()).expect("any length");
            mac.update(text);
            mac.finalize().into_bytes().to_vec()
        };
        let mut value = mac(&[&salt[..], &block.to_be_bytes()].concat());
        let mut sum = value.clone();
        for _ in 1..10_000 {
            value = mac(&value);
            sum.iter_mut().zip(&value).for_each(|(sum, byte)| *sum ^= byte);
        }
        keys.extend(sum);
    }
    let mut counter = u128::from_be_bytes(keys[64..80].try_into().expect("16 bytes"));
    let mut data = Vec::new();
    for chunk in padded(plain.as_bytes()).chunks(16) {
        let mut stream = counter.to_be_bytes();
        encrypt::<aes::Aes256>(&keys[..32], &mut stream);
        data.extend(chunk.iter().zip(stream).map(|(a, b)| a ^ b));
        counter = counter.wrapping_add(1);
    }
    let mut proof = Hmac::<sha2::Sha256>::new_from_slice(&keys[32..64]).expect("any length");
    proof.update(&data);
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let inner = hex(format!("{}\n{}\n{}", hex(&salt), hex(&proof.finalize().into_bytes()), hex(&data)).as_bytes());
    let lines: Vec<&str> = inner.as_bytes().chunks(80).map(|line| std::str::from_utf8(line).expect("digits")).collect();
    format!("$ANSIBLE_VAULT;1.1;AES256\n{}\n", lines.join("\n"))
}

#[test]
fn a_vault_is_a_credential_where_its_password_is_there() {
    let (password, token) = (fill("{alnum:20}", 4), fill("{alnum:40}", 5));
    let whole = vault(&password, &format!("---\ndb_password: {token}\n"));
    let value = vault(&password, &token).trim_end().replace('\n', "\n  ");
    let files = Changeset::new()
        .file("ansible/group_vars/all/vault.yml", &whole)
        .file("ansible/site.yml", format!("vars:\n- api_token: !vault |\n  {value}\n  name: x\n"));
    let image = Image::new().layer("COPY ansible /ansible", files);
    let keyless = Imgscan::new().args(["--format", "json", "-"]).input(image.docker_archive("app:v1")).run().exits(0).json();
    assert_eq!((findings(&keyless).len(), &keyless["images"][0]["suppressed"]["refuted"]), (0, &Value::from(2)), "{keyless:#}");
    let wrong = Changeset::new().file("root/.vault_pass_other", "not the one\n").file("root/.vault_pass", format!("{password}\n"));
    let report = scan(&image.layer("RUN x", wrong));
    for path in ["ansible/group_vars/all/vault.yml", "ansible/site.yml"] {
        let finding = at(&report, path);
        assert!(says(finding, "opened with the key in root/.vault_pass of the same image"), "{finding:#}");
        assert_eq!(finding["rule"], "ansible-vault-content");
    }
    let id = Imgscan::new().arg("fingerprint").input(token.as_str()).run().exits(0).stdout;
    assert_eq!(at(&report, "ansible/site.yml")["fingerprint"], id.trim_end(), "the value's own id");
    assert!(!report.to_string().contains(&token), "what was opened is not shown");
}
