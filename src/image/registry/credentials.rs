//! Credentials of a registry, from where docker and podman keep them.
//!
//! Formats: docker's [`config.json`](https://docs.docker.com/reference/cli/docker/login/) and its
//! [credential helpers](https://github.com/docker/docker-credential-helpers), and
//! [containers-auth.json](https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md).

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use base64::Engine;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    Secret,
    image::{manifest::null_default, reference::Reference},
};

/// Bytes of a credentials file, and of a helper's answer.
const FILE: u64 = 4 << 20;
/// How long a helper may take: one may ask a person for a password.
const HELPER: Duration = Duration::from_secs(30);

/// How to prove who we are.
pub(crate) enum Credentials {
    /// Nothing was found.
    Anonymous,
    /// A user and a password or token.
    Basic {
        /// The user.
        user: Secret,
        /// The password.
        password: Secret,
    },
    /// An OAuth refresh token, changed for an access token.
    Identity(Secret),
    /// A bearer token, used as it is.
    Bearer(Secret),
}

/// Credentials and where they are from.
pub(crate) struct Found {
    pub(crate) credentials: Credentials,
    /// A file or helper where some were found, else where they were looked for; for messages.
    pub(crate) place: String,
    /// What went wrong on the way.
    pub(crate) problems: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default, deserialize_with = "null_default")]
    auths: BTreeMap<String, Auth>,
    #[serde(default, deserialize_with = "null_default")]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_default")]
    creds_store: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    #[serde(deserialize_with = "null_default")]
    auth: String,
    #[serde(deserialize_with = "null_default")]
    username: String,
    #[serde(deserialize_with = "null_default")]
    password: String,
    #[serde(deserialize_with = "null_default")]
    identitytoken: String,
    #[serde(deserialize_with = "null_default")]
    registrytoken: String,
}

/// Looks through the usual files; the first that has something for the registry counts.
pub(crate) fn find(reference: &Reference) -> Found {
    find_in(reference, &places(|name| std::env::var_os(name)))
}

fn find_in(reference: &Reference, places: &[PathBuf]) -> Found {
    let mut problems = Vec::new();
    for path in places {
        let file = match read(path) {
            Ok(Some(file)) => file,
            Ok(None) => continue,
            Err(why) => {
                problems.push(format!("{} {why}", path.display()));
                continue;
            }
        };
        match of_file(file, reference, &mut problems) {
            Some((credentials, None)) => return Found { credentials, place: path.display().to_string(), problems },
            Some((credentials, Some(helper))) => return Found { credentials, place: format!("docker-credential-{helper}"), problems },
            None => {}
        }
    }
    let place = places.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    Found { credentials: Credentials::Anonymous, place, problems }
}

