//! Where a token can hide in an image: the same kind of token in every place, and each must come out with the way to it.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{
    containers::{bzip2, deb, gzip, loose_object, object, pack, pdf, sqlite, xz, zip, zlib},
    image::{Changeset, Image, Stored},
    imgscan::Imgscan,
    report::{findings, places, scan},
    samples::{Random, github_token},
};

/// An image while tokens are put into it.
#[derive(Default)]
struct Lab {
    files: Vec<(String, Vec<u8>)>,
    /// Where each token should be found: token to `state kind place > inner`.
    expected: BTreeMap<String, String>,
}

impl Lab {
    /// A new token that should be found there.
    fn token(&mut self, place: &str) -> String {
        let token = github_token(1000 + self.expected.len() as u64);
        self.expected.insert(token.clone(), place.to_owned());
        token
    }

    /// The line that every file holds in some form.
    fn line(&mut self, place: &str) -> Vec<u8> {
        format!("export GITHUB_TOKEN={}\n", self.token(place)).into_bytes()
    }

    /// A file of which the form is made from the line.
    fn file(&mut self, path: &str, inner: &str, form: impl FnOnce(&[u8]) -> Vec<u8>) {
        let way = if inner.is_empty() { String::new() } else { format!(" > {inner}") };
        let line = self.line(&format!("live file {path}{way}"));
        self.files.push((path.to_owned(), form(&line)));
    }
}

fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    Changeset::new().file(name, content).tar()
}

fn padded(before: usize, line: &[u8], after: usize) -> Vec<u8> {
    let filler = b"all work and no play makes a dull file\n";
    let fill = |length: usize| filler.iter().copied().cycle().take(length).collect::<Vec<u8>>();
    [fill(before), b"\n".to_vec(), line.to_vec(), fill(after)].concat()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("ASCII")
}

/// `state kind path-or-name > inner` of a place in a report.
fn described(place: &Value) -> String {
    let location = &place["location"];
    let name = location["path"].as_str().or(location["name"].as_str()).unwrap_or_default();
    let inner = location["inner"].as_array().expect("a list").iter().filter_map(Value::as_str).map(|step| format!(" > {step}"));
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{} {} {name}{}", word(&place["state"]), word(&location["kind"]), inner.collect::<String>())
}

/// A repository whose second commit took a password file out: the loose objects, and the way in to the password.
fn repository(password: &str) -> (Vec<(String, Vec<u8>)>, String) {
    let id = |path: &str| data_encoding::HEXLOWER.decode(path.replace('/', "").as_bytes()).expect("hex");
    let entry = |mode: &str, name: &str, path: &str| [format!("{mode} {name}\0").as_bytes(), &id(path)].concat();
    let blob = object("blob", format!("db.acme.example:5432:shop:shop:{password}\n").as_bytes());
    let folder = object("tree", &entry("100600", ".pgpass", &blob.0));
    let root = object("tree", &entry("40000", "config", &folder.0));
    let empty = object("tree", b"");
    let commit = |tree: &str, time: u64| {
        let tree = tree.replace('/', "");
        object("commit", format!("tree {tree}\nauthor A <a@b> {time} +0000\ncommitter A <a@b> {time} +0000\n\nx\n").as_bytes())
    };
    let (first, second) = (commit(&root.0, 1_700_000_000), commit(&empty.0, 1_700_000_009));
    let short = |path: &str| path.replace('/', "")[..12].to_owned();
    let way = format!("git commit {} > git blob {} > config/.pgpass", short(&first.0), short(&blob.0));
    let mut objects: Vec<_> = [blob, folder, root, empty, first, second].into();
    objects.sort_unstable();
    (objects.into_iter().map(|(path, bytes)| (format!("app/.git/objects/{path}"), bytes)).collect(), way)
}

