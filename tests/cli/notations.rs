//! One credential in many notations: it is found in each, and it is one finding, whose value is the credential and nothing else.

use base64::Engine;

use crate::support::{
    image::{Changeset, Image},
    report::{findings, scan},
    samples::{Random, github_token},
};

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// Paths of all places of the only finding.
fn places(files: &[(&str, String)]) -> Vec<String> {
    let files = files.iter().fold(Changeset::new(), |files, (path, text)| files.file(path, text.clone()));
    let report = scan(&Image::new().layer("COPY . /", files), "medium").exits(1).json();
    let [finding] = findings(&report) else { panic!("one credential is one finding: {:#}", report["images"][0]["findings"]) };
    let others = finding["also_at"].as_array().into_iter().flatten();
    let mut paths: Vec<_> =
        std::iter::once(finding).chain(others).map(|place| place["location"]["path"].as_str().expect("a path").to_owned()).collect();
    paths.sort();
    paths.dedup();
    paths
}

#[track_caller]
fn found_in_each(files: &[(&str, String)]) {
    let mut expected: Vec<_> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
    expected.sort();
    assert_eq!(places(files), expected);
}

#[test]
fn quotes_anchors_tags_and_what_follows_are_no_part_of_it() {
    let password = format!("{}7aQ", Random::new(5).base62(15));
    found_in_each(&[
        ("a/.env", format!("DB_PASSWORD={password}\n")),
        ("b/compose.yml", format!("environment:\n  - \"DB_PASSWORD={password}\"\n")),
        ("c/compose.yml", format!("environment:\n  - 'DB_PASSWORD={password}'\n")),
        ("d/anchor.yml", format!("password: &pw {password}\n")),
        ("e/tag.yml", format!("password: !!str {password}\n")),
        ("f/.travis.yml", format!("env:\n  - DB_PASSWORD={password} OTHER=1\n")),
        ("g/ci.yml", format!("run: |\n  DB_PASSWORD={password} ./build\n")),
        ("h/netrc.sh", format!("#!/bin/sh\necho \"machine h.acme.io login u password {password}\" > ~/.netrc\n")),
    ]);
}

#[test]
fn what_is_decoded_is_the_credential() {
    let password = format!("{}7aQ", Random::new(6).base62(15));
    let (pair, coded) = (base64(&format!("u:{password}")), base64(&password));
    let auths = format!("{{\"auths\": {{\"r.acme.io\": {{\"auth\": \"{pair}\"}}}}}}\n");
    let applied = format!(r#"{{"apiVersion":"v1","data":{{"password":"{coded}"}},"kind":"Secret","metadata":{{"name":"x"}}}}"#);
    found_in_each(&[
        ("a/.env", format!("DB_PASSWORD={password}\n")),
        ("b/.npmrc", format!("//r.acme.io/:_password={coded}\n")),
        ("c/.npmrc", format!("//r.acme.io/:_auth={pair}\n")),
        ("d/.yarnrc.yml", format!("npmAuthIdent: \"{pair}\"\n")),
        ("e/get.sh", format!("#!/bin/sh\ncurl -H \"Authorization: Basic {pair}\" https://r.acme.io\n")),
        ("f/.docker/config.json", auths.clone()),
        ("g/containers/0/auth.json", auths),
        (
            "h/sitemanager.xml",
            format!(
                "<FileZilla3><Servers><Server><Host>h</Host><User>u</User><Pass encoding=\"base64\">{coded}</Pass></Server></Servers></FileZilla3>\n"
            ),
        ),
        (
            "i/secret.yaml",
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {applied}\ndata:\n  password: {coded}\n"
            ),
        ),
    ]);
}

/// `base64 FILE` and `xxd -p FILE` break lines wherever a literal stands.
#[test]
fn lines_of_base64_and_hex_are_decoded_together() {
    let token = github_token(77);
    let broken = |coded: &str, width: usize| {
        let lines: Vec<_> = coded.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
        lines.join("\n") + "\n"
    };
    let text = |pad: usize| format!("# settings\nAPP={}\nexport GITHUB_TOKEN={token}\nMODE=on\n", "w".repeat(pad));
    let hex: String = text(3).bytes().map(|byte| format!("{byte:02x}")).collect();
    found_in_each(&[
        ("a/env.b64", broken(&base64(&text(0)), 76)),
        ("b/env.b64", broken(&base64(&text(8)), 76)),
        ("c/env.b64", broken(&base64(&text(17)), 64)),
        ("d/env.py", format!("DATA = \"\"\"\n{}\"\"\"\n", broken(&base64(&text(5)), 76))),
        ("e/env.hex", broken(&hex, 60)),
    ]);
}
