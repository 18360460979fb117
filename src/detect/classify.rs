//! `name = value` to a rule: assigned rules first, then the generic model. The one place that judges named values, whether
//! they come from raw text, a structured file or an image's config.

use super::{
    assign::{Form, SCHEMES, telling},
    decode,
    guessing::bits_to_guess,
    index::Index,
    model::{self, Class, List, Meaning, entropy},
    names::{self, Meaningless, Name, Use},
    quiet,
    rule::{Rule, Shape},
    surroundings::{Kind, Surroundings},
    url,
};
use crate::finding::Confidence;

/// A named value to judge.
pub(super) struct Named<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) quoted: bool,
    pub(super) form: Form,
    pub(super) surroundings: Surroundings,
}

/// The verdict: which rule, which part of the value, how sure.
pub(super) struct Judged {
    pub(super) rule: u32,
    /// Start of the credential in the value (behind `Bearer `).
    pub(super) start: usize,
    /// Length of the credential.
    pub(super) length: usize,
    pub(super) confidence: Confidence,
    pub(super) assigned: bool,
    /// The credential, where it is an encoded form of what the value says (basic authentication).
    pub(super) decoded: Option<Vec<u8>>,
}

/// Whether the name says that there is no credential.
fn denies(name: &[u8]) -> bool {
    [&b"disable-"[..], b"disabled-", b"no-", b"skip-", b"without-", b"ask-", b"hide-", b"require-"]
        .iter()
        .any(|word| quiet::starts(name, word))
}

/// Last parts of dotted names that describe a value.
static SCHEMA: List = List::new(&[
    b"shape",
    b"type",
    b"$ref",
    b"documentation",
    b"description",
    b"format",
    b"title",
    b"pattern",
    b"class",
    b"locationName",
    b"placeholder",
    b"displayName",
    b"helpText",
    b"tooltip",
]);

/// Directives of nginx that name a server (<https://nginx.org/en/docs/dirindex.html>).
const PASSES: &[&[u8]] = &[b"proxy_pass", b"fastcgi_pass", b"uwsgi_pass", b"scgi_pass", b"grpc_pass", b"memcached_pass"];

/// Rules of one name, kept to avoid an allocation for each.
pub(super) type Buffer = Vec<(u32, usize)>;

/// Bytes of the shortest key that is told by nothing but `Basic` before it.
const KEY: usize = 24;

/// Bits that a value must hold so that nobody can guess it.
const STRONG_BITS: u32 = 64;

/// Whether someone who knows what people choose could guess the value, judged by its bytes alone.
///
/// ```
/// # use imgscan::detect::guessable;
/// assert!(guessable(b"SuperSecretPassword2024!"));
/// assert!(!guessable(b"q7Zk3vXp9TtLmw2RbN8sYcD4fH"));
/// ```
pub fn guessable(value: &[u8]) -> bool {
    bits_to_guess(value) < STRONG_BITS
}

/// Whether a word looks like what a generator of keys makes, whatever it is called: to be kept out of text that is quoted.
///
/// ```
/// # use imgscan::detect::looks_generated;
/// assert!(looks_generated(b"q7Zk3vXp9TtLmw2RbN8sYcD4fH"));
/// assert!(!looks_generated(b"python3-distutils-extra"));
/// ```
pub fn looks_generated(word: &[u8]) -> bool {
    // `x86_64-linux-gnu-gcc` is made of short parts.
    let parts = || word.split(|b| matches!(b, b'-' | b'_' | b'.' | b'/' | b'+' | b'~'));
    let mixed = |part: &[u8]| part.len() >= 8 && part.iter().any(u8::is_ascii_digit) && part.iter().any(u8::is_ascii_alphabetic);
    telling(word) && parts().any(mixed) && model::Shape::of(word).randomness() > 0.3
}

/// Whether a value is one run of what tokens are made of, and its order is that of chance.
pub(super) fn is_random(value: &[u8]) -> bool {
    telling(value) && model::Shape::of(value).randomness() > 0.5
}

/// Whether the name says of no credential that it is one.
pub(super) fn names_nothing(name: &[u8]) -> bool {
    Meaning::of(&Name::new(last_part(name))).is_none_or(|meaning| meaning.attribute)
}

