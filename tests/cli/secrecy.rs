//! Nothing that leaves the program holds a value: no report in any form, no log at any level, no error, no file that it writes.

use std::io::{Read, Write};

use base64::Engine;
use serde_json::json;

use crate::{
    reports::FORMATS,
    support::{
        image::{Changeset, Image, Stored},
        imgscan::Imgscan,
        report::findings,
        samples::{Random, github_token},
    },
};

const PASSWORD: &str = "Mirabelle7Kompott";

/// A key of nobody's that no rule knows by itself.
fn unknown() -> String {
    format!("{}7q", Random::new(41).base62(20))
}

/// Tokens 0 to 19, each in a place of its own, and a weak password in several.
fn image() -> Image {
    let token = |seed: u64| github_token(1000 + seed);
    let files = Changeset::new()
        .file("app/.env", format!("GITHUB_TOKEN={}\nDB_PASSWORD={PASSWORD}\n", token(0)))
        .file(&format!("app/{}.txt", token(1)), "x")
        .symlink("app/link", &format!("/run/{}", token(2)))
        .hard_link(&format!("app/{}", token(3)), "app/.env")
        .attribute("app/attribute", "user.token", &token(4))
        // Cut off, so that a gap names the path.
        .file(&format!("app/{}.zip", token(5)), b"PK\x03\x04\x14\0\0\0\x08\0broken")
        .file("app/same.env", format!("URL=amqp://{0}:{0}@mq.example.com\n", unknown()))
        .file("app/keys.yml", format!("api_keys:\n  {}:\n    secret: {PASSWORD}\n", unknown()))
        .file("app/cells.csv", format!("pin,password\n{},{PASSWORD}\n", unknown()))
        .file("app/url.yml", format!("database: postgres://app:{PASSWORD}@db.example.com/app\n"))
        .file("app/encoded.txt", base64::engine::general_purpose::STANDARD.encode(format!("GITHUB_TOKEN={}\n", token(6))));
    let broken = Changeset::new().file(&format!("srv/{}", token(7)), vec![b'x'; 5000]).tar();
    let image = Image::new()
        .layer(
            &format!(
                "RUN |1 TOKEN={} /bin/sh -c curl -u app:{PASSWORD} https://acme.example && cargo login {} # buildkit",
                token(8),
                unknown()
            ),
            files,
        )
        .layer_as(&format!("COPY {} /srv # buildkit", token(9)), broken[..2000].to_vec(), Stored::Plain)
        .env(&format!("GITHUB_TOKEN={}", token(10)))
        .bare_env(&format!("DB_PASSWORD={PASSWORD}"))
        .label("org.example.token", &token(11))
        .cmd(&["app", "--token", &token(12)])
        .entrypoint(&["sh", "-c", &format!("GITHUB_TOKEN={} exec app", token(13))])
        .history(&format!("ENV GITHUB_TOKEN={}", token(14)))
        .annotation("org.example.annotation", &token(15))
        .attestation("https://slsa.dev/provenance/v0.2", json!({"invocation": {"parameters": {"args": {"build-arg:T": token(16)}}}}));
    image.layer_annotation(&token(17), &token(18)).media_type(&format!("application/{}", token(19)))
}

/// The arguments that write a report in every format.
fn all_reports() -> impl Iterator<Item = String> {
    FORMATS.into_iter().flat_map(|format| ["-o".to_owned(), format!("{format}=report.{format}")])
}

/// Fails where a text has a value, or enough of one, in plain or encoded.
#[track_caller]
fn hides(what: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let base64 = |value: &str| {
        let coded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(value);
        coded[..coded.len() - 2].to_owned()
    };
    for seed in 1000..1020 {
        let token = github_token(seed);
        for part in [&token[12..24], &token[28..], &base64(&token), &data_encoding::HEXLOWER.encode(token.as_bytes())] {
            assert!(!text.contains(part), "{what} has a part of token {}", seed - 1000);
        }
    }
    assert!(!text.contains(&unknown()), "{what} has the key that no rule knows");
    for part in [PASSWORD, &PASSWORD[5..], &base64(PASSWORD), &data_encoding::HEXLOWER.encode(PASSWORD.as_bytes())] {
        assert!(!text.contains(part), "{what} has a part of the password");
    }
}

