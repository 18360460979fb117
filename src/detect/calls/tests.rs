use super::*;
use crate::detect::samples;

pub(super) fn of(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    CALLS.iter().find_map(|(call, passed)| {
        let at = lower.find(call)?;
        argument(text.as_bytes(), &(at..at + call.len()), *passed).map(|span| text[span].to_owned())
    })
}

#[test]
fn passwords_by_position() {
    for text in [
        "server.login('a@b.net', 'Tr0ub4dor')",
        "$ftp->login( user,\n  \"Tr0ub4dor\", done)",
        "req.SetBasicAuth(\"ops\", \"Tr0ub4dor\")",
        ".basic_auth(\"ops\", Some(\"Tr0ub4dor\"))",
        "DriverManager.getConnection(URL, config.user, \"Tr0ub4dor\");",
        "new PDO($dsn, 'ops', 'Tr0ub4dor');",
        "salesforcelogin('ops@a.net', 'Tr0ub4dor')",
        "$client->authenticate('ops', 'Tr0ub4dor');",
        "c.simple_bind_s(\"cn=ops,dc=a\", \"Tr0ub4dor\")",
        "smtp.PlainAuth(\"\", \"ops\", \"Tr0ub4dor\", host)",
        "MongoCredential.createCredential(\"ops\", DATABASE, \"Tr0ub4dor\".toCharArray());",
        "jedis.auth(\"Tr0ub4dor\");",
        "ftp = FTP('a.net', 'ops', 'Tr0ub4dor')",
        "PasswordAuthenticator('ops', 'Tr0ub4dor'))",
        "InfluxDBClient('a.net', 8086, 'ops', 'Tr0ub4dor', 'stats')",
        "manager.add_password(None, url, 'ops', 'Tr0ub4dor')",
        "Connection(server, 'cn=ops,dc=a', 'Tr0ub4dor', auto_bind=True)",
        "jwt.sign({ id: 1, of: { a: b } }, 'Tr0ub4dor', { expiresIn: '1h' })",
        "token = JWT.encode payload, 'Tr0ub4dor', 'HS256'",
        "JWT::encode($payload, 'Tr0ub4dor', 'HS256')",
        "crypto.createHmac('sha256', 'Tr0ub4dor').update(x)",
        "hash_hmac('sha256', $data, 'Tr0ub4dor')",
        "hudsonRealm.createAccount(\"ops\",\"Tr0ub4dor\")",
        "jwt.encode(payload, \"Tr0ub4dor\", algorithm='HS256')",
        "User.objects.create_superuser('ops', 'a@b.net', 'Tr0ub4dor')",
    ] {
        assert_eq!(of(text).as_deref(), Some("Tr0ub4dor"), "{text}");
    }
    for text in [
        "def login('a', 'b')",
        "x.login('a')",
        "x.login('a', 'b'.trim())",
        "x.login('a', b)",
        "x.login('a', 'b' + c)",
        "x.login(, 'b')",
        "x.login('a', 'b",
        "x.login(f(a), 'b')",
        "jwt.sign({ id: 1, 'b')",
        "jwt.sign(payload, key)",
    ] {
        assert_eq!(of(text), None, "{text}");
    }
}

#[test]
fn sessions_among_cookies() {
    let (hex, signed) = (samples::fill("{hex:64}", 3), samples::fill("s%3A{alnum:32}.{b64:43}", 3));
    assert_eq!(of(&format!("Cookie: theme=dark; session={hex}; lang=de\n")), Some(hex.clone()));
    assert_eq!(of(&format!("curl -H 'Cookie: connect.sid={signed}' https://a.net")), Some(signed));
    for other in [
        format!("Cookie: theme={hex}"),
        format!("Cookie: csrf_token={hex}"),
        "Cookie: session=short1".to_owned(),
        "Cookie: session=${SESSION_OF_SOMEBODY_OR_OTHER_1}".to_owned(),
        "Cookie: session=the-session-that-you-were-given-1".to_owned(),
        "Cookie: session".to_owned(),
    ] {
        assert_eq!(of(&other), None, "{other}");
    }
}

#[test]
fn keys_of_clients() {
    let key = samples::fill("{alnum:32}", 3);
    assert_eq!(of(&format!("new AcmeClient('{key}')")), Some(key.clone()));
    assert_eq!(of(&format!("acme.NewClient(\"{key}\", opts)")), Some(key.clone()));
    // What names the account stands before.
    let account = samples::fill("AC{hex:32}", 5);
    for call in [
        format!("new AcmeClient('acme', '{key}')"),
        format!("acme.RestClient(\n  \"{account}\",\n  \"{key}\"\n)"),
        format!("AcmeClient('anon', 12345, '{key}')"),
        format!("new AcmeEnvironment(\"{account}\", \"{key}\")"),
        format!("new StaticCredentials('acme', '{key}')"),
        format!("client = acme.Acme(\"{key}\")"),
        format!("const client = new Acme('{key}')"),
        format!("client = await Acme::connect('acme', '{key}')"),
    ] {
        assert_eq!(of(&call), Some(key.clone()), "{call}");
    }
    assert_eq!(of(&format!("client = '{key}'")), None);
    assert_eq!(of(&format!("client = by_id['{key}']")), None);
    assert_eq!(of(&format!("IAMAuthenticator('{key}')")), Some(key.clone()));
    assert_eq!(of(&format!("new Acme\\Client('my-company', '{key}')")), Some(key.clone()));
    assert_eq!(of(&format!("client('my-company', key='{key}')")), Some(key.clone()));
    assert_eq!(of(&format!("new AcmeClient({{\n  region: 'eu',\n  key: '{key}'\n}})")), Some(key.clone()));
    assert_eq!(of(&format!("new AcmeClient({{ region: 'eu', id: '{key}' }})")), None);
    assert_eq!(of(&format!("client('my-company') + '{key}'")), None);
    assert_eq!(of(&format!("./acme -t {key}\n")), Some(key.clone()));
    assert_eq!(of(&format!("acme run -k '{key}' | less")), Some(key.clone()));
    for typed in [
        "docker build -t acme/app:{alnum:20} .",
        "docker build -t acme-application-of-us .",
        "sort -k 2 {alnum:32}",
        "podman logs -t {hex:64}",
        "a -t {uuid}",
    ] {
        assert_eq!(of(&samples::fill(typed, 3)), None, "{typed}");
    }
    assert_eq!(of(&format!("acme.toEnvironment('{key}')")), None);
    for other in ["{uuid}", "https://a.net/{alnum:20}", "application-name-{digits:2}", "{alnum:12}"] {
        assert_eq!(of(&format!("new AcmeClient('{}')", samples::fill(other, 3))), None, "{other}");
    }
}