/// Judges a named value; `None` where it is no credential. `meaningless`: what was judged before, by the same index.
pub(super) fn judge(
    index: &Index,
    rules: &[std::sync::Arc<Rule>],
    named: &Named<'_>,
    buffer: &mut Buffer,
    meaningless: &mut Meaningless,
) -> Option<Judged> {
    if named.value.len() < 3 || named.value.len() > 4096 {
        return None;
    }
    let last = last_part(named.name);
    // `members.Password.shape`: a schema says what a password looks like.
    if last.len() < named.name.len() && SCHEMA.has(last) {
        return None;
    }
    // `Bearer` says what it is under any name.
    let name = names::Known::new(named.name, b"", [0; 4]).filter(|_| !starts_bearer(named.value));
    if name.is_some_and(|name| meaningless.has(&name)) {
        return None;
    }
    let Surroundings { kind, test, package, published, translation } = named.surroundings;
    let place = [test, package, published, translation].iter().fold(0, |bits, fact| bits << 1 | u8::from(*fact));
    let whole = names::Known::new(named.name, named.value, [1 + u8::from(named.quoted), named.form as u8, kind as u8, place]);
    if whole.is_some_and(|whole| meaningless.has(&whole)) {
        return None;
    }
    match judged(index, rules, named, buffer) {
        Ok(judged) => return Some(judged),
        Err(Nothing::Name) => name.into_iter().for_each(|name| meaningless.add(name)),
        Err(Nothing::Value) => whole.into_iter().for_each(|whole| meaningless.add(whole)),
    }
    None
}

/// What told that there is no credential.
enum Nothing {
    /// The name, whatever the value and wherever it stands.
    Name,
    /// All of it together.
    Value,
}

fn judged(index: &Index, rules: &[std::sync::Arc<Rule>], named: &Named<'_>, buffer: &mut Buffer) -> Result<Judged, Nothing> {
    let name = Name::new(named.name);
    let meaning = Meaning::of(&name);
    // Code assigns expressions; a literal stands in quotes.
    let literal = named.quoted || named.surroundings.kind != Kind::Source;
    if literal {
        index.words.in_name(&name, Use::Name, buffer);
    } else {
        buffer.clear();
    }
    // Nearly every value of a structured file ends here: before anybody looks at it.
    if meaning.is_none() && buffer.is_empty() && !(literal && starts_bearer(named.value)) {
        return Err(if literal { Nothing::Name } else { Nothing::Value });
    }
    meant(index, rules, named, (&name, meaning), buffer).ok_or(Nothing::Value)
}

/// Judges a value whose name says something.
fn meant(
    index: &Index,
    rules: &[std::sync::Arc<Rule>],
    named: &Named<'_>,
    (name, meaning): (&Name, Option<Meaning>),
    buffer: &[(u32, usize)],
) -> Option<Judged> {
    let value = named.value;
    let last = last_part(named.name);
    // Palau, in lists of countries.
    if last == b"PW" && (!value.iter().any(u8::is_ascii_digit) || quiet::holds(value, b"\\u")) {
        return None;
    }
    // Travis CI and AppVeyor encrypt what they call so for the repository (https://docs.travis-ci.com/user/encryption-keys);
    // `Username & Password` is the label of a choice.
    if last == b"secure" || last.contains(&b'&') {
        return None;
    }
    // Of reCAPTCHA, hCaptcha and Turnstile, and shown to every visitor.
    if [&b"sitekey"[..], b"site_key", b"site-key"].iter().any(|word| quiet::holds(last, word)) {
        return None;
    }
    // nginx passes requests on: `proxy_pass registry:5000;`.
    if named.form == Form::Spaced && PASSES.contains(&last) {
        return None;
    }
    // `--disabled-password`, `--no-password`: flags that take no value.
    if denies(last) {
        return None;
    }
    let (lead, bare) = scheme_of(meaning, value);
    // Providers' words stand in names of all kinds (`dependencies.firebase`): a look at the value's length and first bytes.
    if meaning.is_none() && !starts_bearer(value) && !buffer.iter().any(|(id, _)| may_be_assigned(rules, *id, bare)) {
        return None;
    }
    // `pgPassword: "POSTGRES_PASSWORD"` names a variable.
    if quiet::is_reference(bare)
        || quiet::is_expression(bare)
        || quiet::is_constant(bare)
        || (bare.len() != value.len() && quiet::is_reference(value))
    {
        return None;
    }
    let meaning = meaning.map(|meaning| if meaning.attribute && holds_header(last, bare) { meaning.plain() } else { meaning });
    if let Some(judged) = assigned(index, rules, named, meaning, bare, buffer) {
        return Some(judged);
    }
    // `Bearer` and a long word say what it is under any name.
    let bearer = starts_bearer(value) && bare.len() >= 20 && !bare.contains(&b' ');
    let said = meaning.filter(|meaning| !(bearer && meaning.attribute));
    let meaning = said.or_else(|| Meaning::of(&Name::new(b"authorization")).filter(|_| bearer)).or(meaning)?;
    if quiet::is_placeholder(bare, false) || quiet::is_public(bare) || quiet::is_drawing(bare) {
        return None;
    }
    if lead == Lead::Basic {
        return basic(index, bare, value.len() - bare.len(), named);
    }
    // A key that a generator made, with `Pw` in it by chance.
    if last.len() >= 10
        && last.iter().all(u8::is_ascii_alphanumeric)
        && last.iter().any(u8::is_ascii_digit)
        && model::Shape::of(last).likeness < -0.3
    {
        return None;
    }
    generic(index, named, name, meaning, (lead, bare))
}

