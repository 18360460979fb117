//! The same findings, with layer and state, wherever the image is read from.

use serde_json::{Value, json};

use crate::support::{
    image::{Changeset, Image, Stored, index},
    imgscan::Imgscan,
    registry::Registry,
    report::{findings, places},
    samples::github_token,
};

fn tokens() -> [String; 4] {
    [1, 2, 3, 4].map(github_token)
}

/// Four tokens: deleted, overwritten, live, and in the config.
fn leaky() -> Image {
    let [deleted, overwritten, live, env] = tokens();
    let file = |token: &str| format!("# settings\nGITHUB_TOKEN={token}\n");
    let first = Changeset::new().file("app/.env", file(&deleted)).file("app/config.env", file(&overwritten)).tar();
    let second = Changeset::new().file("app/config.env", "GITHUB_TOKEN=\n").whiteout("app/.env").file("srv/live.env", file(&live)).tar();
    Image::new()
        .layer_as("COPY . /app # buildkit", first, Stored::GzipMembers(2))
        .layer_as("RUN rm /app/.env # buildkit", second, Stored::Zstd)
        .bare_env(&format!("GH_TOKEN={env}"))
}

/// What of a finding does not depend on how the image is stored.
fn essence(report: &Value) -> Vec<Value> {
    let of = |finding: &Value| {
        let layer = &finding["layer"];
        json!({
            "rule": finding["rule"], "state": finding["state"], "fingerprint": finding["fingerprint"], "location": finding["location"],
            "layer": layer["index"], "diff_id": layer["diff_id"], "created_by": layer["created_by"],
        })
    };
    findings(report).iter().map(of).collect()
}

fn scan(prepare: impl FnOnce(Imgscan) -> Imgscan) -> Value {
    let outcome = prepare(Imgscan::new().args(["--format", "json"])).run().exits(1);
    for token in tokens() {
        assert!(!outcome.stdout.contains(&token) && !outcome.stderr.contains(&token), "a secret was printed");
    }
    outcome.json()
}

#[test]
fn the_same_from_every_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("writable");
        path.display().to_string()
    };
    let image = leaky();
    let built = image.build();
    let layout = folder.path().join("layout");
    built.layout(&layout, "v1");
    let registry = Registry::open();
    let platforms = [leaky(), Image::new().platform("linux/s390x")];
    registry.push("team/multi", "v1", &index(&platforms));

    let expected = essence(&scan(|imgscan| imgscan.arg(format!("oci:{}:v1", layout.display()))));
    let mut seen: Vec<String> = expected
        .iter()
        .map(|finding| {
            let location = &finding["location"];
            let place = location["path"].as_str().or(location["name"].as_str()).unwrap_or_default();
            format!(
                "{} {} {} {place}:{}",
                finding["rule"].as_str().unwrap_or_default(),
                finding["state"].as_str().unwrap_or_default(),
                finding["layer"],
                location["line"]
            )
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            "github-pat deleted 0 app/.env:2",
            "github-pat live 1 srv/live.env:2",
            "github-pat live null GH_TOKEN:null",
            "github-pat overwritten 0 app/config.env:2",
        ]
    );

    let (oci, docker, old) = (built.oci_archive("v1"), image.docker_archive("app:v1"), image.docker_archive_old("app:v1"));
    let targets = [
        registry.push("team/app", "v1", &built),
        format!("{}/team/app@{}", registry.host, built.digest()),
        format!("docker://{}/team/multi:v1", registry.host),
        format!("oci-archive:{}", write("oci.tar", &oci)),
        write("oci.tar.zst", &Stored::Zstd.store(&oci)),
        format!("docker-archive:{}", write("docker.tar", &docker)),
        write("old.tar", &old),
        write("old.tar.gz", &Stored::Gzip.store(&old)),
    ];
    for target in &targets {
        // The platform, because the machine that runs this may be another one.
        assert_eq!(essence(&scan(|imgscan| imgscan.args(["--platform", "linux/amd64"]).arg(target))), expected, "{target}");
    }
    for input in [oci.clone(), Stored::Gzip.store(&docker), old] {
        assert_eq!(essence(&scan(|imgscan| imgscan.arg("-").input(input))), expected, "standard input");
    }
}

