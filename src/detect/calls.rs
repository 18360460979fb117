//! Calls whose arguments are credentials by their position: `server.login("user", "password")`, `new AcmeClient("key")`; and a
//! request's cookies, which are passed the same way.

pub(super) mod imports;

use std::ops::Range;

use super::{assign, model::Shape, quiet};

/// Bytes behind the call's name in which the argument ends.
const REACH: usize = 600;
/// Bytes of the shortest key that is told by nothing but a client that is made with it.
const KEY: usize = 20;
/// Bytes of the longest name of a call.
const CALLEE: usize = 100;
/// Arguments of a client that are looked at: an account, a name and the like stand before its key; and settings of one, by name.
const ARGUMENTS: usize = 3;
const SETTINGS: usize = 8;

/// Names of settings that hold a key where a client is made. Longer ones say so everywhere.
const KEYS: &[&[u8]] = &[b"key", b"pat", b"auth", b"jwt"];

/// What is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// A password, at this position.
    Password(u8),
    /// A key, alone or behind what names the account.
    Key,
    /// The same, of whatever makes a client: `client = Acme("key")`.
    Made,
    /// The same, by its name.
    Named,
    /// The same, of what is imported.
    Imported,
    /// The same, typed behind a flag that is often a token's or a key's.
    Flag,
    /// A session, among other cookies.
    Cookie,
}

impl Passed {
    /// What the argument would be called.
    pub(super) fn name(self) -> &'static [u8] {
        match self {
            Self::Password(_) => b"call.password",
            Self::Key | Self::Made | Self::Named | Self::Imported | Self::Flag => b"client.api_key",
            Self::Cookie => b"cookie.token",
        }
    }
}

/// Ends of the calls in lower case, up to where the arguments start.
pub(super) const CALLS: &[(&str, Passed)] = &[
    ("login(", Passed::Password(1)),
    // Python's and Go's basic authentication, OkHttp's, reqwest's; a variable may name the user.
    ("basicauth(", Passed::Password(1)),
    ("basic_auth(", Passed::Password(1)),
    ("credentials.basic(", Passed::Password(1)),
    ("networkcredential(", Passed::Password(1)),
    ("passwordcredentials(", Passed::Password(1)),
    ("passwordauthentication(", Passed::Password(1)),
    ("usernamepassword(", Passed::Password(1)),
    ("usernamepasswordauthenticationtoken(", Passed::Password(1)),
    ("digestauth(", Passed::Password(1)),
    ("ntlmauth(", Passed::Password(1)),
    ("plainauth(", Passed::Password(2)),
    ("authenticate(", Passed::Password(1)),
    // MongoDB's shell.
    ("db.auth(", Passed::Password(1)),
    ("simple_bind_s(", Passed::Password(1)),
    ("simple_bind(", Passed::Password(1)),
    ("ldap_bind(", Passed::Password(2)),
    ("ftp_login(", Passed::Password(2)),
    ("imap_open(", Passed::Password(2)),
    ("ssh2_auth_password(", Passed::Password(2)),
    ("create_superuser(", Passed::Password(2)),
    // Salesforce's in Python, Perl and PHP.
    ("= salesforce(", Passed::Password(1)),
    // JDBC, PHP's PDO and mysqli, sbt.
    ("drivermanager.getconnection(", Passed::Password(2)),
    ("new pdo(", Passed::Password(2)),
    ("new mysqli(", Passed::Password(2)),
    ("mysqli_connect(", Passed::Password(2)),
    ("mysql_connect(", Passed::Password(2)),
    ("mysqldb.connect(", Passed::Password(2)),
    ("pymysql.connect(", Passed::Password(2)),
    ("odbc_connect(", Passed::Password(2)),
    ("oci_connect(", Passed::Password(1)),
    ("oracle.connect(", Passed::Password(1)),
    ("oracledb.connect(", Passed::Password(1)),
    ("ftplib.ftp(", Passed::Password(2)),
    ("= ftp(", Passed::Password(2)),
    ("with ftp(", Passed::Password(2)),
    ("ftp_tls(", Passed::Password(2)),
    // Couchbase's and Cassandra's.
    ("passwordauthenticator(", Passed::Password(1)),
    ("influxdbclient(", Passed::Password(3)),
    // Python's `urllib` and `ldap3`.
    (".add_password(", Passed::Password(3)),
    ("connection(server, ", Passed::Password(1)),
    // What signs JSON Web Tokens: whoever knows it makes them.
    ("jwt.sign(", Passed::Password(1)),
    ("jwt.verify(", Passed::Password(1)),
    ("jwt.encode(", Passed::Password(1)),
    ("jwt.decode(", Passed::Password(1)),
    ("jwt::encode(", Passed::Password(1)),
    ("jwt::decode(", Passed::Password(1)),
    ("jwt.encode ", Passed::Password(1)),
    ("createhmac(", Passed::Password(1)),
    ("hash_hmac(", Passed::Password(2)),
    ("clientcredentials(", Passed::Password(1)),
    // Jenkins' own users, in Groovy.
    ("realm.createaccount(", Passed::Password(1)),
    ("+= credentials(", Passed::Password(3)),
    ("plaincredentials(", Passed::Password(1)),
    ("createcredential(", Passed::Password(2)),
    ("jedis.auth(", Passed::Password(0)),
    ("client(", Passed::Key),
    ("client = ", Passed::Made),
    ("credentials(\"", Passed::Key),
    ("credentials('", Passed::Key),
    ("environment(\"", Passed::Key),
    ("environment('", Passed::Key),
    ("apicontext(", Passed::Key),
    ("oauth1.newconfig(", Passed::Key),
    ("oauth1.newtoken(", Passed::Key),
    ("api(\"", Passed::Key),
    ("api('", Passed::Key),
    ("authenticator(\"", Passed::Key),
    ("authenticator('", Passed::Key),
    ("webhookhandler(\"", Passed::Key),
    ("webhookhandler('", Passed::Key),
    ("sdk(\"", Passed::Key),
    ("sdk('", Passed::Key),
    ("(key=", Passed::Named),
    ("')({", Passed::Key),
    ("\")({", Passed::Key),
    (" -t ", Passed::Flag),
    (" -k ", Passed::Flag),
    ("import ", Passed::Imported),
    ("require(", Passed::Imported),
    ("cookie: ", Passed::Cookie),
];