/// Runs, and looks at everything that comes out; `inputs` are the files that the test wrote. Gives standard output.
#[track_caller]
fn run(imgscan: Imgscan, inputs: &[&str]) -> String {
    let (outcome, files) = imgscan.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").run_and_read_all();
    assert!((0..4).contains(&outcome.code), "{}", outcome.stderr);
    hides("standard output", outcome.stdout.as_bytes());
    hides("standard error", outcome.stderr.as_bytes());
    for (name, content) in files.iter().filter(|(name, _)| !inputs.contains(&name.as_str())) {
        hides(name, name.as_bytes());
        hides(name, content);
    }
    outcome.stdout
}

#[test]
fn reports_logs_and_cache_of_an_image() {
    let archive = image().build().oci_archive("a");
    let room = || Imgscan::new().file("a.tar", &archive).file("key", [7; 32]);
    for options in [&[][..], &["--fingerprint-key", "key", "--min-confidence", "low", "--show-refuted", "--show-public"]] {
        let report = run(room().args(["-vvv", "--progress", "plain"]).args(options).args(all_reports()).arg("a.tar"), &["a.tar", "key"]);
        assert!(report.contains("ghp_"), "redacted forms are there");
    }
    // One pass, another way through the code, and the form without digests.
    run(Imgscan::new().args(["-vvv", "--format", "json", "-"]).input(Stored::Gzip.store(&archive)), &[]);
    run(Imgscan::new().args(["-vvv", "--format", "json", "-"]).input(image().docker_archive_old("a:1")), &[]);
}

#[test]
fn baselines_explanations_and_fingerprints() {
    let archive = image().build().oci_archive("a");
    let room = || Imgscan::new().file("a.tar", &archive);
    run(room().args(["-vvv", "baseline", "create", "-o", "known.json", "--min-confidence", "low", "a.tar"]), &["a.tar"]);
    let report = run(room().args(["--format", "json", "a.tar"]), &["a.tar"]);
    let known: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    for finding in findings(&known).iter().take(2) {
        let id = finding["fingerprint"].as_str().expect("a fingerprint");
        run(Imgscan::new().file("report.json", &report).args(["-vvv", "explain", id, "--report", "report.json"]), &["report.json"]);
    }
    let values = format!("{}\n{PASSWORD}\n", github_token(1000));
    run(Imgscan::new().args(["-vvv", "fingerprint"]).input(values), &[]);
}