/// Files in the order in which they are asked.
fn places(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("HOME");
    let docker = set("DOCKER_CONFIG").or_else(|| Some(home.as_ref()?.join(".docker")));
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    [
        set("REGISTRY_AUTH_FILE"),
        docker.map(|folder| folder.join("config.json")),
        set("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
        config.map(|folder| folder.join("containers/auth.json")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn read(path: &Path) -> Result<Option<File>, &'static str> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err("cannot be read"),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE).read_to_end(&mut bytes).map_err(|_| "cannot be read")?;
    serde_json::from_slice(&bytes).map(Some).map_err(|_| "is not valid JSON of docker's form")
}

fn of_file(mut file: File, reference: &Reference, problems: &mut Vec<String>) -> Option<(Credentials, Option<String>)> {
    let names = names(reference);
    for name in &names {
        if let Some(helper) = file.cred_helpers.get(name)
            && let Some(credentials) = ask(helper, reference, problems)
        {
            return Some((credentials, Some(helper.clone())));
        }
    }
    let mut auths: BTreeMap<String, Auth> = std::mem::take(&mut file.auths).into_iter().map(|(key, auth)| (normal(&key), auth)).collect();
    for name in &names {
        if let Some(credentials) = auths.remove(name).and_then(|auth| of_auth(auth, problems)) {
            return Some((credentials, None));
        }
    }
    if file.creds_store.is_empty() {
        return None;
    }
    ask(&file.creds_store, reference, problems).map(|credentials| (credentials, Some(file.creds_store)))
}

/// Keys that mean the registry, the most specific first: podman allows credentials of a part of a registry.
fn names(reference: &Reference) -> Vec<String> {
    let mut names = Vec::new();
    let mut path = format!("{}/{}", reference.registry, reference.repository);
    loop {
        names.push(path.clone());
        match path.rfind('/') {
            Some(at) => path.truncate(at),
            None => break,
        }
    }
    if reference.registry == "docker.io" {
        names.extend(["index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"].map(str::to_owned));
    }
    names
}

/// `https://host/v1/` and `host` are the same key.
fn normal(key: &str) -> String {
    let host = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key).trim_end_matches('/');
    host.strip_suffix("/v1").or_else(|| host.strip_suffix("/v2")).unwrap_or(host).to_owned()
}

fn of_auth(auth: Auth, problems: &mut Vec<String>) -> Option<Credentials> {
    // Moved out at once, so that every copy is wiped.
    let [encoded, user, password, identity, bearer] =
        [auth.auth, auth.username, auth.password, auth.identitytoken, auth.registrytoken].map(Zeroizing::new);
    if !bearer.is_empty() {
        return Some(Credentials::Bearer(Secret::new(bearer.as_bytes())));
    }
    if !identity.is_empty() {
        return Some(Credentials::Identity(Secret::new(identity.as_bytes())));
    }
    if !encoded.is_empty() {
        let engine = base64::engine::GeneralPurpose::new(
            &base64::alphabet::STANDARD,
            base64::engine::GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
        );
        let decoded = engine.decode(encoded.trim()).ok().map(Zeroizing::new);
        let parts = decoded.as_ref().and_then(|bytes| Some((bytes, bytes.iter().position(|byte| *byte == b':')?)));
        let Some((bytes, colon)) = parts else {
            problems.push("an `auth` entry is not base64 of user:password".to_owned());
            return None;
        };
        let (user, password) = bytes.split_at(colon);
        // Docker pads old entries with NULs.
        let password = password.get(1..).unwrap_or_default();
        let end = password.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        return Some(Credentials::Basic { user: Secret::new(user), password: Secret::new(password.get(..end).unwrap_or_default()) });
    }
    let given = !user.is_empty() && !password.is_empty();
    given.then(|| Credentials::Basic { user: Secret::new(user.as_bytes()), password: Secret::new(password.as_bytes()) })
}

/// Runs `docker-credential-HELPER get`. Its output is never shown, also not when it fails: it may hold a secret.
fn ask(helper: &str, reference: &Reference, problems: &mut Vec<String>) -> Option<Credentials> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: String,
    }
    let mut problem = |why: &str| {
        problems.push(format!("the credential helper docker-credential-{} {why}", crate::image::manifest::printable(helper)));
        None
    };
    if helper.is_empty() || !helper.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        return problem("has a name that cannot be run");
    }
    let server = if reference.registry == "docker.io" { "https://index.docker.io/v1/" } else { &reference.registry };
    let spawned = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = spawned else { return problem("cannot be run; is it in PATH?") };
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read gives no answer either.
        let _ = stdin.write_all(server.as_bytes());
    }
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Zeroizing::new(Vec::new());
            let whole = stdout.take(FILE).read_to_end(&mut bytes).is_ok();
            let _ = sender.send(whole.then_some(bytes));
        });
    }
    let answer = receiver.recv_timeout(HELPER);
    let in_time = answer.is_ok();
    if !in_time {
        let _ = child.kill();
    }
    let succeeded = child.wait().is_ok_and(|status| status.success());
    match answer {
        Ok(Some(bytes)) if succeeded => match serde_json::from_slice::<Answer>(&bytes) {
            Ok(Answer { username, secret }) => {
                let (user, password) = (Zeroizing::new(username), Zeroizing::new(secret));
                let password = Secret::new(password.as_bytes());
                Some(if user.as_str() == "<token>" {
                    Credentials::Identity(password)
                } else {
                    Credentials::Basic { user: Secret::new(user.as_bytes()), password }
                })
            }
            Err(_) => problem("gave an answer that cannot be read"),
        },
        // The helpers' protocol has no other way to say that there is nothing.
        Ok(Some(bytes)) if bytes.windows(21).any(|text| text == b"credentials not found") => None,
        Ok(_) => problem("failed"),
        Err(_) => problem("gave no answer within 30 seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str, reference: &str) -> Option<(String, String)> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.json");
        std::fs::write(&path, json).expect("writable");
        let reference = Reference::parse(reference).expect("a reference");
        let text = |secret: &Secret| String::from_utf8_lossy(secret.expose()).into_owned();
        match find_in(&reference, &[folder.path().join("none.json"), path]).credentials {
            Credentials::Anonymous => None,
            Credentials::Basic { user, password } => Some((text(&user), text(&password))),
            Credentials::Identity(token) => Some(("identity".to_owned(), text(&token))),
            Credentials::Bearer(token) => Some(("bearer".to_owned(), text(&token))),
        }
    }

    fn pair(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.to_owned(), password.to_owned()))
    }

    #[test]
    fn keys_of_docker_and_podman() {
        let auth = base64::engine::general_purpose::STANDARD.encode("me:a:b");
        let file = format!(
            r#"{{"auths":{{"https://index.docker.io/v1/":{{"auth":"{auth}"}},"ghcr.io":{{"identitytoken":"t"}},"quay.io/org":{{"username":"u","password":"p"}},
               "http://localhost:5000/v2/":{{"registrytoken":"r"}},"empty.io":{{}},"broken.io":{{"auth":"!"}}}}}}"#
        );
        assert_eq!(found(&file, "debian"), pair("me", "a:b"));
        assert_eq!(found(&file, "ghcr.io/a/b"), pair("identity", "t"));
        assert_eq!(found(&file, "quay.io/org/app"), pair("u", "p"));
        assert_eq!(found(&file, "quay.io/other/app"), None, "credentials stay with what they were given for");
        assert_eq!(found(&file, "quay.io/organisation/app"), None);
        assert_eq!(found(&file, "localhost:5000/app"), pair("bearer", "r"));
        for registry in ["empty.io/a", "broken.io/a", "evil-ghcr.io/a", "ghcr.io.evil.com/a"] {
            assert_eq!(found(&file, registry), None, "{registry}");
        }
    }

    #[test]
    fn files_in_order() {
        let paths = places(|name| Some(format!("/{name}").into()));
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        assert_eq!(
            paths,
            [
                "/REGISTRY_AUTH_FILE",
                "/DOCKER_CONFIG/config.json",
                "/XDG_RUNTIME_DIR/containers/auth.json",
                "/XDG_CONFIG_HOME/containers/auth.json"
            ]
        );
        let home = places(|name| (name == "HOME").then(|| "/home/me".into()));
        assert_eq!(home, [PathBuf::from("/home/me/.docker/config.json"), PathBuf::from("/home/me/.config/containers/auth.json")]);
    }

    #[test]
    fn a_helper_name_is_no_path() {
        let reference = Reference::parse("ghcr.io/a").expect("a reference");
        let mut problems = Vec::new();
        assert!(ask("../../bin/sh", &reference, &mut problems).is_none());
        assert!(ask("surely-not-installed", &reference, &mut problems).is_none());
        assert_eq!(problems.len(), 2);
    }
}
