//! The rules arranged for searching: which literals to look for, and what a hit on each leads to.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    calls::{CALLS, Passed},
    common::is_common,
    encoded,
    model::PASSWORDS_ABROAD,
    names::{Use, Words},
    prefilter::Prefilter,
    rule::{Rule, Shape},
};
use crate::vaults;

/// What a hit on a literal leads to.
#[derive(Default)]
pub(super) struct Target {
    /// Token rules to try around it.
    pub(super) tokens: Vec<u32>,
    /// It is a word of names that credentials are assigned to.
    pub(super) word: Option<Word>,
    /// It is a rare word of a provider's name: values of the provider's format may stand nearby.
    pub(super) provider: bool,
    /// It asks for a credential: a provider's name may stand before.
    pub(super) asks: bool,
    /// It is `://`.
    pub(super) url: bool,
    /// It is a command whose arguments hold credentials.
    pub(super) command: bool,
    /// It is a call to which a credential is passed.
    pub(super) call: Option<Passed>,
    /// It is the end of a certificate's PEM header.
    pub(super) certificate: bool,
    /// It is how a value begins that is encrypted with a key of somebody's own.
    pub(super) sealed: Option<&'static str>,
    /// It is how base64 of a container begins.
    pub(super) container: bool,
    /// It is a literal in an encoded form, to be compared exactly.
    pub(super) encoded: Option<encoded::Form>,
}

/// How a word stands in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Anywhere.
    Anywhere,
    /// Only at the end of a longer name: `key`.
    Ending,
}

/// Words of names that hold credentials of any provider.
const GENERIC: &[&str] = &[
    "passw",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "api.key",
    "accesskey",
    "access_key",
    "access-key",
    "privatekey",
    "private_key",
    "private-key",
    "credential",
    "_auth",
    "\"auth\"",
    "authorization",
    "_pass",
    "-pass",
    ".pass",
    "pass=",
    "pass:",
    "pass\"",
    "pass'",
    "pass =",
    "pass :",
    "smtppass",
    "mailpass",
    "userpass",
    "sshpass=",
    "rootpass",
    "adminpass",
    "ftppass",
    "dbpass",
    "requirepass",
    "pw=",
    "pw:",
    "pw\"",
    "pw'",
    "_creds",
    "_cred",
    "_pw",
    "bearer",
    "_jwt",
    "_pat",
    "appkey",
    "authkey",
    "writekey",
    "masterkey",
    "encryptionkey",
    "signingkey",
    "accountkey",
    "sharedkey",
    "mot_de_passe",
];

/// What may stand between the words of a name.
const SEPARATORS: [char; 3] = ['_', '-', '.'];

/// Letters that a provider's word must have to be looked for by itself; from [`RARE`] on even where texts are full of it.
const SHORT: usize = 4;
const RARE: usize = 8;

/// Literals, what they lead to, and the words of assigned rules.
pub(super) struct Index {
    /// Tells it from every other one of this process.
    pub(super) number: u64,
    pub(super) prefilter: Prefilter,
    pub(super) targets: Vec<Target>,
    pub(super) words: Words,
    /// For each rule, whether texts are full of all its words.
    pub(super) common: Vec<bool>,
    by_id: HashMap<String, u32>,
}

/// Collects targets by literal.
#[derive(Default)]
struct Literals {
    ids: HashMap<Vec<u8>, usize>,
    texts: Vec<Vec<u8>>,
    targets: Vec<Target>,
}

impl Literals {
    fn at(&mut self, text: &[u8]) -> &mut Target {
        let text = text.to_ascii_lowercase();
        let next = self.texts.len();
        let id = *self.ids.entry(text).or_insert_with_key(|text| {
            self.texts.push(text.clone());
            next
        });
        if id == next {
            self.targets.push(Target::default());
        }
        &mut self.targets[id]
    }

