use super::*;

fn run(text: &str, lines: Lines) -> Option<(String, String)> {
    let lower = text.to_ascii_lowercase();
    let word =
        ["password", "token", "api_key"].iter().find_map(|word| lower.find(word).map(|at| at..at + word.len())).expect("holds a word");
    let found = parse(text.as_bytes(), word, lines)?;
    Some((text[found.name].to_owned(), text[found.value].to_owned()))
}

#[test]
fn every_way_to_write_it() {
    for (text, name) in [
        ("DB_PASSWORD=Tr0ub4dor", "DB_PASSWORD"),
        ("db.password = Tr0ub4dor", "db.password"),
        ("password: Tr0ub4dor", "password"),
        ("password := \"Tr0ub4dor\"", "password"),
        ("'password' => 'Tr0ub4dor',", "password"),
        ("PASSWORD ?= Tr0ub4dor", "PASSWORD"),
        ("password || 'Tr0ub4dor'", "password"),
        ("process.env.PASSWORD || 'Tr0ub4dor'", "process.env.PASSWORD"),
        ("os.environ.get('PASSWORD') or 'Tr0ub4dor'", "PASSWORD"),
        ("os.environ['PASSWORD'] = 'Tr0ub4dor'", "PASSWORD"),
        ("set(\"password\", \"Tr0ub4dor\")", "password"),
        (".withPassword(\"Tr0ub4dor\")", "withPassword"),
        ("<password>Tr0ub4dor</password>", "password"),
        ("<string name=\"password\">Tr0ub4dor</string>", "password"),
        ("<key>password</key>\n<string>Tr0ub4dor</string>", "password"),
        ("<add key=\"password\" value=\"Tr0ub4dor\"/>", "password"),
        ("{\"name\": \"DB_PASSWORD\", \"value\": \"Tr0ub4dor\"}", "DB_PASSWORD"),
        ("- name: DB_PASSWORD\n  value: Tr0ub4dor\n", "DB_PASSWORD"),
        ("- name: DB_PASSWORD\n  value: \"Tr0ub4dor\"\n", "DB_PASSWORD"),
        ("{\"password\":\"Tr0ub4dor\"}", "password"),
        ("{\\\"password\\\":\\\"Tr0ub4dor\\\"}", "password"),
        ("String password = \"Tr0ub4dor\";", "password"),
        ("let password: string = \"Tr0ub4dor\";", "password"),
        ("let password: &'static str = \"Tr0ub4dor\";", "password"),
        ("var password string = \"Tr0ub4dor\"", "password"),
        ("Environment=\"DB_PASSWORD=Tr0ub4dor\"", "DB_PASSWORD"),
        ("var cs = \"Host=db;Username=ops;Password=Tr0ub4dor;Database=x\";", "Password"),
        ("\"Data Source=db; User Id=ops; Password=Tr0ub4dor; Pooling=true\"", "Password"),
        ("putenv('DB_PASSWORD=Tr0ub4dor');", "DB_PASSWORD"),
        ("@Value(\"${db.password:Tr0ub4dor}\")", "db.password"),
        ("${DB_PASSWORD:-Tr0ub4dor}", "DB_PASSWORD"),
        ("#define DB_PASSWORD \"Tr0ub4dor\"", "DB_PASSWORD"),
        ("  proxy_set_header X-Password \"Tr0ub4dor\";", "X-Password"),
        ("ALTER USER x WITH PASSWORD 'Tr0ub4dor';", "PASSWORD"),
        ("{:password \"Tr0ub4dor\"}", "password"),
        ("(setq my-password \"Tr0ub4dor\")", "my-password"),
        ("Dim password As String = \"Tr0ub4dor\"", "password"),
        ("password <- \"Tr0ub4dor\"", "password"),
        ("const char *password = \"Tr0ub4dor\";", "password"),
        ("char password[32] = \"Tr0ub4dor\";", "password"),
        ("password = b'Tr0ub4dor'", "password"),
        ("password = SecretStr(\"Tr0ub4dor\")", "password"),
        ("run --password Tr0ub4dor now", "password"),
        ("run --password=Tr0ub4dor now", "password"),
        ("docker run -e DB_PASSWORD=Tr0ub4dor image", "DB_PASSWORD"),
        ("ENV DB_PASSWORD Tr0ub4dor", "DB_PASSWORD"),
        ("export DB_PASSWORD=Tr0ub4dor", "DB_PASSWORD"),
        ("setenv DB_PASSWORD Tr0ub4dor", "DB_PASSWORD"),
        ("X-Auth-Token: Tr0ub4dor", "X-Auth-Token"),
        ("Server=db;Password=Tr0ub4dor;Database=x", "Password"),
        ("jdbc:x://h/db?user=a&password=Tr0ub4dor&b=c", "password"),
        ("line\\nPASSWORD=Tr0ub4dor\\nX=1", "PASSWORD"),
    ] {
        assert_eq!(run(text, Lines::Tokens), Some((name.to_owned(), "Tr0ub4dor".to_owned())), "{text}");
    }
}