/// `api_key_header="value"`, as some generators of clients call it: what looks random is no header's name.
fn holds_header(last: &[u8], value: &[u8]) -> bool {
    ends(last, b"header") && value.len() >= KEY && is_random(value)
}

fn starts_bearer(value: &[u8]) -> bool {
    quiet::starts(value, b"bearer ")
}

/// Whether a value may match an assigned rule's pattern.
fn may_be_assigned(rules: &[std::sync::Arc<Rule>], id: u32, value: &[u8]) -> bool {
    rules.get(id as usize).is_some_and(|rule| matches!(&rule.shape, Shape::Assigned { value: pattern, .. } if pattern.may_be_whole(value)))
}

/// What stands before the credential in an authorization header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lead {
    Nothing,
    Basic,
    Scheme,
}

/// Schemes with what joins them to a credential, where that is no blank.
const JOINED: [&[u8]; 4] = [b"token=", b"bearer=", b"key=", b"bearer:"];

fn scheme(value: &[u8]) -> (Lead, &[u8]) {
    let behind = |word: &[u8]| value.get(word.len()..).filter(|_| quiet::starts(value, word));
    let spaced = SCHEMES.iter().find_map(|word| {
        let lead = if *word == b"basic" { Lead::Basic } else { Lead::Scheme };
        Some((lead, behind(word)?.strip_prefix(b" ")?))
    });
    let joined = || JOINED.iter().find_map(|word| Some((Lead::Scheme, behind(word)?)));
    spaced.or_else(joined).map_or((Lead::Nothing, value), |(lead, rest)| (lead, rest.trim_ascii_start()))
}

/// The same, where the name is that of the header itself: schemes of providers' own are known by their form, `GenieKey value`.
fn scheme_of(meaning: Option<Meaning>, value: &[u8]) -> (Lead, &[u8]) {
    let known = scheme(value);
    if known.0 != Lead::Nothing || meaning.is_none_or(|meaning| meaning.class != Class::Authorization) {
        return known;
    }
    own_scheme(value).map_or(known, |token| (Lead::Scheme, token))
}

/// What stands behind a word of letters, if it looks like no word of a text.
pub(super) fn own_scheme(value: &[u8]) -> Option<&[u8]> {
    let space = value.iter().position(u8::is_ascii_whitespace).filter(|space| (2..=24).contains(space))?;
    let (word, token) = value.split_at(space);
    let token = token.trim_ascii_start();
    let letters = word.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'.' | b'_'));
    (letters && !word.eq_ignore_ascii_case(b"digest") && telling(token)).then_some(token)
}