/// Names of cookies that stand for whoever logged in, by a part of them.
const SESSIONS: &[&[u8]] = &[b"sess", b"sid", b"auth", b"token", b"jwt", b"remember"];
/// Such names of cookies that stand for nobody.
const NO_SESSIONS: &[&[u8]] = &[b"csrf", b"xsrf", b"antiforgery", b"consent"];
/// Bytes of a header with cookies, and of the shortest session that is told from a counter or a checksum of settings.
const COOKIES: usize = 4 << 10;
const SESSION: usize = 24;

/// The credential that is passed to the call whose name ends where `here` does; a literal, or nothing.
pub(super) fn argument(text: &[u8], here: &Range<usize>, passed: Passed) -> Option<Range<usize>> {
    let name = text.get(here.clone())?;
    match passed {
        Passed::Key => {
            let before = text.get(here.start.saturating_sub(CALLEE)..here.start)?;
            let callee = before.len() - before.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
            // `acme.toEnvironment("id")` does something; `acme.newClient("key")` makes one.
            let method = callee > 0 && before.get(callee - 1) == Some(&b'.') && before.get(callee).is_some_and(u8::is_ascii_lowercase);
            if method && !name.eq_ignore_ascii_case(b"client(") {
                return None;
            }
            key(text, here.start + name.iter().rposition(|b| *b == b'(')? + 1)
        }
        Passed::Made => {
            let rest = text.get(here.end..text.len().min(here.end + CALLEE))?;
            let new = rest.strip_prefix(b"await ").unwrap_or(rest);
            let new = new.strip_prefix(b"new ").unwrap_or(new);
            let length = new.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'$')))?;
            let at = here.end + (rest.len() - new.len()) + length;
            (length > 0 && text.get(at) == Some(&b'(')).then(|| key(text, at + 1)).flatten()
        }
        Passed::Named => {
            let before = text.get(here.start.saturating_sub(CALLEE)..here.start)?;
            let length = before.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
            let made = before.get(before.len() - length..).is_some_and(imports::may_be_client);
            made.then(|| key(text, here.start + 1)).flatten()
        }
        Passed::Flag => {
            let rest = text.get(here.end..text.len().min(here.end + CALLEE))?;
            let quote = usize::from(matches!(rest.first(), Some(b'"' | b'\'')));
            let value = rest.get(quote..)?;
            let length =
                value.iter().position(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b';' | b'|')).unwrap_or(value.len());
            // Images' names hold `/` and `:`; digests and containers' ids are hexadecimal.
            let fits = value.get(..length).is_some_and(|value| {
                is_key(value)
                    && !value.iter().all(u8::is_ascii_hexdigit)
                    && value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            });
            fits.then(|| here.end + quote..here.end + quote + length)
        }
        Passed::Imported => imports::made(text, here),
        Passed::Cookie => session(text, here.end),
        Passed::Password(position) => {
            // `acmelogin(` is as good as `acme.login(`; a declaration, `def login(`, is none, and `ftp_login(` has a place of its own.
            let before = text.get(here.start.saturating_sub(4)..here.start).unwrap_or_default();
            let joined = before.last().is_some_and(|b| !b.is_ascii_whitespace()) && !before.eq_ignore_ascii_case(b"ftp_");
            if name.eq_ignore_ascii_case(b"login(") && !joined {
                return None;
            }
            let mut at = here.end;
            for _ in 0..position {
                at = behind_argument(text, at, here.end + REACH)?;
            }
            let at = blanks(text, at);
            let at = if text.get(at..)?.starts_with(b"Some(") { at + 5 } else { at };
            let span = literal(text, at)?;
            let behind = text.get(blanks(text, span.end + 1)..).unwrap_or_default();
            // Java's passwords are arrays of characters.
            let ends = matches!(behind.first(), None | Some(b',' | b')' | b';' | b'\n')) || behind.starts_with(b".toCharArray()");
            ends.then_some(span)
        }
    }
}