#[test]
fn loose_objects_have_the_names_that_their_files_had() {
    let password = Random::new(77).base62(20);
    let (objects, way) = repository(&password);
    let changeset = objects.iter().fold(Changeset::new(), |changeset, (path, bytes)| changeset.file(path, bytes));
    let folder = tempfile::tempdir().expect("a folder");
    for (path, bytes) in &objects {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(path, bytes).expect("writable");
    }
    let archive = Image::new().layer("COPY . /app", changeset).docker_archive("app:v1");
    let image = Imgscan::new().args(["--format", "json", "-"]).input(archive).run();
    let dir = Imgscan::new().args(["--format", "json"]).arg(format!("dir:{}", folder.path().display())).run();
    for outcome in [image.exits(1), dir.exits(1)] {
        let report = outcome.json();
        let found: Vec<_> = findings(&report).iter().map(|finding| (finding["rule"].as_str(), described(finding))).collect();
        let path = objects.iter().map(|(path, _)| path).find(|path| found[0].1.contains(path.as_str())).expect("an object");
        assert_eq!(found, [(Some("pgpass-password"), format!("live file {path} > {way}"))]);
    }
}

fn plain_places(lab: &mut Lab) {
    for path in [
        ".env",
        "app/run.sh",
        "var/log/app.log",
        "var/lib/app/state",
        "usr/share/app/settings.sh",
        "usr/lib/app/settings.sh",
        "usr/local/lib/python3.11/site-packages/app/settings.sh",
        "srv/node_modules/app/settings.sh",
        "srv/package-lock.json",
        "srv/tests/settings.sh",
        "srv/example/settings.sh",
        "srv/vendor/app/settings.sh",
        "srv/README.md",
        "etc/no-extension",
    ] {
        lab.file(path, "", <[u8]>::to_vec);
    }
    lab.file("var/lib/large.txt", "", |line| padded(9 << 20, line, 3 << 20));
    lab.file("var/lib/long-line.txt", "", |line| [&vec![b'x'; 2 << 20], &b" "[..], line.trim_ascii(), b" ", &vec![b'y'; 1 << 20]].concat());
    lab.file("var/lib/straddle.txt", "", |line| padded((64 << 10) - 40, line, 1000));
    lab.file("var/lib/straddle-1m.txt", "", |line| padded((1 << 20) - 40, line, 1000));
}

fn archives(lab: &mut Lab) {
    lab.file("opt/a.zip", "conf/run.sh", |line| zip("conf/run.sh", line, false));
    lab.file("opt/stored.zip", "run.sh", |line| zip("run.sh", line, true));
    lab.file("opt/zip-without-extension", "run.sh", |line| zip("run.sh", line, false));
    lab.file("opt/app.jar", "BOOT-INF/classes/run.sh", |line| zip("BOOT-INF/classes/run.sh", line, false));
    lab.file("opt/app.whl", "app/run.sh", |line| zip("app/run.sh", line, false));
    lab.file("opt/letter.docx", "word/document.xml", |line| zip("word/document.xml", line, false));
    lab.file("opt/two.zip", "one.zip > run.sh", |line| zip("one.zip", &zip("run.sh", line, false), false));
    lab.file("opt/three.zip", "two.zip > one.zip > run.sh", |line| {
        zip("two.zip", &zip("one.zip", &zip("run.sh", line, true), false), false)
    });
    lab.file("opt/run.sh.gz", "gzip", gzip);
    lab.file("opt/gz-without-extension", "gzip", gzip);
    lab.file("opt/a.tar", "conf/run.sh", |line| tar("conf/run.sh", line));
    lab.file("opt/a.tar.gz", "gzip > conf/run.sh", |line| gzip(&tar("conf/run.sh", line)));
    lab.file("opt/a.tgz", "gzip > conf/run.sh", |line| gzip(&tar("conf/run.sh", line)));
    lab.file("opt/a.tar.xz", "xz > conf/run.sh", |line| xz(&tar("conf/run.sh", line)));
    lab.file("opt/a.tar.bz2", "bzip2 > conf/run.sh", |line| bzip2(&tar("conf/run.sh", line)));
    lab.file("opt/a.tar.zst", "zstd > conf/run.sh", |line| Stored::Zstd.store(&tar("conf/run.sh", line)));
    lab.file("opt/a.deb", "data.tar.gz > gzip > etc/run.sh", |line| deb(&tar("./etc/run.sh", line), &tar("control", b"Package: a\n")));
    lab.file("opt/text.sqlite", "table settings > row 2", |line| sqlite(&[Ok("first"), Ok(&text(line))]));
    lab.file("opt/blob.sqlite", "table settings > row 2 > zlib", |line| sqlite(&[Ok("first"), Err(&zlib(line))]));
    lab.file("opt/plain.pdf", "", |line| pdf(&text(line), false));
    lab.file("opt/flate.pdf", "stream 1", |line| pdf(&text(line), true));
}

