//! Programs that the test needs, and how they are run.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Whether every program is there and may do what it must. Says loudly what is missing.
pub(crate) fn present(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        |program: &&&str| std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).any(|folder| folder.join(program).is_file());
    let mut missing: Vec<&str> = programs.iter().filter(|program| !found(program)).copied().collect();
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root {
        missing.push("root (buildah's chroot isolation and debootstrap need it)");
    }
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("IMGSCAN_REQUIRE_TOOLS").is_none(), "missing: {}", missing.join(", "));
    // Past the test harness, which keeps what a passing test prints to itself.
    let note = format!(
        "SKIPPED: the real-image test did not run. Missing: {}\nOn Debian: apt-get install debootstrap buildah skopeo podman docker-registry apache2-utils git zip\n",
        missing.join(", ")
    );
    let _ = std::io::stderr().lock().write_all(note.as_bytes());
    false
}

/// Runs a program to its end.
///
/// # Panics
/// When it fails, with what it printed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    run_in(Path::new("/"), program, arguments)
}

/// The same in a folder.
pub(crate) fn run_in(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
    assert!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A scratch folder, removed at the end.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a scratch folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    /// The overlay driver leaves its store mounted on itself, and what is mounted cannot be removed.
    fn drop(&mut self) {
        let store = self.path().join("overlay/overlay");
        if store.exists() {
            let _ = Command::new("umount").arg(store).stderr(Stdio::null()).status();
        }
    }
}

/// A server that is stopped at the end.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port of loopback that is free now.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Waits until `ready`, for 30 seconds at most.
pub(crate) fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    for _ in 0..300 {
        if ready() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{what} did not come up within 30 seconds");
}