#[test]
fn what_a_container_still_sees_is_the_findings_own_place() {
    let [again, moved, touched, linked] = tokens();
    let line = |token: &str| format!("GITHUB_TOKEN={token}\n");
    let base = Changeset::new()
        .file("again.env", line(&again))
        .file("old/moved.env", line(&moved))
        .file("touched.env", line(&touched))
        .file("links/a.env", line(&linked))
        .hard_link("links/b.env", "links/a.env");
    let second = Changeset::new()
        .whiteout("again.env")
        .whiteout("old/moved.env")
        .file("new/moved.env", line(&moved))
        .file("touched.env", line(&touched))
        .whiteout("links/a.env");
    let image = Image::new()
        .layer("COPY base / # buildkit", base)
        .layer("RUN mv old new; chmod 600 touched.env # buildkit", second)
        .layer("COPY again / # buildkit", Changeset::new().file("again.env", line(&again)));
    let archive = image.docker_archive("app:v1");
    let report = scan(|imgscan| imgscan.arg("-").input(archive.clone()));
    let place =
        |place: &Value| format!("{} {} {}", place["state"].as_str().unwrap_or(""), place["layer"]["index"], place["location"]["path"]);
    let mut seen: Vec<String> = findings(&report).iter().map(|finding| places(finding).map(place).collect::<Vec<_>>().join(", ")).collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            r#"live 0 "links/b.env", deleted 0 "links/a.env""#,
            r#"live 1 "new/moved.env", deleted 0 "old/moved.env""#,
            r#"live 1 "touched.env", overwritten 0 "touched.env""#,
            r#"live 2 "again.env", deleted 0 "again.env""#,
        ]
    );
    let table = Imgscan::new().arg("-").input(archive).run().exits(1).stdout;
    assert!(table.contains("layer 1: again.env:1 (GITHUB_TOKEN) (deleted)"), "{table}");
}

#[test]
fn what_stands_in_the_history_is_named_by_its_instruction() {
    let [cloned, login, ..] = tokens();
    let image = Image::new()
        .layer("RUN /bin/sh -c apt-get update # buildkit", Changeset::new().file("a", "x"))
        .layer(&format!("RUN /bin/sh -c git clone https://{cloned}@github.com/acme/app /src # buildkit"), Changeset::new().file("b", "x"))
        .history(&format!("RUN /bin/sh -c acme login {login} # buildkit"));
    let archive = image.docker_archive("app:v1");
    let report = scan(|imgscan| imgscan.arg("-").input(archive.clone()));
    let of = |finding: &Value| json!([finding["layer"]["index"], finding["location"]["instruction"], finding["state"]]);
    let mut seen: Vec<Value> = findings(&report).iter().map(of).collect();
    seen.sort_unstable_by_key(Value::to_string);
    assert_eq!(
        seen,
        [
            json!([1, "RUN /bin/sh -c git clone https://****@github.com/acme/app /src # buildkit", "live"]),
            json!([null, "RUN /bin/sh -c acme login **** # buildkit", "live"]),
        ]
    );
    let table = Imgscan::new().arg("-").input(archive).run().exits(1).stdout;
    for line in ["layer 2 of 2", "RUN git clone https://****@github.com/acme/app /src", "RUN acme login ****"] {
        assert!(table.contains(line), "{line} in {table}");
    }
}

#[test]
fn a_conversation_is_a_text_of_which_each_line_is_a_place() {
    let [pasted, run, nested, _] = tokens();
    // An escape anywhere makes a value an encoded one; a conversation is none, and its note is about all of it.
    let chat = format!(
        "# chat\n\n> open https://example.net/a%3Db\n\nuse {pasted} for now\n\n```sh\nexport A=1 B=2 C=3 D=4 E=5 GITHUB_TOKEN={run}\n```\n"
    );
    let log = format!("{{\"display\": \"use \\\"{nested}\\\" for now\"}}\n");
    let files = Changeset::new().file("root/.aider.chat.history.md", chat).file("root/.claude/history.jsonl", log);
    let archive = Image::new().layer("COPY . /root", files).docker_archive("app:v1");
    let report = scan(|imgscan| imgscan.arg("docker-archive:image.tar").file("image.tar", archive));
    let place = |finding: &Value| {
        let evidence = finding["evidence"].to_string();
        assert_eq!(evidence.matches("in an AI session log").count(), 1, "{evidence}");
        let location = &finding["location"];
        format!("{} {}:{} {}", location["path"].as_str().unwrap_or_default(), location["line"], location["column"], location["inner"])
    };
    let mut places: Vec<String> = findings(&report).iter().map(place).collect();
    places.sort();
    let expected = ["root/.aider.chat.history.md 5:5 []", "root/.aider.chat.history.md 8:41 []", "root/.claude/history.jsonl 1:14 []"];
    assert_eq!(places, expected);
}

#[test]
fn annotations_and_attestations_are_scanned() {
    let [annotation, argument, ..] = tokens();
    let statement = json!({"predicateType": "https://slsa.dev/provenance/v0.2", "predicate": {"invocation": {"parameters": {"args": {"build-arg:GITHUB_TOKEN": argument}}}}});
    let image = Image::new()
        .layer("COPY", Changeset::new().file("hello", "world"))
        .annotation("org.example.token", &annotation)
        .attestation("https://slsa.dev/provenance/v0.2", statement);
    let registry = Registry::open();
    let report = scan(|imgscan| imgscan.args(["--platform", "linux/amd64"]).arg(registry.push("app", "v1", &image.build())));
    let mut kinds: Vec<&str> = findings(&report).iter().filter_map(|finding| finding["location"]["kind"].as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["annotation", "attestation"]);
}
