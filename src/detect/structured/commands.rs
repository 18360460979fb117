//! Commands that take a credential as an argument: what a shell history or a `RUN` line gives away.

use std::{borrow::Cow, ops::Range};

use super::{
    Field, Meaning,
    format::{fact, url_password},
    header,
    shell::Word,
};

const PASSWORD: &str = "command-line-password";
const BASIC: &str = "generic-basic-auth";
const HEADER: &str = "generic-authorization";

/// Words that stand before the command itself.
const BEFORE: &[&str] = &[
    "sudo",
    "env",
    "exec",
    "time",
    "nohup",
    "command",
    "then",
    "do",
    "else",
    "if",
    "!",
    "while",
    "until",
    "RUN",
    "CMD",
    "ENTRYPOINT",
    "-",
    "{",
    "xargs",
    "watch",
    "doas",
    "@",
    "cmd:",
];

/// How a flag carries its credential.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// The next word, or what follows `=`.
    Next,
    /// The rest of the very word: `-pPASS`.
    Attached,
    /// The next word, `user:password`.
    Pair,
    /// `user%password` of Samba.
    Percent,
    /// `user,password` of lftp.
    Comma,
    /// `pass:PASSWORD` of OpenSSL.
    PassPrefix,
}

/// (commands, flags, how).
const FLAGS: &[(&[&str], &[&str], How)] = &[
    (
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mysqlcheck",
            "mariadb",
            "mariadb-dump",
            "mariadb-admin",
            "mycli",
            "xtrabackup",
        ],
        &["-p"],
        How::Attached,
    ),
    (&["sshpass"], &["-p"], How::Attached),
    (&["sshpass"], &["-p"], How::Next),
    (&["mongo", "mongosh", "mongodump", "mongorestore", "mongoimport", "mongoexport"], &["-p"], How::Next),
    (&["redis-cli"], &["-a", "--pass"], How::Next),
    (&["docker", "podman", "buildah", "nerdctl", "oras", "crane", "helm", "regctl", "skopeo"], &["-p"], How::Next),
    (&["skopeo", "podman", "buildah"], &["--creds", "--src-creds", "--dest-creds"], How::Pair),
    (&["az"], &["-p"], How::Next),
    (&["ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami", "ldappasswd", "ldapdelete"], &["-w"], How::Next),
    (&["sqlcmd", "bcp", "osql"], &["-P"], How::Next),
    (&["zip", "unzip"], &["-P"], How::Next),
    (&["7z", "7za", "rar", "unrar"], &["-p"], How::Attached),
    (&["gpg", "gpg2"], &["--passphrase"], How::Next),
    (&["curl"], &["-u", "--user", "-U", "--proxy-user"], How::Pair),
    (&["http", "https"], &["-a", "--auth"], How::Pair),
    (&["openssl"], &["-passin", "-passout", "-pass"], How::PassPrefix),
    (&["keytool", "jarsigner"], &["-storepass", "-keypass", "-srcstorepass", "-deststorepass"], How::Next),
    (&["smbclient", "smbmap", "rpcclient"], &["-U", "--user"], How::Percent),
    (&["lftp"], &["-u"], How::Comma),
    (&["plink", "pscp", "psftp", "kitty"], &["-pw"], How::Next),
    (&["kadmin"], &["-w"], How::Next),
    (&["useradd", "usermod"], &["-p"], How::Next),
    (&["oc"], &["-p"], How::Next),
    (&["influx"], &["-password", "-t"], How::Next),
    (&["cqlsh", "hydra", "xfreerdp", "rdesktop"], &["-p"], How::Next),
    (&["ipmitool"], &["-P"], How::Next),
];

/// Their `-p` is a password only in `login`, and a port or a project elsewhere.
const LOGIN_ONLY: &[&str] = &["docker", "nerdctl", "helm", "az", "oc", "crane", "oras", "regctl"];

/// Parts of long flags whose value is secret in any command.
const SECRET_FLAGS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "api-key",
    "apikey",
    "api_key",
    "access-key",
    "pass",
    "pwd",
    "license-key",
    "private-key",
];

