//! The cache: an image that was scanned before is not read again, and nothing else changes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    exits::{clean, leaky},
    support::{
        image::{Changeset, Image, Stored},
        imgscan::{Imgscan, Outcome},
        samples::github_token,
    },
};

/// A layout whose layers are gone after its first scan: whoever reads them again has a gap.
struct Room {
    folder: tempfile::TempDir,
}

impl Room {
    fn new(image: &Image) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        image.build().layout(&folder.path().join("image"), "a");
        Self { folder }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("caches/imgscan")
    }

    fn entries(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.cache()).into_iter().flatten().flatten().map(|file| file.path());
        files.filter(|path| path.file_name().is_some_and(|name| name.len() == 64)).collect()
    }

    fn run(&self, args: &[&str]) -> Outcome {
        let target = format!("oci:{}", self.folder.path().join("image").display());
        let run = Imgscan::new().file("key", [7; 32]).file("acme.toml", ACME).env("XDG_CACHE_HOME", self.folder.path().join("caches"));
        run.args(["--format", "json"]).args(args).arg(target).run()
    }

    fn remove_layers(&self) {
        let manifest = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.len() < 5000) && !is_gzip(path);
        for blob in fs::read_dir(self.folder.path().join("image/blobs/sha256")).expect("blobs").flatten() {
            if !manifest(&blob.path()) {
                fs::remove_file(blob.path()).expect("ours");
            }
        }
    }
}

fn is_gzip(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes.starts_with(&[0x1f, 0x8b]))
}

const ACME: &str = "provider = \"acme\"\nname = \"Acme\"\n[[rule]]\nid = \"acme-token\"\ntitle = \"Acme token\"\nseverity = \"high\"\n\
                    confidence = \"high\"\npattern = 'acme_[a-z]{32}'\nanchors = [\"acme_\"]\nunlocks = \"Acme\"\n";

const PASSWORD: &str = "Mirabelle7Kompott";

/// A token, a weak password, a deleted file, and something that is not covered.
fn image() -> Image {
    let files = Changeset::new()
        .file("app/.env", format!("GITHUB_TOKEN={}\nDB_PASSWORD={PASSWORD}\n", github_token(1)))
        .file("app/old.env", format!("GITHUB_TOKEN={}\n", github_token(2)))
        .file("app/broken.zip", b"PK\x03\x04\x14\0\0\0\x08\0broken");
    let instruction = format!("RUN curl -u app:{PASSWORD} https://acme.example # buildkit");
    Image::new().layer("COPY . /app # buildkit", files).layer(&instruction, Changeset::new().whiteout("app/old.env"))
}

#[test]
fn a_known_image_is_not_read_again_and_its_report_is_the_same() {
    let room = Room::new(&image());
    let first = room.run(&[]).exits(1);
    room.remove_layers();
    let second = room.run(&[]).exits(1);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(first.stderr, second.stderr);
    assert!(!room.entries().is_empty());
    // The gate, the baseline and the form of the report are no part of what is kept.
    assert!(room.run(&["--fail-on", "none", "--allow-incomplete", "--jobs", "7", "-o", "html=x.html"]).exits(0).stdout == first.stdout);
    let read = room.run(&["--no-cache"]);
    assert_eq!(read.json()["images"][0]["coverage"]["layers"], 0);
}

#[test]
fn other_rules_options_and_keys_read_again() {
    for args in [
        &["--rules", "acme.toml"][..],
        &["--min-confidence", "low"],
        &["--show-refuted"],
        &["--show-public"],
        &["--fingerprint-key", "key"],
    ] {
        let room = Room::new(&image());
        room.run(&[]).exits(1);
        room.remove_layers();
        let again = room.run(args);
        assert_eq!(again.json()["images"][0]["coverage"]["layers"], 0, "{args:?}");
    }
}

