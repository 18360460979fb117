//! Files with one entry a line, its fields parted by blanks: pppd's secrets, the users of Redis and snmpd, curl's settings.

use std::ops::Range;

use super::{
    colons::{Colons, Entry, last},
    format::fact,
    tree::slice,
};

/// Words of a line that are looked at.
const WORDS: usize = 32;

/// `client server secret addresses`, pppd(8).
pub(super) static CHAP: Colons = Colons { id: "chap-secrets", files: &["chap-secrets", "pap-secrets"], rule: "network-secret", read: chap };
/// <https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/#acl-rules>
pub(super) static REDIS_ACL: Colons =
    Colons { id: "redis-acl", files: &["users.acl", "redis/*.acl", "valkey/*.acl"], rule: "redis-password", read: redis_acl };
/// `createUser name SHA "password" AES "password"`, snmpd.conf(5).
pub(super) static SNMPD: Colons =
    Colons { id: "snmpd-users", files: &["snmpd.conf", "snmp/*.conf"], rule: "snmp-user-password", read: snmp_user };
/// <https://curl.se/docs/manpage.html#-K>
pub(super) static CURLRC: Colons =
    Colons { id: "curlrc", files: &[".curlrc", "_curlrc", "curlrc"], rule: "command-line-password", read: curl_user };
/// `host:user:password`, exim4_passwd_client(5).
pub(super) static EXIM: Colons =
    Colons { id: "exim-passwd", files: &["passwd.client", "exim4/passwd*"], rule: "mail-password", read: last };

/// Where the words of a line stand, without quotes around them.
fn words(line: &[u8]) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = 0;
    while words.len() < WORDS {
        at += slice(line, at..line.len()).iter().take_while(|b| b.is_ascii_whitespace()).count();
        let rest = slice(line, at..line.len());
        let quote = rest.first().copied().filter(|b| matches!(b, b'"' | b'\''));
        let inner = usize::from(quote.is_some());
        let text = slice(rest, inner..rest.len());
        let length = text.iter().position(|b| quote.map_or(b.is_ascii_whitespace(), |quote| *b == quote)).unwrap_or(text.len());
        if text.is_empty() {
            break;
        }
        words.push(at + inner..at + inner + length);
        at += inner + length + inner;
    }
    words
}

fn entry(line: &[u8], span: Range<usize>, user: Option<&Range<usize>>) -> Option<Entry> {
    let secret = line.get(span.clone())?;
    let evidence = user.and_then(|user| fact("user", line.get(user.clone())?, secret)).into_iter().collect();
    Some(Entry { span, value: None, evidence })
}

fn chap(line: &[u8]) -> Option<Entry> {
    let words = words(line);
    entry(line, words.get(2)?.clone(), words.first())
}

/// `user name on >password #hash ~*`
fn redis_acl(line: &[u8]) -> Option<Entry> {
    let words = words(line);
    let [first, user, rules @ ..] = words.as_slice() else { return None };
    let password = rules.iter().find(|word| line.get(word.start) == Some(&b'>')).filter(|_| slice(line, first.clone()) == b"user")?;
    entry(line, password.start + 1..password.end, Some(user))
}

fn snmp_user(line: &[u8]) -> Option<Entry> {
    let words = words(line);
    if !words.first().is_some_and(|word| slice(line, word.clone()).eq_ignore_ascii_case(b"createUser")) {
        return None;
    }
    let method = words.iter().position(|word| matches!(slice(line, word.clone()), [b'S', b'H', b'A', ..] | b"MD5"))?;
    entry(line, words.get(method + 1)?.clone(), words.get(method.checked_sub(1)?))
}

/// `user = "name:password"`, `-u name:password`, `proxy-user name:password`.
fn curl_user(line: &[u8]) -> Option<Entry> {
    let words: Vec<_> = words(line).into_iter().filter(|word| slice(line, word.clone()) != b"=").collect();
    let [option, pair, ..] = words.as_slice() else { return None };
    let option = slice(line, option.clone());
    let option = option.strip_suffix(b"=").or_else(|| option.strip_suffix(b":")).unwrap_or(option);
    let known = matches!(option, b"-u" | b"-U" | b"user" | b"--user" | b"proxy-user" | b"--proxy-user");
    let colon = memchr::memchr(b':', slice(line, pair.clone())).filter(|_| known)?;
    entry(line, pair.start + colon + 1..pair.end, Some(&(pair.start..pair.start + colon)))
}
