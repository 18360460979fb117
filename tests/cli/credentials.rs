//! Credentials of registries: found where docker and podman keep them, sent where they belong, shown nowhere.

use base64::Engine;

use crate::{
    sources::sample,
    support::{
        image::{Changeset, Image},
        imgscan::{Imgscan, Outcome},
        registry::{Auth, Faults, Registry},
        samples::Random,
    },
};

fn password() -> String {
    Random::new(11).base62(24)
}

fn basic_entry(user: &str, password: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
}

fn basic() -> Registry {
    Registry::with_auth(Auth::Basic("me".to_owned(), password()))
}

fn scan(registry: &Registry, prepare: impl FnOnce(Imgscan) -> Imgscan) -> Outcome {
    let target = registry.push("team/app", "v1", &sample().build());
    let outcome = prepare(Imgscan::new()).args(["-vvv", "--format", "json"]).arg(target).env("RUST_LOG", "trace").run();
    for text in [&outcome.stdout, &outcome.stderr] {
        let secrets = [password(), basic_entry("me", &password())];
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "a credential was printed");
    }
    outcome
}

/// The image has no findings, so that a scan of it exits 0.
fn pulled(outcome: Outcome) {
    let json = outcome.exits(0).json();
    assert_eq!(json["images"][0]["coverage"]["layers"], 3, "{json}");
}

#[test]
fn every_file_that_may_hold_them() {
    let registry = basic();
    let auths = format!(r#"{{"auths":{{"{}":{{"auth":"{}"}}}}}}"#, registry.host, basic_entry("me", &password()));
    pulled(scan(&registry, |imgscan| imgscan.file(".docker/config.json", &auths)));
    pulled(scan(&registry, |imgscan| imgscan.file(".config/containers/auth.json", &auths)));
    pulled(scan(&registry, |imgscan| {
        let folder = imgscan.home().join("elsewhere");
        imgscan.file("elsewhere/config.json", &auths).env("DOCKER_CONFIG", folder)
    }));
    pulled(scan(&registry, |imgscan| {
        let file = imgscan.home().join("auth.json");
        imgscan.file("auth.json", &auths).env("REGISTRY_AUTH_FILE", file)
    }));
    pulled(scan(&registry, |imgscan| {
        let folder = imgscan.home().join("run");
        imgscan.file("run/containers/auth.json", &auths).env("XDG_RUNTIME_DIR", folder)
    }));
}

#[cfg(unix)]
#[test]
fn a_helper_is_asked() {
    use std::os::unix::fs::PermissionsExt;

    let registry = basic();
    let answer = format!(r#"{{"ServerURL":"x","Username":"me","Secret":"{}"}}"#, password());
    let helper = |imgscan: Imgscan, config: String, script: String| {
        let imgscan = imgscan.file(".docker/config.json", config).file("bin/docker-credential-test", script);
        let bin = imgscan.home().join("bin");
        std::fs::set_permissions(bin.join("docker-credential-test"), std::fs::Permissions::from_mode(0o755)).expect("writable");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        imgscan.env("PATH", path)
    };
    let gives = format!("#!/bin/sh\nread server; test \"$1 $server\" = \"get {}\" || exit 1\necho '{answer}'\n", registry.host);
    let for_host = format!(r#"{{"credHelpers":{{"{}":"test"}}}}"#, registry.host);
    pulled(scan(&registry, |imgscan| helper(imgscan, for_host.clone(), gives.clone())));
    pulled(scan(&registry, |imgscan| helper(imgscan, r#"{"credsStore":"test","auths":{"x":{}}}"#.to_owned(), gives)));

    let fails = format!("#!/bin/sh\necho '{answer}'; echo '{answer}' >&2; exit 1\n");
    let outcome = scan(&registry, |imgscan| helper(imgscan, for_host, fails)).exits(2);
    assert!(outcome.stderr.contains("docker-credential-test failed"), "{}", outcome.stderr);
}

#[test]
fn tokens_for_users_and_for_refresh_tokens() {
    let registry = Registry::with_auth(Auth::Bearer(Some(("me".to_owned(), password()))));
    let auths = format!(r#"{{"auths":{{"{}":{{"username":"me","password":"{}"}}}}}}"#, registry.host, password());
    pulled(scan(&registry, |imgscan| imgscan.file(".docker/config.json", auths)));

    let registry = Registry::with_auth(Auth::Identity(password()));
    let auths = format!(r#"{{"auths":{{"{}":{{"identitytoken":"{}"}}}}}}"#, registry.host, password());
    pulled(scan(&registry, |imgscan| imgscan.file(".docker/config.json", auths)));
}

#[test]
fn without_the_right_ones_the_error_says_what_to_do() {
    let registry = basic();
    let outcome = scan(&registry, |imgscan| imgscan).exits(2);
    for expected in ["unauthorized for", "found no credentials", ".docker/config.json", &format!("run `docker login {}`", registry.host)] {
        assert!(outcome.stderr.contains(expected), "{expected} in {}", outcome.stderr);
    }
    let wrong = format!(r#"{{"auths":{{"{}":{{"auth":"{}"}}}}}}"#, registry.host, basic_entry("me", "wrong"));
    let outcome = scan(&registry, |imgscan| imgscan.file(".docker/config.json", wrong)).exits(2);
    assert!(outcome.stderr.contains("refused the credentials from"), "{}", outcome.stderr);
    let other = format!(r#"{{"auths":{{"localhost:1":{{"auth":"{}"}}}}}}"#, basic_entry("me", &password()));
    let outcome = scan(&registry, |imgscan| imgscan.file(".docker/config.json", other)).exits(2);
    assert!(outcome.stderr.contains("found no credentials"), "credentials of another registry are not sent: {}", outcome.stderr);
    assert!(registry.seen().iter().all(|seen| !seen.path.contains("token")));
}

#[test]
fn a_redirect_gets_neither_credentials_nor_a_line_in_an_error() {
    let storage = Registry::open(); // has nothing
    let faults = Faults { redirect: Some(format!("http://{}", storage.host)), ..Faults::default() };
    let registry = Registry::start(Auth::Basic("me".to_owned(), password()), faults, None);
    let auths = format!(r#"{{"auths":{{"{}":{{"auth":"{}"}}}}}}"#, registry.host, basic_entry("me", &password()));
    let outcome = scan(&registry, |imgscan| imgscan.file(".docker/config.json", auths)).exits(3);
    assert!(storage.seen().iter().all(|seen| seen.authorization.is_none()));
    assert!(!outcome.stdout.contains("X-Signature") && !outcome.stderr.contains("X-Signature"), "signed URLs are credentials");
}

#[test]
fn an_archive_on_standard_input() {
    let image = Image::new().layer("COPY", Changeset::new().file("hello", "world"));
    let json = Imgscan::new().args(["--format", "json", "-"]).input(image.docker_archive("app:v1")).run().exits(0).json();
    assert_eq!(json["images"][0]["coverage"]["layers"], 1);
    let outcome = Imgscan::new().args(["--format", "json", "-"]).run().exits(2);
    assert!(outcome.stderr.contains("is empty"), "{}", outcome.stderr);
}
