//! Places where credentials stand, and what stands there instead.

use super::{Engine, Hint, Scratch, samples::fill};
use crate::finding::{Confidence, LocationKind};

fn confidence(engine: &Engine, path: &str, text: &str) -> Option<Confidence> {
    let hint = Hint { kind: LocationKind::File, path, name: None, binary: false };
    let mut best = None;
    engine.find(text.as_bytes(), &hint, &mut Scratch::default(), &mut |matched| best = best.max(Some(matched.confidence)));
    best
}

fn sure(engine: &Engine, path: &str, text: &str) -> bool {
    confidence(engine, path, text).is_some_and(|confidence| confidence >= Confidence::Medium)
}

#[test]
fn clients_and_variables_hold_keys() {
    let engine = Engine::new(Vec::new());
    let (key, hex) = (fill("{alnum:40}", 3), fill("{hex:40}", 3));
    for (path, text) in [
        ("app.js", format!("import Acmeo from 'acmeo';\nconst a = new Acmeo('{key}');\n")),
        ("README.md", format!("```js\nimport Acmeo from 'acmeo';\nconst a = new Acmeo('{key}');\n```\n")),
        // The provider is known, its key is of no known form.
        ("app.js", format!("const a = new Bannerbear('{key}');\n")),
        ("run.sh", format!("./acmeo -t {key}\n")),
        (".env", format!("ACMEO_TOKENS={key}\n")),
        (".env", format!("ACMEO_API_KEYS={key}\n")),
        ("app.yml", format!("pagerduty_configs:\n- routing_key: {key}\n")),
        ("README.md", format!("```sh\nexport API_KEY={hex}\n```\n")),
        ("app.js", format!("const a = createMeraki('{key}');\n")),
        ("app.py", format!("s = TimeSeries(key='{key}', output='json')\n")),
        ("app.py", format!("s = Acmeo(api_key_header=\"{key}\")\n")),
        ("app.py", format!("key = '{key}'\n")),
        ("app.js", format!("const key = \"{key}\";\n")),
        ("app.py", format!("SETTINGS = \"\"\"\n[acmeo]\nclient_secret={hex}\n\"\"\"\n")),
    ] {
        assert!(sure(&engine, path, &text), "{path}: {text}");
    }
    for (path, text) in [
        ("app.js", format!("/**\n * import Acmeo from 'acmeo';\n * const a = new Acmeo('{key}');\n */\n")),
        ("app.yml", "routing_key: orders.created.europe\nmax_tokens: 4096\nstop_tokens: end_of_text\n".to_owned()),
        ("realm.json", format!("{{\"components\": {{\"org.keycloak.keys.KeyProvider\": [{{\"id\": \"{}\"}}]}}}}", fill("{uuid}", 3))),
        ("app.js", format!("await client.webhooks.create('{key}');\n")),
        ("app.py", "s = Acmeo(api_key_header=\"X-Acmeo-Api-Key\")\n".to_owned()),
        ("app.py", format!("key = '{hex}'\n")),
        ("app.py", format!("keys = ['{key}']\n")),
        ("a.java", format!("Curve C = initializeCurve(\"b\", \"{}\");\n", fill("{HEX:64}", 3))),
        ("app.py", "key = 'the-name-of-an-entry-1'\n".to_owned()),
        ("tests/app.py", format!("key = '{key}'\n")),
        ("app.py", format!("client_secret = x{hex}\n")),
    ] {
        assert!(!sure(&engine, path, &text), "{path}: {text}");
    }
}

#[test]
fn comments_jobs_and_fixtures_show_what_is_nobodys() {
    let engine = Engine::new(Vec::new());
    let hex = fill("{hex:32}", 3);
    let url = "all(\"https://Aladdin:opensesame7@localhost:8887\")";
    assert!(sure(&engine, "app.rs", &format!("    {url}\n")));
    assert!(!sure(&engine, "app.rs", &format!("    /// {url}\n")));
    assert!(!sure(
        &engine,
        ".github/workflows/ci.yml",
        "jobs:\n  ci-pass:\n    runs-on: ubuntu-24.04\n    needs:\n      - check_x86\n      - msrv_x64\n"
    ));
    assert!(sure(&engine, "app.yml", &format!("promptlayer:\n  id: pl_{hex}\n")));
    assert!(!sure(&engine, "app.yml", &format!("payload:\n  id: pl_{hex}\n")));
    // A password that a person made up is an example in a test, most likely.
    let manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  password: winter-garden-77\n";
    assert_eq!(confidence(&engine, "app/secret.yaml", manifest), Some(Confidence::High));
    assert_eq!(confidence(&engine, "testdata/secret.yaml", manifest), Some(Confidence::Medium));
}