/// Reports the credentials of one command; `before` are the words of the command that is piped into it.
pub(super) fn report(words: &[Word<'_>], before: &[Word<'_>], emit: &mut dyn FnMut(Field<'_>)) {
    let start = words.iter().position(|word| !is_before(&word.value)).unwrap_or(words.len());
    let Some(words) = words.get(start..).filter(|words| !words.is_empty()) else { return };
    let program = words.first().map(|word| base_name(&word.value)).unwrap_or_default();
    let program = program.as_ref();
    let login = words.iter().take(8).any(|word| word.value.as_ref() == b"login");
    for (index, word) in words.iter().enumerate().skip(1) {
        let value = word.value.as_ref();
        let next = words.get(index + 1);
        if value.first() != Some(&b'-') {
            continue;
        }
        if matches!(value, b"-H" | b"--header") {
            if let Some(next) = next {
                emit_header(next, emit);
            }
            continue;
        }
        if let Some(rest) = value.strip_prefix(b"--header=") {
            emit_header(&Word { value: Cow::Borrowed(rest), span: word.tail(rest) }, emit);
            continue;
        }
        if (LOGIN_ONLY.contains(&program) && !login) || !flag(program, word, next, emit) {
            long_flag(program, word, next, emit);
        }
    }
    positional(program, words, emit);
    piped(program, words, before, emit);
}

pub(super) fn is_before(word: &[u8]) -> bool {
    let assigned = memchr::memchr(b'=', word).is_some_and(|at| at > 0 && word.first() != Some(&b'-'));
    assigned || std::str::from_utf8(word).is_ok_and(|word| BEFORE.contains(&word))
}

fn base_name(word: &[u8]) -> Cow<'_, str> {
    let name = word.rsplit(|b| *b == b'/').next().unwrap_or(word);
    String::from_utf8_lossy(name.get(..name.len().min(64)).unwrap_or(name))
}