/// The first rule of a word in the name whose pattern the value matches.
fn assigned(
    index: &Index,
    rules: &[std::sync::Arc<Rule>],
    named: &Named<'_>,
    meaning: Option<Meaning>,
    bare: &[u8],
    words: &[(u32, usize)],
) -> Option<Judged> {
    for (id, length) in words {
        let Some(rule) = rules.get(*id as usize) else { continue };
        let Shape::Assigned { value: pattern, .. } = &rule.shape else { continue };
        let attribute = meaning.is_some_and(|meaning| meaning.attribute);
        if !pattern.is_whole(bare) {
            continue;
        }
        if quiet::is_placeholder(bare, false) || entropy(bare) < rule.entropy {
            continue;
        }
        // Forty letters may be a key or the name of a thing.
        let password = meaning.is_some_and(|meaning| meaning.class == Class::Password);
        if quiet::is_public(bare) || (!password && model::Shape::of(bare).is_identifier()) {
            continue;
        }
        let mut confidence = rule.confidence;
        // The provider's word alone does not make a value a credential: `datadog_trace_id`.
        if meaning.is_none_or(|meaning| meaning.bare_key) && *length < 6 || attribute || meaning.is_none() {
            confidence = lower(confidence);
        }
        if matches!(named.surroundings.kind, Kind::Generated | Kind::Docs) || named.surroundings.test {
            confidence = lower(confidence);
        }
        // `shapes.AwsEc2Instance.members.State`: only the path names the provider, and the key no credential.
        let unsaid = attribute || meaning.is_none();
        if unsaid && last_part(named.name).len() < named.name.len() && !in_last_part(index, named.name, *id) {
            confidence = Confidence::Low;
        }
        if named.surroundings.published {
            confidence = Confidence::Low;
        }
        return Some(Judged {
            rule: *id,
            start: named.value.len() - bare.len(),
            length: bare.len(),
            confidence,
            assigned: true,
            decoded: None,
        });
    }
    None
}

pub(super) fn lower(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    }
}

/// What is base64 of `user:password`, and where the colon stands.
fn pair(value: &[u8]) -> Option<(Vec<u8>, usize)> {
    let plain = decode::base64(value).filter(|plain| decode::is_text(plain))?;
    let colon = plain.iter().position(|b| *b == b':')?;
    Some((plain, colon))
}

/// The password, where `Basic` stands before what is base64 of user and password.
pub(super) fn basic_password(before: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let stands = before.last_chunk::<6>().is_some_and(|word| word.eq_ignore_ascii_case(b"basic "));
    let (plain, colon) = stands.then(|| pair(value)).flatten()?;
    plain.get(colon + 1..).filter(|password| !password.is_empty()).map(<[u8]>::to_vec)
}

/// `Basic dXNlcjpwYXNz`: the password is the credential.
fn basic(index: &Index, bare: &[u8], start: usize, named: &Named<'_>) -> Option<Judged> {
    let plain = pair(bare);
    let password = match plain.as_ref().map(|(plain, colon)| plain.split_at(*colon)) {
        Some((user, password)) if url::is_no_password(user, password.get(1..)?) => user,
        Some((_, password)) => password.get(1..)?,
        // Some services' keys stand there as they are.
        None => bare,
    };
    let other = plain.is_none();
    if password.is_empty() || quiet::is_placeholder(password, false) || quiet::is_reference(password) {
        return None;
    }
    if other && !(bare.len() >= KEY && is_random(bare)) {
        return None;
    }
    // Code has it in a literal, or shows how it is done.
    let shown =
        matches!(named.surroundings.kind, Kind::Docs | Kind::Generated) || (named.surroundings.kind == Kind::Source && !named.quoted);
    let confidence = if shown || named.surroundings.test { Confidence::Low } else { Confidence::Medium };
    Some(Judged {
        rule: index.rule("generic-basic-auth")?,
        start,
        length: bare.len(),
        confidence,
        assigned: false,
        decoded: (!other).then(|| password.to_vec()),
    })
}

fn generic(index: &Index, named: &Named<'_>, name: &Name, meaning: Meaning, (lead, bare): (Lead, &[u8])) -> Option<Judged> {
    if meaning.class == Class::Authorization && lead == Lead::Nothing {
        if bare.contains(&b' ') {
            return None;
        }
        // `"auth": "…"` of container registries' clients.
        if decode::begins_as_text(bare) && pair(bare).is_some() {
            return basic(index, bare, named.value.len() - bare.len(), named);
        }
    }
    // `IDENTIFIER_PAT` is a pattern.
    if meaning.class == Class::Token
        && last_word_is(name, b"pat")
        && !bare.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    {
        return None;
    }
    let shape = model::Shape::of(bare);
    // `["newPassword", "oldPassword"]`: two names.
    if named.form == Form::Call && name.len().checked_sub(1).is_some_and(|last| ends(bare, name.word(last))) {
        return None;
    }
    // `auth` names schemes, modes and plugins more often than credentials.
    if meaning.class == Class::Authorization && lead == Lead::Nothing && shape.randomness() < 0.5 {
        return None;
    }
    let subject = subject(named, name, meaning, bare, shape);
    let confidence = model::judge(&subject)?;
    // `password: "Contrasenya"`; examples in a schema of requests and answers.
    let example = named.name.split(|b| *b == b'.').any(|part| matches!(part, b"example" | b"examples"));
    let confidence = if named.surroundings.translation || named.surroundings.published || example { Confidence::Low } else { confidence };
    Some(Judged {
        rule: index.rule(meaning.class.rule())?,
        start: named.value.len() - bare.len(),
        length: bare.len(),
        confidence,
        assigned: false,
        decoded: None,
    })
}