#[test]
fn no_value_is_in_it() {
    for key in [&[][..], &["--fingerprint-key", "key"]] {
        let room = Room::new(&image());
        room.run(&[key, &["--min-confidence", "low"]].concat()).exits(1);
        let entries = room.entries();
        assert_eq!(entries.len(), 1);
        let content = fs::read_to_string(&entries[0]).expect("text");
        assert!(content.contains("github-pat"), "{content}");
        for value in [PASSWORD, &github_token(1)[4..], &github_token(2)[4..], &github_token(1)[10..20]] {
            assert!(!content.contains(value), "{content}");
        }
    }
}

#[test]
fn a_damaged_entry_is_removed_and_the_image_is_read() {
    let changes: [fn(&mut Vec<u8>); 4] = [
        |content| content.truncate(100),
        |content| content.clear(),
        |content| *content = String::from_utf8_lossy(content).replace("critical", "low").into_bytes(),
        |content| *content = vec![b'0'; 1000],
    ];
    for change in changes {
        let room = Room::new(&image());
        let first = room.run(&[]).exits(1);
        let entry = room.entries().remove(0);
        let mut content = fs::read(&entry).expect("ours");
        change(&mut content);
        fs::write(&entry, content).expect("ours");
        let second = room.run(&[]).exits(1);
        assert_eq!(first.stdout, second.stdout);
        assert!(second.stderr.contains("damaged and was removed"), "{}", second.stderr);
        let third = room.run(&[]).exits(1);
        assert!(!third.stderr.contains("damaged"), "it was written anew: {}", third.stderr);
    }
    // An entry of another image under this one's name.
    let (one, two) = (Room::new(&leaky()), Room::new(&clean()));
    one.run(&[]).exits(1);
    two.run(&[]).exits(0);
    fs::copy(two.cache().join("key"), one.cache().join("key")).expect("ours");
    fs::remove_file(one.entries().remove(0)).expect("ours");
    one.run(&[]).exits(1);
    fs::copy(two.entries().remove(0), one.entries().remove(0)).expect("ours");
    assert!(one.run(&[]).exits(1).stderr.contains("damaged"));
}

#[test]
fn what_broke_off_is_not_kept() {
    let room = Room::new(&clean().layer_as("COPY x /x # buildkit", b"\x1f\x8bbroken".to_vec(), Stored::Plain));
    room.run(&[]).exits(3);
    assert_eq!(room.entries(), Vec::<PathBuf>::new());
    let run = Imgscan::new().file("a.tar", clean().docker_archive_old("a:1")).env("XDG_CACHE_HOME", room.folder.path().join("b"));
    run.arg("a.tar").run().exits(0);
    assert!(fs::read_dir(room.folder.path().join("b/imgscan")).expect("made").all(|file| file.is_ok_and(|file| file.file_name() == "key")));
}

#[cfg(unix)]
#[test]
fn a_cache_that_others_may_use_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::new(&leaky());
    fs::create_dir_all(room.cache()).expect("ours");
    fs::set_permissions(room.cache(), fs::Permissions::from_mode(0o755)).expect("ours");
    let outcome = room.run(&[]).exits(1);
    assert!(outcome.stderr.contains("no cache is kept in") && outcome.stderr.contains("chmod 700"), "{}", outcome.stderr);
    assert_eq!(fs::read_dir(room.cache()).expect("ours").count(), 0);
}

#[test]
fn it_is_shown_and_cleared() {
    let room = Room::new(&leaky());
    let cache = |args: &[&str]| {
        Imgscan::new().env("XDG_CACHE_HOME", room.folder.path().join("caches")).arg("cache").args(args).run().exits(0).stdout
    };
    assert!(cache(&[]).contains("imgscan  0 reports"));
    room.run(&[]).exits(1);
    fs::write(room.cache().join("notes.txt"), "not ours").expect("ours");
    assert!(cache(&["show"]).contains("imgscan  1 report, "), "{}", cache(&[]));
    assert!(cache(&["clear"]).starts_with("1 report, "));
    let left: Vec<_> = fs::read_dir(room.cache()).expect("ours").flatten().map(|file| file.file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
    let homeless = Imgscan::new().env("HOME", "").arg("cache").run().exits(2);
    assert!(homeless.stderr.contains("neither HOME nor XDG_CACHE_HOME"), "{}", homeless.stderr);
}