fn git(lab: &mut Lab) {
    let line = lab.line("");
    let (path, object) = loose_object(&line);
    let path = format!("srv/.git/objects/{path}");
    let token = text(&line[20..line.len() - 1]);
    let id = path.trim_start_matches("srv/.git/objects/").replace('/', "");
    lab.expected.insert(token, format!("live file {path} > git blob {}", &id[..12]));
    lab.files.push((path, object));
    let line = lab.line("");
    let (id, _) = loose_object(&line);
    let token = text(&line[20..line.len() - 1]);
    let path = "srv/.git/objects/pack/pack-1.pack";
    lab.expected.insert(token, format!("live file {path} > git blob {}", &id.replace('/', "")[..12]));
    lab.files.push((path.to_owned(), pack(&line)));
    let token = lab.token("live file srv/.git/config");
    let config = format!("[remote \"origin\"]\n\turl = https://bot:{token}@github.com/team/app.git\n");
    lab.files.push(("srv/.git/config".to_owned(), config.into_bytes()));
}

fn binaries_and_encodings(lab: &mut Lab) {
    let mut random = Random::new(7);
    let mut around =
        |head: &[u8], line: &[u8]| [head, &random.bytes(5000), &[0; 64], line.trim_ascii(), &[0; 64], &random.bytes(5000)].concat();
    lab.file("usr/bin/program", "", |line| around(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", line));
    lab.file("usr/lib/x86_64-linux-gnu/libapp.so.1", "", |line| around(b"\x7fELF\x02\x01\x01\x03\0\0\0\0\0\0\0\0", line));
    lab.file("opt/Main.class", "", |line| around(b"\xca\xfe\xba\xbe\0\0\0\x3d\0\x10", line));
    lab.file("opt/__pycache__/app.cpython-311.pyc", "", |line| around(b"\xa7\r\r\n\0\0\0\0\0\0\0\0\0\0\0\0", line));
    let base64 = |line: &[u8]| STANDARD.encode(line);
    lab.file("etc/base64", "base64", |line| format!("payload: {}\n", base64(line)).into_bytes());
    lab.file("etc/base64-twice", "base64 > base64", |line| format!("payload: {}\n", base64(base64(line).as_bytes())).into_bytes());
    lab.file("etc/hex", "hex", |line| format!("payload: {}\n", data_encoding::HEXLOWER.encode(line)).into_bytes());
    lab.file("etc/url", "url", |line| {
        let encoded: String = line.iter().map(|byte| format!("%{byte:02X}")).collect();
        format!("payload={encoded}\n").into_bytes()
    });
    lab.file("etc/unicode", "json", |line| {
        let escaped: String = line.iter().map(|byte| format!("\\u{byte:04x}")).collect();
        format!("payload = \"{escaped}\"\n").into_bytes()
    });
    lab.file("etc/utf-16le", "", |line| {
        let units = std::iter::once(0xfeffu16).chain(text(line).encode_utf16().collect::<Vec<_>>());
        units.flat_map(u16::to_le_bytes).collect()
    });
    lab.file("etc/utf-16be", "", |line| {
        let units = std::iter::once(0xfeffu16).chain(text(line).encode_utf16().collect::<Vec<_>>());
        units.flat_map(u16::to_be_bytes).collect()
    });
    lab.file("etc/helm.yaml", "base64 > base64 > gzip", |line| {
        let release = gzip(format!("{{\"config\":{{\"script\":{}}}}}", json!(text(line))).as_bytes());
        format!("apiVersion: v1\nkind: Secret\ndata:\n  release: {}\n", STANDARD.encode(STANDARD.encode(release))).into_bytes()
    });
}

fn known_files(lab: &mut Lab) {
    let token = lab.token("live file root/.docker/config.json");
    let auth = STANDARD.encode(format!("bot:{token}"));
    lab.files.push(("root/.docker/config.json".to_owned(), format!(r#"{{"auths":{{"ghcr.io":{{"auth":"{auth}"}}}}}}"#).into_bytes()));
    let token = lab.token("live file root/.npmrc");
    lab.files.push(("root/.npmrc".to_owned(), format!("//npm.pkg.github.com/:_authToken={token}\n").into_bytes()));
    let token = lab.token("live file root/.netrc");
    lab.files.push(("root/.netrc".to_owned(), format!("machine github.com login bot password {token}\n").into_bytes()));
    let token = lab.token("live file srv/mcp.json");
    let mcp = json!({"mcpServers": {"github": {"command": "docker", "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": token}}}});
    lab.files.push(("srv/mcp.json".to_owned(), mcp.to_string().into_bytes()));
}

/// Everything of the image that is no file's content.
fn config(lab: &mut Lab, image: Image) -> Image {
    let mut token = |place: &str| lab.token(place);
    let env = token("live env GITHUB_TOKEN");
    let encoded = STANDARD.encode(format!("export GITHUB_TOKEN={}\n", token("live env SETTINGS > base64")));
    let arguments = format!("|1 GITHUB_TOKEN={} /bin/sh -c make # buildkit", token("live arg GITHUB_TOKEN"));
    let argument = format!("/bin/sh -c #(nop)  ARG GITHUB_TOKEN={}", token("live arg GITHUB_TOKEN"));
    let comment = token("live history history[0].comment");
    let author = token("live history history[0].author");
    let v02 = json!({"predicateType": "https://slsa.dev/provenance/v0.2", "predicate": {"invocation": {"parameters": {"args": {
        "build-arg:GITHUB_TOKEN": token("live attestation predicate.invocation.parameters.args.build-arg:GITHUB_TOKEN")}}}}});
    let v1 = json!({"predicateType": "https://slsa.dev/provenance/v1", "predicate": {"buildDefinition": {"externalParameters": {"request": {
        "args": {"build-arg:API_TOKEN": token("live attestation predicate.buildDefinition.externalParameters.request.args.build-arg:API_TOKEN")}}}}}});
    let image = image
        .bare_env(&format!("GITHUB_TOKEN={env}"))
        .bare_env(&format!("SETTINGS={encoded}"))
        .label("org.example.token", &token("live label org.example.token"))
        .entrypoint(&["/app/server", "--github-token", &token("live entrypoint github-token")])
        .cmd(&["--token", &token("live cmd token")])
        .config("Healthcheck", json!({"Test": ["CMD-SHELL", format!("curl -H 'Authorization: Bearer {}' http://localhost/", token("live healthcheck header"))]}))
        .config("OnBuild", json!([format!("ENV GITHUB_TOKEN={}", token("live onbuild GITHUB_TOKEN"))]))
        .field("author", json!(format!("bot <{}@example.com>", token("live label /author"))))
        .field("history_comment", json!(token("live label /history_comment")))
        .history(&arguments)
        .history(&argument)
        .annotation("org.example.token", &token("live annotation org.example.token"))
        .attestation("https://slsa.dev/provenance/v0.2", v02)
        .attestation("https://slsa.dev/provenance/v1", v1);
    image.history_field("comment", &comment).history_field("author", &author)
}

#[test]
fn every_place() {
    let mut lab = Lab::default();
    plain_places(&mut lab);
    archives(&mut lab);
    git(&mut lab);
    binaries_and_encodings(&mut lab);
    known_files(&mut lab);

    let base = Changeset::new()
        .file("etc/overwritten.sh", lab.line("overwritten file etc/overwritten.sh"))
        .file("etc/deleted.sh", lab.line("deleted file etc/deleted.sh"))
        .file("opaque/deeper/deleted.sh", lab.line("deleted file opaque/deeper/deleted.sh"))
        .file("etc/base.sh", lab.line("live file etc/base.sh"));
    let mut files = Changeset::new();
    for (path, content) in std::mem::take(&mut lab.files) {
        files = files.file(&path, content);
    }
    let top = Changeset::new()
        .file("etc/overwritten.sh", "# nothing\n")
        .whiteout("etc/deleted.sh")
        .opaque("opaque")
        .file("etc/linked.sh", lab.line("live file etc/linked.sh"))
        .hard_link("etc/link.sh", "etc/linked.sh")
        .file(&format!("srv/{}.txt", lab.token("live file srv/{}.txt > file name")), "")
        .symlink("srv/link", &format!("/run/{}", lab.token("live file srv/link > link target")))
        .attribute("srv/attribute", "user.token", &lab.token("live file srv/attribute > extended attribute"));
    let image = Image::new().layer("ADD rootfs.tar /", base).layer("COPY . /", files).layer("RUN /bin/sh -c make", top);
    let image = config(&mut lab, image);

    let tokens: Vec<&String> = lab.expected.keys().collect();
    let values = tokens.iter().map(|token| format!("{token}\n")).collect::<String>();
    let ids = Imgscan::new().arg("fingerprint").input(values).run().exits(0).stdout;
    let outcome = Imgscan::new()
        .args(["--format", "json", "--platform", "linux/amd64", "oci-archive:image.tar"])
        .file("image.tar", image.build().oci_archive("v1"))
        .run()
        .exits(1);
    let report = outcome.json();
    assert_eq!(report["images"][0]["coverage"]["skipped"], json!([]));
    assert_eq!(ids.lines().count(), tokens.len());
    let findings = findings(&report);
    let mut problems = Vec::new();
    for (token, id) in tokens.iter().zip(ids.lines()) {
        let expected = lab.expected[*token].replace("{}", "****");
        let Some(finding) = findings.iter().find(|finding| finding["fingerprint"] == id) else {
            problems.push(format!("not found: {expected}"));
            continue;
        };
        let found: Vec<String> = places(finding).map(described).collect();
        if !found.contains(&expected) {
            problems.push(format!("{expected}: found at {}", found.join(", ")));
        }
        assert!(!outcome.stdout.contains(*token) && !outcome.stderr.contains(*token), "a secret was printed");
    }
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), tokens.len(), problems.join("\n"));
    let linked = findings.iter().flat_map(places).any(|place| described(place).ends_with("etc/link.sh"));
    assert!(linked, "a hard link is a place of its own");
}

/// What entries say besides their content: owners' names, extended attributes as each archiver writes them, names in archives.
#[test]
fn what_entries_say_of_themselves() {
    let short = |seed| imgscan::detect::samples::fill("glpat-{alnum:20}", seed);
    let (user, group) = (short(1), short(2));
    let mut lab = Lab::default();
    let way = |path: &str, inner: &str| if inner.is_empty() { format!("live file {path}") } else { format!("live file {path} > {inner}") };
    let mut entries = Changeset::new().owned("srv/a", &user, "staff").owned("srv/b", "root", &group);
    lab.expected.insert(user, way("srv/a", "user name"));
    lab.expected.insert(group, way("srv/b", "group name"));
    for (path, key, inner) in [
        ("srv/long-user", "uname", "user name"),
        ("srv/long-group", "gname", "group name"),
        ("srv/attribute", "SCHILY.xattr.user.token", "extended attribute"),
        ("srv/comment", "comment", "extended attribute"),
    ] {
        entries = entries.record(path, key, &lab.token(&way(path, inner)));
    }
    // bsdtar's attributes are in base64 without padding, and whoever sets one may encode it.
    let token = lab.token(&way("srv/bsdtar", "extended attribute > base64"));
    entries = entries.record("srv/bsdtar", "LIBARCHIVE.xattr.user.token", STANDARD.encode(&token).trim_end_matches('='));
    let token = lab.token(&way("srv/encoded", "extended attribute > base64"));
    entries = entries.record("srv/encoded", "SCHILY.xattr.user.token", &STANDARD.encode(format!("token={token}\n")));
    for (path, inner, pack) in [
        ("opt/a.tar", "file name", (|name: &str| tar(name, b"")) as fn(&str) -> Vec<u8>),
        ("opt/a.tgz", "gzip > file name", |name| gzip(&tar(name, b""))),
        // Its directory is read as it is.
        ("opt/a.zip", "", |name| zip(name, b"x", false)),
        ("opt/two.zip", "one.tar > file name", |name| zip("one.tar", &tar(name, b""), false)),
    ] {
        let name = format!("conf/{}.txt", lab.token(&way(path, inner)));
        entries = entries.file(path, pack(&name));
    }
    let tokens: Vec<&String> = lab.expected.keys().collect();
    let values = tokens.iter().map(|token| format!("{token}\n")).collect::<String>();
    let ids = Imgscan::new().arg("fingerprint").input(values).run().exits(0).stdout;
    let outcome = scan(&Image::new().layer("ADD a.tar /", entries), "medium");
    let report = outcome.json();
    let mut problems = Vec::new();
    for (token, id) in tokens.iter().zip(ids.lines()) {
        let found: Vec<String> =
            findings(&report).iter().filter(|finding| finding["fingerprint"] == id).flat_map(places).map(described).collect();
        if !found.contains(&lab.expected[*token]) {
            problems.push(format!("{}: found at {}", lab.expected[*token], found.join(", ")));
        }
        assert!(!outcome.stdout.contains(*token) && !outcome.stderr.contains(*token), "a secret was printed");
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_name_of_a_linked_file_is_a_place_with_a_fate_of_its_own() {
    let token = crate::support::samples::github_token(9);
    let first = Changeset::new()
        .file("srv/a", format!("GITHUB_TOKEN={token}\n"))
        .hard_link("srv/b", "srv/a")
        .hard_link("srv/c", "srv/b")
        .hard_link("srv/loop", "srv/loop");
    let image = Image::new()
        .layer("COPY a /srv", first)
        .layer("RUN rm /srv/a /srv/b", Changeset::new().whiteout("srv/a").whiteout("srv/b"))
        .layer("RUN ln", Changeset::new().hard_link("srv/d", "srv/c").hard_link("srv/e", "srv/d").hard_link("srv/none", "srv/b"));
    let run = Imgscan::new().file("a.tar", image.build().oci_archive("a")).args(["--format", "json", "a.tar"]).run().exits(1);
    let report = run.json();
    let finding = &report["images"][0]["findings"][0];
    let named = |place: &Value| format!("{} of {}", place["location"]["path"].as_str().unwrap_or_default(), place["layer"]["index"]);
    let mut names: Vec<String> = places(finding).map(named).collect();
    names.sort();
    assert_eq!(names, ["srv/a of 0", "srv/b of 0", "srv/c of 0", "srv/d of 2", "srv/e of 2"]);
    let states: Vec<&str> = places(finding).filter_map(|place| place["state"].as_str()).collect();
    assert_eq!(states.iter().filter(|state| **state == "live").count(), 3, "{states:?}");
}

/// `buildah bud` puts a whole build into one layer and names its last instruction for it.
#[test]
fn each_file_of_a_squashed_layer_names_its_instruction() {
    let line = |seed| format!("export GITHUB_TOKEN={}\n", github_token(seed));
    let image = Image::new()
        .history("/bin/sh -c #(nop) COPY file:0123 in /app/.env ")
        .history("|1 BUILD_TOKEN=hunter2hunter2 /bin/sh -c make")
        .layer("/bin/sh -c #(nop) ENV MODE=prod", Changeset::new().file("app/.env", line(1)).file("srv/made.sh", line(2)));
    let outcome = scan(&image, "medium");
    let json = outcome.json();
    let by = |path: &str| {
        let at = findings(&json).iter().find(|finding| finding["location"]["path"] == path).expect("found");
        at["layer"]["created_by"].as_str().expect("an instruction").to_owned()
    };
    assert_eq!(by("app/.env"), "/bin/sh -c #(nop) COPY file:0123 in /app/.env ");
    assert_eq!(by("srv/made.sh"), "|1 BUILD_TOKEN=**** /bin/sh -c make");
}