/// A flag of a known command; whether it was one.
fn flag(program: &str, word: &Word<'_>, next: Option<&Word<'_>>, emit: &mut dyn FnMut(Field<'_>)) -> bool {
    for (programs, flags, how) in FLAGS {
        if !programs.contains(&program) {
            continue;
        }
        for name in *flags {
            let Some(rest) = word.value.strip_prefix(name.as_bytes()) else { continue };
            let joined = rest.strip_prefix(b"=").filter(|_| name.starts_with("--"));
            let own = |rest: &[u8]| word.tail(rest);
            match (how, joined, next) {
                (How::Attached, None, _) if !rest.is_empty() => credential(PASSWORD, program, rest, own(rest), None, emit),
                (How::Next, Some(value), _) => credential(PASSWORD, program, value, own(value), None, emit),
                (How::Next, None, Some(next)) if rest.is_empty() && !next.value.starts_with(b"-") => {
                    credential(PASSWORD, program, &next.value, next.span.clone(), None, emit);
                }
                (How::Pair, Some(value), _) => pair(program, value, own(value), b':', emit),
                (How::Pair, None, Some(next)) if rest.is_empty() => pair(program, &next.value, next.span.clone(), b':', emit),
                (How::Pair, None, _) if !rest.is_empty() && !name.starts_with("--") && !rest.starts_with(b"-") => {
                    pair(program, rest, own(rest), b':', emit);
                }
                (How::Percent, None, Some(next)) if rest.is_empty() => pair(program, &next.value, next.span.clone(), b'%', emit),
                (How::Comma, None, Some(next)) if rest.is_empty() => pair(program, &next.value, next.span.clone(), b',', emit),
                (How::PassPrefix, None, Some(next)) if rest.is_empty() => {
                    if let Some(password) = next.value.strip_prefix(b"pass:") {
                        let span = next.tail(password);
                        credential(PASSWORD, program, password, span, None, emit);
                    }
                }
                _ => continue,
            }
            return true;
        }
    }
    false
}

/// `--password v`, `--token=v` of any command.
fn long_flag(program: &str, word: &Word<'_>, next: Option<&Word<'_>>, emit: &mut dyn FnMut(Field<'_>)) {
    let text = word.value.get(..word.value.len().min(64)).unwrap_or(&word.value);
    let Some(stripped) = text.strip_prefix(b"-") else { return };
    let stripped = stripped.strip_prefix(b"-").unwrap_or(stripped);
    let name = stripped.split(|b| *b == b'=').next().unwrap_or_default();
    let Ok(name) = std::str::from_utf8(name) else { return };
    let lower = name.to_ascii_lowercase();
    let secret = name.len() > 3 && SECRET_FLAGS.iter().any(|part| lower.contains(part));
    let other = ["file", "stdin", "path", "prompt", "name", "env", "from", "length", "policy", "type", "url", "helper", "id"];
    if !secret || other.iter().any(|end| lower.ends_with(end)) {
        return;
    }
    let joined = memchr::memchr(b'=', &word.value).and_then(|at| word.value.get(at + 1..));
    let (value, span) = match (joined, next) {
        (Some(value), _) if !value.is_empty() => (value, word.tail(value)),
        (None, Some(next)) if !next.value.starts_with(b"-") => (next.value.as_ref(), next.span.clone()),
        _ => return,
    };
    emit(Field {
        name: Cow::Borrowed(name),
        value: Cow::Borrowed(value),
        span,
        meaning: Meaning::Value,
        evidence: fact("argument of", program.as_bytes(), value).into_iter().collect(),
    });
}

/// Commands whose credential is a plain argument.
fn positional(program: &str, words: &[Word<'_>], emit: &mut dyn FnMut(Field<'_>)) {
    let at = |index: usize| words.get(index).map(|word| word.value.as_ref()).unwrap_or_default();
    let plain: Vec<&Word<'_>> = words.iter().filter(|word| !word.value.starts_with(b"-")).take(16).collect();
    match program {
        // In a history of redis-cli: `AUTH password`, `AUTH user password`.
        "AUTH" if words.len() <= 3 => {
            if let Some(password) = words.get(1..).and_then(<[Word<'_>]>::last) {
                let user = words.get(1).filter(|_| words.len() == 3).map(|user| user.value.as_ref());
                credential(PASSWORD, program, &password.value, password.span.clone(), user, emit);
            }
        }
        "aws" if at(1) == b"configure" && at(2) == b"set" => {
            if let (Some(name), Some(value)) = (plain.get(3), plain.get(4)) {
                named(&name.value, value, emit);
            }
        }
        "npm" | "yarn" | "pnpm" if at(1) == b"config" && at(2) == b"set" => {
            if let (Some(name), Some(value)) = (plain.get(3), plain.get(4)) {
                named(&name.value, value, emit);
            }
        }
        "pip" | "composer" | "git" | "gcloud" | "gh" | "poetry" if at(1) == b"config" => {
            // `composer config http-basic.HOST USER PASSWORD`, poetry's is the same.
            let host = plain.iter().position(|word| matches!(program, "composer" | "poetry") && word.value.starts_with(b"http-basic."));
            if let Some(host) = host {
                if let (Some(user), Some(password)) = (plain.get(host + 1), plain.get(host + 2)) {
                    credential(PASSWORD, program, &password.value, password.span.clone(), Some(user.value.as_ref()), emit);
                }
            } else if let (Some(name), Some(value)) = (plain.len().checked_sub(2).and_then(|i| plain.get(i)), plain.last())
                && plain.len() > 3
            {
                if name.value.ends_with(b"extraheader") || name.value.ends_with(b"extraHeader") {
                    emit_header(value, emit);
                } else {
                    named(&name.value, value, emit);
                }
            }
        }
        "vault" if at(1) == b"login" => {
            if let Some(token) = plain.get(2).filter(|token| !token.value.contains(&b'=')) {
                credential(PASSWORD, program, &token.value, token.span.clone(), None, emit);
            }
        }
        "vault" if at(1) == b"operator" && at(2) == b"unseal" => {
            if let Some(key) = plain.get(3) {
                credential("hashicorp-vault-unseal-key", program, &key.value, key.span.clone(), None, emit);
            }
        }
        "htpasswd" if words.iter().any(|word| word.value.starts_with(b"-") && word.value.contains(&b'b')) => {
            if let Some(password) = plain.last().filter(|_| plain.len() >= 3) {
                credential(PASSWORD, program, &password.value, password.span.clone(), None, emit);
            }
        }
        // `openssl passwd -6 password`; behind `-salt` stands the salt.
        "openssl" if at(1) == b"passwd" => {
            let salted = words.iter().any(|word| word.value.as_ref() == b"-salt");
            if let Some(password) = plain.get(if salted { 3 } else { 2 }) {
                credential(PASSWORD, program, &password.value, password.span.clone(), None, emit);
            }
        }
        "snyk" | "wandb" | "shodan" | "ngrok" if [&b"auth"[..], b"login", b"init", b"authtoken"].contains(&at(1)) => {
            if let Some(token) = plain.get(2) {
                named(format!("{program}_token").as_bytes(), token, emit);
            }
        }
        "sqlplus" | "expdp" | "impdp" | "exp" | "imp" => {
            for word in plain.iter().skip(1) {
                if let Some(slash) = memchr::memchr(b'/', &word.value).filter(|at| *at > 0) {
                    let rest = word.value.get(slash + 1..).unwrap_or_default();
                    let end = memchr::memchr(b'@', rest).unwrap_or(rest.len());
                    let password = rest.get(..end).unwrap_or_default();
                    if !password.is_empty() && memchr::memchr(b'/', password).is_none() && word.value.contains(&b'@') {
                        let start = word.span.start + slash + 1;
                        credential(PASSWORD, program, password, start..start + password.len(), word.value.get(..slash), emit);
                    }
                }
            }
        }
        "net" if at(1) == b"user" => {
            if let Some(password) = plain.get(3) {
                credential(PASSWORD, program, &password.value, password.span.clone(), plain.get(2).map(|w| w.value.as_ref()), emit);
            }
        }
        _ => {}
    }
    for word in words {
        if let Some((user, password)) = url_password(&word.value) {
            let span = inside(word, password);
            credential("generic-url-password", program, password, span, Some(user), emit);
        }
    }
}

/// `echo user:password | chpasswd`, `echo TOKEN | docker login --password-stdin`.
fn piped(program: &str, words: &[Word<'_>], before: &[Word<'_>], emit: &mut dyn FnMut(Field<'_>)) {
    let Some(start) = before.iter().position(|word| !is_before(&word.value)) else { return };
    let echo = before.get(start).map(|word| base_name(&word.value)).unwrap_or_default();
    if !matches!(echo.as_ref(), "echo" | "printf") {
        return;
    }
    let Some(said) = before.iter().skip(start + 1).rfind(|word| !word.value.starts_with(b"-")) else { return };
    let has = |flag: &[u8]| words.iter().any(|word| word.value.as_ref() == flag);
    match program {
        "chpasswd" => {
            for line in said.value.split(|b| *b == b'\n') {
                pair(program, line.strip_suffix(b"\\n").unwrap_or(line), inside(said, line), b':', emit);
            }
        }
        "passwd" | "vncpasswd" | "kinit" => credential(PASSWORD, program, &said.value, said.span.clone(), None, emit),
        _ if has(b"--password-stdin")
            || has(b"--passwd-on-stdin")
            || has(b"--with-token")
            || has(b"--token-stdin")
            || (program == "gh" && has(b"login")) =>
        {
            credential(PASSWORD, program, &said.value, said.span.clone(), None, emit);
        }
        _ => {}
    }
}

fn inside(word: &Word<'_>, part: &[u8]) -> Range<usize> {
    match (&word.value, memchr::memmem::find(&word.value, part)) {
        (Cow::Borrowed(_), Some(at)) => word.span.start + at..word.span.start + at + part.len(),
        _ => word.span.clone(),
    }
}

fn pair(program: &str, text: &[u8], span: Range<usize>, separator: u8, emit: &mut dyn FnMut(Field<'_>)) {
    let Some(at) = memchr::memchr(separator, text) else { return };
    let password = text.get(at + 1..).unwrap_or_default();
    // `op://vault/item/field` is no user `op`.
    if password.is_empty() || text.starts_with(b"http") || password.starts_with(b"//") {
        return;
    }
    let rule = if separator == b':' && program != "chpasswd" { BASIC } else { PASSWORD };
    let exact = span.len() == text.len();
    let span = if exact { span.start + at + 1..span.end } else { span };
    credential(rule, program, password, span, text.get(..at), emit);
}

fn credential(rule: &'static str, program: &str, value: &[u8], span: Range<usize>, user: Option<&[u8]>, emit: &mut dyn FnMut(Field<'_>)) {
    if value.is_empty() {
        return;
    }
    let mut evidence: Vec<String> = fact("argument of", program.as_bytes(), value).into_iter().collect();
    evidence.extend(user.and_then(|user| fact("user", user, value)));
    emit(Field { name: Cow::Borrowed("password"), value: Cow::Borrowed(value), span, meaning: Meaning::Credential { rule }, evidence });
}

fn named(name: &[u8], word: &Word<'_>, emit: &mut dyn FnMut(Field<'_>)) {
    emit(Field {
        name: String::from_utf8_lossy(name.get(..name.len().min(96)).unwrap_or_default()),
        value: Cow::Borrowed(&word.value),
        span: word.span.clone(),
        meaning: Meaning::Value,
        evidence: Vec::new(),
    });
}

fn emit_header(word: &Word<'_>, emit: &mut dyn FnMut(Field<'_>)) {
    if let Some(header) = header::parse("", &word.value) {
        let span = inside(word, header.token);
        emit(Field {
            name: Cow::Borrowed("header"),
            value: header.secret,
            span,
            meaning: Meaning::Credential { rule: HEADER },
            evidence: header.evidence,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::structured::{Meaning, shell};

    fn check(text: &str, expected: &[(&str, &str)]) {
        let mut found = Vec::new();
        shell::fields(text.as_bytes(), &mut |field| {
            let rule = match field.meaning {
                Meaning::Credential { rule } => rule.to_owned(),
                Meaning::Value | Meaning::Cell => field.name.to_string(),
            };
            let value = String::from_utf8_lossy(&field.value).into_owned();
            let place = &text[field.span.clone()];
            found.push((rule, value, place.to_owned()));
        });
        let pairs: Vec<_> = found.iter().map(|(rule, value, _)| (rule.as_str(), value.as_str())).collect();
        assert_eq!(pairs, expected, "{text}");
        for (_, value, place) in &found {
            assert!(place == value || place.contains('\\') || !place.contains(value.as_str()), "{place} for {value}");
        }
    }

    #[test]
    fn assignments() {
        check("export A='b c' D=e\nF=\"g\" cmd\n", &[("A", "b c"), ("D", "e"), ("F", "g")]);
        check("set -x A b; setenv C d", &[("A", "b"), ("C", "d")]);
        check("docker run -e A=b -eC=d \"E=f\" img\njava -Dx.y=z -jar a\n", &[("A", "b"), ("C", "d"), ("E", "f"), ("x.y", "z")]);
        check("# A=b\necho x # C=d\n", &[]);
        check("A=$(curl -u joe:pw http://h)\n", &[("A", "$(curl -u joe:pw http://h)"), ("generic-basic-auth", "pw")]);
    }

    #[test]
    fn commands() {
        check("mysql -u root -phunter2 db", &[("command-line-password", "hunter2")]);
        check("sudo mysqldump --password=hunter2", &[("password", "hunter2")]);
        check("curl -s -u joe:hunter2 https://h/", &[("generic-basic-auth", "hunter2")]);
        check("curl -H 'Authorization: Bearer abc' -H \"Accept: x\" h", &[("generic-authorization", "abc")]);
        check("sshpass -p 'hun ter' ssh h", &[("command-line-password", "hun ter")]);
        check("docker login -u joe -p hunter2 ghcr.io", &[("command-line-password", "hunter2")]);
        check("poetry config http-basic.acme ci hunter2", &[("command-line-password", "hunter2")]);
        check("wandb login abc123", &[("wandb_token", "abc123")]);
        check("echo hunter2 | openconnect --passwd-on-stdin vpn.a.net", &[("command-line-password", "hunter2")]);
        check("docker run -p 80:80 x", &[]);
        check("echo 'root:hunter2' | chpasswd", &[("command-line-password", "hunter2")]);
        check("echo hunter2 | docker login --password-stdin", &[("command-line-password", "hunter2")]);
        check("aws configure set aws_secret_access_key abc", &[("aws_secret_access_key", "abc")]);
        check("git clone https://joe:hunter2@h/x.git", &[("generic-url-password", "hunter2")]);
        check("openssl enc -pass pass:hunter2 -in x", &[("command-line-password", "hunter2")]);
        check("openssl passwd -6 -salt xyz hunter2", &[("command-line-password", "hunter2")]);
        check("HASH=$(openssl passwd -1 hunter2)", &[("HASH", "$(openssl passwd -1 hunter2)"), ("command-line-password", "hunter2")]);
        check("openssl passwd -6", &[]);
        check("lftp -u joe,hunter2 ftp.h", &[("command-line-password", "hunter2")]);
        check("plink -pw hunter2 joe@h", &[("command-line-password", "hunter2")]);
        check("echo hunter2 | kinit joe@H", &[("command-line-password", "hunter2")]);
        check("sqlplus scott/tiger@db", &[("command-line-password", "tiger")]);
    }
}