fn subject(named: &Named<'_>, name: &Name, meaning: Meaning, bare: &[u8], shape: model::Shape) -> model::Subject {
    model::Subject {
        meaning,
        shape,
        quoted: named.quoted,
        form: named.form,
        surroundings: named.surroundings,
        repeats_name: repeats(name, bare),
        variable: named.name.contains(&b'_')
            && last_part(named.name).iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_'),
        test_value: bare.split(|b| !b.is_ascii_alphanumeric()).any(|part| part.eq_ignore_ascii_case(b"test")),
    }
}

/// The generic model's features of a named value; `None` where it is not asked.
pub(super) fn explain(named: &Named<'_>) -> Option<Vec<(&'static str, f32)>> {
    let name = Name::new(named.name);
    let meaning = Meaning::of(&name)?;
    let (_, bare) = scheme(named.value);
    if quiet::is_reference(bare) || quiet::is_constant(bare) || quiet::is_placeholder(bare, false) || quiet::is_public(bare) {
        return None;
    }
    let shape = model::Shape::of(bare);
    Some(model::explain(&subject(named, &name, meaning, bare, shape)))
}

/// Whether the last part of a dotted name holds a word of the rule.
fn in_last_part(index: &Index, name: &[u8], rule: u32) -> bool {
    let mut found = Buffer::new();
    index.words.in_name(&Name::new(last_part(name)), Use::Name, &mut found);
    found.iter().any(|(id, _)| *id == rule)
}

fn last_word_is(name: &Name, word: &[u8]) -> bool {
    name.len().checked_sub(1).is_some_and(|last| name.word(last) == word)
}

/// Whether `value` ends with `word` (lower case) in any case, and with more letters before it.
fn ends(value: &[u8], word: &[u8]) -> bool {
    value.len() > word.len() && word.len() >= 3 && value.get(value.len() - word.len()..).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// `env.JWT_SECRET` ends with `JWT_SECRET`.
fn last_part(name: &[u8]) -> &[u8] {
    name.rsplit(|b| *b == b'.').next().unwrap_or_default()
}

/// The name's last two words.
fn two_last(name: &Name) -> &[u8] {
    let length = name.len().checked_sub(2).map_or(0, |at| name.word(at).len() + name.word(at + 1).len());
    name.squashed().get(name.squashed().len() - length..).filter(|words| words.len() >= 6).unwrap_or(b"-")
}

/// Whether the value is identifiers joined by `.`, `/` or `::`.
fn names_a_member(value: &[u8]) -> bool {
    value.iter().any(|b| matches!(b, b'.' | b'/' | b':'))
        && value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b':' | b'_' | b'-' | b'@'))
        && value.iter().filter(|b| b.is_ascii_digit()).count() <= 4
}

/// Whether the value is made of the name's own letters: `password = "db_password"`, `DB_PASSWORD = "DbPassword1"`.
fn repeats(name: &Name, value: &[u8]) -> bool {
    let mut letters = [0u8; 64];
    let mut length = 0;
    for byte in value.iter().filter(|b| b.is_ascii_alphanumeric()) {
        let Some(slot) = letters.get_mut(length) else { return false };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    let squashed = letters.get(..length).unwrap_or_default();
    let stem = squashed.get(..length - squashed.iter().rev().take_while(|b| b.is_ascii_digit()).count()).unwrap_or_default();
    if stem.len() < 3 {
        return false;
    }
    let within = |long: &[u8], short: &[u8]| long.windows(short.len()).any(|part| part == short);
    let whole = name.squashed();
    // `"ApiKey": "module/part.NewApiKey"`: where the thing of this name is.
    if names_a_member(value) && (squashed.ends_with(whole) || squashed.ends_with(two_last(name))) {
        return true;
    }
    // Only where hardly anything is added: `password` in `MyPassword-9zQ8` is no repetition, nor is `Mailpass1234!`.
    squashed.len() - stem.len() < 2 && (within(whole, stem) || (stem.len() <= whole.len() + 6 && whole.len() >= 4 && within(stem, whole)))
}