/// The last of the arguments at `at` that is a key: what names the account may be as random. `key: "value"` may stand among
/// others, in an object or without.
pub(super) fn key(text: &[u8], at: usize) -> Option<Range<usize>> {
    let (limit, mut at, mut found) = (at + REACH, at, None);
    for position in 0..SETTINGS {
        at = blanks(text, at);
        if text.get(at) == Some(&b'{') {
            at = blanks(text, at + 1);
        }
        let setting = setting(text, at);
        if let Some((_, value)) = setting {
            at = value;
        }
        let asked = setting.map_or(position < ARGUMENTS, |(is_key, _)| is_key);
        if let Some(span) = literal(text, at).filter(|span| asked && text.get(span.clone()).is_some_and(is_key)) {
            found = Some(span);
        }
        let Some(next) = behind_argument(text, at, limit) else { break };
        at = next;
    }
    found
}

/// Whether `name: value` or `name=value` is a key's, and where its value starts.
fn setting(text: &[u8], at: usize) -> Option<(bool, usize)> {
    let rest = text.get(at..text.len().min(at + CALLEE))?;
    let quote = usize::from(matches!(rest.first(), Some(b'"' | b'\'')));
    let name = rest.get(quote..)?;
    let length = name.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let joins = blanks(text, at + quote + length + quote);
    let width = match text.get(joins..joins + 2)? {
        b"=>" => 2,
        b"==" | b"::" | b":=" => return None,
        [b'=' | b':', _] => 1,
        _ => return None,
    };
    let is_key = name.get(..length).is_some_and(|name| KEYS.iter().any(|known| name.eq_ignore_ascii_case(known)));
    (length > 0).then(|| (is_key, blanks(text, joins + width)))
}

/// Whether a value is long and random, and no identifier.
pub(super) fn is_key(value: &[u8]) -> bool {
    let shape = Shape::of(value);
    let random = value.len() >= KEY && assign::telling(value) && shape.randomness() > 0.5;
    random && !shape.is_uuid && !shape.is_number && !shape.is_path_or_url && !quiet::is_reference(value)
}

/// The first cookie of the header at `at` that stands for whoever logged in.
pub(super) fn session(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..text.len().min(at + COOKIES))?;
    let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r' | b'"' | b'\'' | b'\\' | b'<' | b'`')).unwrap_or(rest.len());
    let mut start = at;
    for cookie in rest.get(..end)?.split(|b| *b == b';') {
        let from = start;
        start += cookie.len() + 1;
        let Some(equals) = cookie.iter().position(|b| *b == b'=') else { continue };
        let (name, value) = cookie.split_at(equals);
        let value = value.get(1..)?.trim_ascii_end();
        let holds = |words: &[&[u8]]| words.iter().any(|word| quiet::holds(name, word));
        // A signature may follow: `s%3Avalue.signature`.
        let shape = Shape::of(value);
        if holds(SESSIONS)
            && !holds(NO_SESSIONS)
            && value.len() >= SESSION
            && value.iter().any(u8::is_ascii_digit)
            && value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b':' | b'~' | b'%'))
            && shape.randomness() > 0.5
            && !quiet::is_reference(value)
        {
            let at = from + equals + 1;
            return Some(at..at + value.len());
        }
    }
    None
}

/// Behind the comma that ends the argument at `at`: a literal, a variable, a member.
fn behind_argument(text: &[u8], at: usize, limit: usize) -> Option<usize> {
    let start = blanks(text, at);
    let end = match literal(text, start).map(|span| span.end + 1).or_else(|| object(text, start, limit)) {
        Some(end) => end,
        None => {
            let rest = text.get(start..text.len().min(limit))?;
            let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$' | b'-' | b'>' | b'[' | b']' | b'&');
            start + rest.iter().take_while(|b| plain(b)).count()
        }
    };
    let comma = blanks(text, end);
    (end > start && comma < limit && text.get(comma) == Some(&b',')).then_some(comma + 1)
}

/// Behind the object or the dictionary at `at`.
fn object(text: &[u8], at: usize, limit: usize) -> Option<usize> {
    let inner = text.get(at..text.len().min(limit)).filter(|inner| inner.first() == Some(&b'{'))?;
    let mut depth = 0usize;
    let end = inner.iter().position(|b| {
        match b {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })?;
    Some(at + end + 1)
}

/// What stands in quotes at `at`.
fn literal(text: &[u8], at: usize) -> Option<Range<usize>> {
    let quote = *text.get(at).filter(|b| matches!(b, b'"' | b'\''))?;
    let rest = text.get(at + 1..text.len().min(at + REACH))?;
    let length = rest.iter().position(|b| *b == quote || *b == b'\n')?;
    (rest.get(length) == Some(&quote)).then_some(at + 1..at + 1 + length)
}

fn blanks(text: &[u8], at: usize) -> usize {
    at + text.get(at..).unwrap_or_default().iter().take(200).take_while(|b| b.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests;