    /// The longest part of a provider's name that is rare is looked for by itself. Others, words that texts are full of (`here`,
    /// `line`, `base`), count where a generic word asks for a credential; a name with one of `long` letters is looked for as a
    /// whole, in each way to write it. Whether one was rare.
    fn words(&mut self, name: &str, long: usize) -> bool {
        let parts = || name.split(|c: char| !c.is_ascii_alphanumeric());
        if let Some(part) = parts().filter(|part| part.len() >= SHORT && !is_common(part)).max_by_key(|part| part.len()) {
            let target = self.at(part.as_bytes());
            target.word = Some(Word::Anywhere);
            target.provider = true;
            return true;
        }
        if parts().any(|part| part.len() >= long) {
            for separator in ["", "_", "-", "."] {
                self.at(name.replace(SEPARATORS, separator).as_bytes()).word = Some(Word::Anywhere);
            }
        }
        false
    }
}

/// Without what joins words.
fn squash(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

impl Index {
    pub(super) fn new(rules: &[Arc<Rule>]) -> Self {
        let mut literals = Literals::default();
        let mut words = Vec::new();
        let mut common = vec![false; rules.len()];
        let mut by_id = HashMap::with_capacity(rules.len());
        for (id, rule) in (0u32..).zip(rules) {
            by_id.entry(rule.id.to_string()).or_insert(id);
            match &rule.shape {
                Shape::Token { anchors, .. } => {
                    for anchor in anchors {
                        literals.at(anchor.as_bytes()).tokens.push(id);
                        for (form, text) in encoded::forms(anchor.as_bytes()) {
                            literals.at(&text).encoded.get_or_insert_with(|| encoded::Form::new(form, text));
                        }
                    }
                }
                Shape::Assigned { names, .. } => {
                    let mut rare = false;
                    for name in names {
                        words.push((name.to_string(), id, Use::Name));
                        rare |= literals.words(name, RARE);
                    }
                    let title = rule.provider_name.to_ascii_lowercase();
                    let squashed = squash(&title);
                    if squashed.len() > SHORT && !is_common(&squashed) {
                        // A rule whose own words are longer asks for more than the provider.
                        let longer = names.iter().any(|name| squash(name).contains(&squashed));
                        words.push((squashed.clone(), id, if longer { Use::Near } else { Use::Name }));
                        rare |= literals.words(&title, usize::MAX);
                        if squashed.len() >= RARE && squashed != title {
                            rare |= literals.words(&squashed, usize::MAX);
                        }
                    }
                    common[id as usize] = !rare;
                }
                Shape::Structural => {}
            }
        }
        for word in GENERIC.iter().map(|word| word.as_bytes()).chain(PASSWORDS_ABROAD.into_iter().flatten().copied()) {
            literals.at(word).word = Some(Word::Anywhere);
        }
        literals.at(b"key").word.get_or_insert(Word::Ending);
        for word in ["key", "token", "secret", "bearer", "auth"] {
            literals.at(word.as_bytes()).asks = true;
        }
        literals.at(b"://").url = true;
        for (start, rule) in [(vaults::ANSIBLE, "ansible-vault-content"), (vaults::JENKINS, "jenkins-credential")] {
            literals.at(start.as_bytes()).sealed = Some(rule);
        }
        for start in encoded::CONTAINERS {
            literals.at(start).container = true;
        }
        for command in ["curl", "wget", "sshpass", "mysql", "docker login", "httpie", "redis-cli", "sqlcmd"] {
            literals.at(command.as_bytes()).command = true;
        }
        for (call, passed) in CALLS {
            literals.at(call.as_bytes()).call = Some(*passed);
        }
        for label in ["BEGIN CERTIFICATE-----", "BEGIN TRUSTED CERTIFICATE-----", "BEGIN X509 CERTIFICATE-----"] {
            literals.at(label.as_bytes()).certificate = true;
        }
        for word in [
            "password",
            "passwd",
            "secret",
            "api_key",
            "PASSWORD",
            "SECRET",
            "API_KEY",
            "TOKEN",
            "Password",
            "PRIVATE KEY-----",
            "BEGIN CERTIFICATE-----",
            "_token",
            "apiKey",
        ] {
            for (form, text) in encoded::forms(word.as_bytes()) {
                literals.at(&text).encoded.get_or_insert_with(|| encoded::Form::new(form, text));
            }
        }
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        Self {
            number,
            prefilter: Prefilter::new(&literals.texts),
            targets: literals.targets,
            words: Words::new(words.into_iter()),
            common,
            by_id,
        }
    }

    /// Position of the rule of that id.
    pub(super) fn rule(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }
}