#[test]
fn directories_manifests_and_errors() {
    let token = github_token(1000);
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n  - name: app\n    image: app\n    env:\n    - {{name: GITHUB_TOKEN, value: {token}}}\n    - {{name: DB_PASSWORD, value: {PASSWORD}}}\n"
    );
    // What is not YAML any more, at the very line.
    let broken = format!("{pod}    - {{name: T, value: \"{token}\n  - ]{PASSWORD}: [\n");
    run(Imgscan::new().file("a/.env", &pod).args(["-vvv", "dir:a"]).args(all_reports()), &["a/.env"]);
    // In the names of files that cannot be read, which a report must name.
    let (encrypted, store) = (format!("a/{token}.zip"), format!("a/{token}/x.p12"));
    let mut archive = b"PK\x03\x04\x14\0\x01\0\x08\0".to_vec();
    archive.extend([&[0; 16][..], b"\x05\0\0\0a.txt", &[7; 24]].concat());
    let tree = Imgscan::new().file(&encrypted, archive).file(&store, b"\x30\x82\x01\x00\x02\x01\x03\x30\x80");
    run(tree.args(["-vvv", "dir:a"]).args(all_reports()), &[&encrypted, &store]);
    for manifest in [&pod, &broken] {
        run(Imgscan::new().file("a.yaml", manifest).args(["-vvv", "k8s", "a.yaml"]).args(all_reports()), &["a.yaml"]);
    }
    // Files of settings into which somebody has pasted a credential.
    for (name, text, args) in [
        ("imgscan.toml", format!("fail-on = \"{token}\"\n"), &["dir:."][..]),
        ("imgscan.toml", format!("platform = {token}\n"), &["dir:."]),
        ("imgscan.toml", format!("[[ignore]]\nfingerprint = \"{token}\"\nreason = \"x\"\n"), &["dir:."]),
        ("policy.yaml", format!("mode: {token}\n"), &["k8s", "--policy", "policy.yaml", "."]),
        ("policy.yaml", format!("{PASSWORD}: [{token}\n"), &["k8s", "--policy", "policy.yaml", "."]),
        ("rules.toml", format!("provider = [\"{token}\"]\n"), &["--rules", "rules.toml", "dir:."]),
        ("known.json", format!("{{\"version\": \"{token}\"}}"), &["--baseline", "known.json", "dir:."]),
        ("ca.pem", token.clone(), &["--ca-cert", "ca.pem", "127.0.0.1:1/app"]),
        ("key", PASSWORD.to_owned(), &["--fingerprint-key", "key", "dir:."]),
        ("report.json", format!("{{\"images\": \"{token}\"}}"), &["explain", "0123456789", "--report", "report.json"]),
        ("a.tar", token.clone(), &["a.tar"]),
        ("x/index.json", format!("{{\"manifests\": \"{token}\"}}"), &["oci:x"]),
        ("x/index.json", format!("{{\"manifests\": [{{\"digest\": \"{token}\", \"mediaType\": \"{token}\"}}]}}"), &["oci:x"]),
    ] {
        run(Imgscan::new().file(name, text).arg("-vvv").args(args), &[name]);
    }
    for (name, value) in [("DOCKER_HOST", format!("ssh://app:{PASSWORD}@host")), ("DOCKER_HOST", format!("tcp://app:{PASSWORD}@host"))] {
        run(Imgscan::new().env(name, value).args(["-vvv", "docker:app:1"]), &[]);
    }
}

/// A registry that repeats what it must not, in the body and the header of an error.
#[test]
fn what_a_registry_says_and_whoever_names_it() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let host = listener.local_addr().expect("bound").to_string();
    let token = github_token(1000);
    let said = token.clone();
    let statuses = ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "200 OK"];
    let server = std::thread::spawn(move || {
        // Ends with the connection that the test makes last.
        for (number, connection) in listener.incoming().enumerate() {
            let mut connection = connection.expect("a connection");
            let mut buffer = [0; 8192];
            let count = connection.read(&mut buffer).expect("a request");
            if buffer[..count].starts_with(b"end") {
                break;
            }
            let body = format!(r#"{{"errors": [{{"code": "UNKNOWN {said}", "message": "no {said}", "detail": "{PASSWORD}"}}]}}"#);
            let head = format!(
                "HTTP/1.1 {}\r\nWWW-Authenticate: Bearer realm=\"http://127.0.0.1:1/{said}\",service=\"{said}\"\r\nContent-Type: {said}/x\r\n\
                 Docker-Content-Digest: sha256:{said}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                statuses[number % statuses.len()],
                body.len()
            );
            let _ = connection.write_all(format!("{head}{body}").as_bytes());
        }
    });
    for _ in 0..statuses.len() {
        run(Imgscan::new().args(["-vvv", "--insecure", &format!("{host}/app:1")]), &[]);
    }
    std::net::TcpStream::connect(&host).and_then(|mut end| end.write_all(b"end")).expect("it listens");
    server.join().expect("no panic");
    for reference in [
        format!("https://app:{PASSWORD}@registry.invalid/app:1"),
        format!("app:{PASSWORD}@127.0.0.1:1/app:1"),
        format!("docker://app:{PASSWORD}@127.0.0.1:1/app"),
        format!("registry:{token}@127.0.0.1:1/app"),
    ] {
        run(Imgscan::new().args(["-vvv", "--insecure", &reference]), &[]);
    }
}