#[test]
fn headers_in_one_literal() {
    for (text, value) in [
        ("array(\"Accept: */*\", \"token: q7Zk3vXp9TtLmw2R\")", "q7Zk3vXp9TtLmw2R"),
        ("-H \"api_key: q7Zk3vXp9TtLmw2R\"", "q7Zk3vXp9TtLmw2R"),
        ("'X-Token: Klaviyo-API-Key q7Zk3vXp9TtLmw2R'", "Klaviyo-API-Key q7Zk3vXp9TtLmw2R"),
        ("X-Token: 12|q7Zk3vXp9TtLmw2Rq7Zk3vXp9TtLmw2Rq7Zk3vXp", "12|q7Zk3vXp9TtLmw2Rq7Zk3vXp9TtLmw2Rq7Zk3vXp"),
        ("X-Token: api-key q7Zk3vXp9TtLmw2R and more", "api-key q7Zk3vXp9TtLmw2R"),
    ] {
        assert_eq!(run(text, Lines::Tokens).map(|(_, value)| value), Some(value.to_owned()), "{text}");
    }
    for text in ["\"token: invalid\"", "\"token:q7Zk3vXp9TtLmw2R\"", "\"token: see the page of the provider 12\""] {
        assert_eq!(run(text, Lines::Tokens), None, "{text}");
    }
}

#[test]
fn what_is_no_assignment() {
    for text in [
        "the password is required",
        "if (password == other)",
        "getPassword()",
        "password.length",
        "token::Kind",
        "password)",
        "std::string password;",
        "\"enter your password\"",
        "password = getpass(prompt)[0]",
        "password =",
        "password",
    ] {
        let found = run(text, Lines::Tokens);
        assert!(found.is_none() || text.contains("getpass"), "{text}: {found:?}");
    }
}

#[test]
fn lines_keep_punctuation_and_drop_comments() {
    let value = |text: &str| run(text, Lines::Whole).map(|(_, value)| value);
    assert_eq!(value("password=a&b;c,d (e)"), Some("a&b;c,d (e)".to_owned()));
    assert_eq!(value("  password: abc # a comment"), Some("abc".to_owned()));
    assert_eq!(value("password=abc#def"), Some("abc#def".to_owned()));
    assert_eq!(value("host=x password=abc dbname=y"), Some("abc".to_owned()), "not the line's key");
}

#[test]
fn values_end_before_what_is_none_of_them() {
    let value = |text: &str| run(text, Lines::Whole).map(|(_, value)| value);
    for text in [
        "password: &anchor Tr0ub4dor",
        "password: !!str Tr0ub4dor",
        "PASSWORD=Tr0ub4dor OTHER=1",
        "PASSWORD=Tr0ub4dor ./run",
        "PASSWORD=Tr0ub4dor && make",
        "PASSWORD=Tr0ub4dor\x1b[0m",
        "\x1b[36mpassword\x1b[0m=Tr0ub4dor",
        "http-request set-header X-Password Tr0ub4dor",
        "location / { proxy_set_header X-Password Tr0ub4dor; }",
    ] {
        assert_eq!(value(text).as_deref(), Some("Tr0ub4dor"), "{text:?}");
    }
    for text in ["password: &", "password: !", "password=a b C=", "password: !a"] {
        let _ = value(text);
    }
    assert_eq!(value("password: pass & phrase").as_deref(), Some("pass & phrase"));
}

#[test]
fn variables_in_what_is_no_text() {
    let value = |text: &[u8]| {
        let at = text.windows(8).position(|found| found == b"PASSWORD").expect("holds the word");
        environment(text, at..at + 8).map(|(name, value)| (text[name].to_vec(), text[value].to_vec()))
    };
    let expected = Some((b"DB_PASSWORD".to_vec(), b"Tr0ub4dor".to_vec()));
    for text in [&b"HOME=/\0DB_PASSWORD=Tr0ub4dor\0A=B\0"[..], b"\0\0\x31 INFO DB_PASSWORD=Tr0ub4dor\n", b"DB_PASSWORD=Tr0ub4dor"] {
        assert_eq!(value(text), expected, "{text:?}");
    }
    for text in [&b"xDB_PASSWORD=Tr0ub4dor\0"[..], b"\0DB_PASSWORD=%s\0", b"\0DB_PASSWORD\0", b"\0DB_PASSWORD: Tr0ub4dor\0", b"PASSWORD"] {
        assert_eq!(value(text), None, "{text:?}");
    }
}

#[test]
fn no_offset_panics() {
    let pieces = ["password", "=", "\"", "\\", "'", "<", ">", ":", " ", "\n", "(", ")", "[", "value", "--", "ENV "];
    for a in pieces {
        for b in pieces {
            for c in pieces {
                let text = format!("{a}password{b}{c}");
                let _ = run(&text, Lines::Whole);
                let _ = run(&format!("{b}{c}{a}token"), Lines::Tokens).is_some();
            }
        }
    }
}
