//! Builds the image with buildah on a root file system of Debian's packages.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    registry::Registry,
    sins::Sins,
    tools::{Server, free_port, run, run_in, wait_for},
};

/// What was built.
pub(crate) struct Built {
    pub(crate) layout: PathBuf,
    storage: Vec<String>,
}

/// A root file system from Debian's packages, kept outside the checkout from run to run.
fn root_file_system() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .expect("HOME is set")
        .join("imgscan-tests");
    let tar = cache.join("bookworm-minbase.tar");
    if !tar.exists() {
        std::fs::create_dir_all(&cache).expect("a cache folder");
        let scratch = tempfile::tempdir_in(&cache).expect("a scratch folder");
        let root = scratch.path().join("root");
        run("debootstrap", &["--variant=minbase", "--include=ca-certificates", "bookworm", &root.display().to_string()]);
        let part = scratch.path().join("root.tar");
        let arguments = ["--sort=name", "--numeric-owner", "--exclude=./var/cache/apt/archives/*.deb", "--exclude=./dev/*", "-cf"];
        let mut arguments: Vec<String> = arguments.map(str::to_owned).to_vec();
        arguments.extend([part.display().to_string(), ".".to_owned()]);
        run_in(&root, "tar", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        std::fs::rename(part, &tar).expect("the same file system");
    }
    tar
}

pub(crate) fn build(folder: &Path, sins: &mut Sins) -> Built {
    let context = folder.join("context");
    std::fs::create_dir_all(&context).expect("a folder");
    sins.write(&context);
    std::fs::hard_link(root_file_system(), context.join("rootfs.tar"))
        .or_else(|_| std::fs::copy(root_file_system(), context.join("rootfs.tar")).map(drop))
        .expect("the root file system");
    let storage = storage(folder);
    let mut arguments: Vec<&str> = storage.iter().map(String::as_str).collect();
    let npm = format!("NPM_TOKEN={}", sins.npm);
    let database = format!("DATABASE_PASSWORD={}", sins.database);
    let context = context.display().to_string();
    arguments.extend([
        "build",
        "--isolation",
        "chroot",
        "--layers",
        "--platform",
        "linux/amd64",
        "--build-arg",
        &npm,
        "--build-arg",
        &database,
    ]);
    arguments.extend(["-t", "localhost/app:1", &context]);
    run("buildah", &arguments);
    let layout = folder.join("layout");
    push(&storage, &format!("oci:{}:app", layout.display()));
    Built { layout, storage }
}

/// A store of its own, so that nothing of the machine's is touched. The overlay driver where the kernel lets us: vfs copies
/// the whole root file system for every instruction.
fn storage(folder: &Path) -> Vec<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let with = |driver: &str| {
        vec!["--storage-driver".to_owned(), driver.to_owned(), "--root".to_owned(), path(driver), "--runroot".to_owned(), path("run")]
    };
    let overlay = with("overlay");
    let works = Command::new("buildah").args(&overlay).arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if works.is_ok_and(|status| status.success()) { overlay } else { with("vfs") }
}

fn push(storage: &[String], destination: &str) {
    let mut arguments: Vec<&str> = storage.iter().map(String::as_str).collect();
    arguments.extend(["push", "--quiet", "localhost/app:1", destination]);
    run("buildah", &arguments);
}

/// Pushes an index of two platforms, the second a small image of its own.
pub(crate) fn push_two_platforms(folder: &Path, built: &Built, registry: &Registry, name: &str) {
    let arm = folder.join("arm");
    std::fs::create_dir_all(&arm).expect("a folder");
    std::fs::write(arm.join("Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n").expect("a file");
    let arm = arm.display().to_string();
    let buildah = |more: &[&str]| {
        let mut arguments: Vec<&str> = built.storage.iter().map(String::as_str).collect();
        arguments.extend(more);
        run("buildah", &arguments)
    };
    buildah(&["build", "--isolation", "chroot", "--platform", "linux/arm64", "-t", "localhost/app:arm", &arm]);
    buildah(&["manifest", "create", "localhost/app:multi"]);
    buildah(&["manifest", "add", "localhost/app:multi", "containers-storage:localhost/app:1"]);
    buildah(&["manifest", "add", "localhost/app:multi", "containers-storage:localhost/app:arm"]);
    let certificates = registry.certificates();
    let credentials = registry.credentials();
    let destination = format!("docker://{}/{name}", registry.host());
    buildah(&[
        "manifest",
        "push",
        "--all",
        "--quiet",
        "--cert-dir",
        &certificates,
        "--creds",
        &credentials,
        "localhost/app:multi",
        &destination,
    ]);
}

/// Podman's Docker-compatible API on a socket.
pub(crate) struct Socket {
    path: PathBuf,
    _server: Server,
}

impl Socket {
    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.path.display())
    }
}

pub(crate) fn serve_podman(folder: &Path, built: &Built) -> Socket {
    let path = folder.join(format!("podman-{}.sock", free_port()));
    let server = Command::new("podman")
        .args(&built.storage)
        .args(["--cgroup-manager", "cgroupfs", "system", "service", "--time=0"])
        .arg(format!("unix://{}", path.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("podman starts");
    let server = Server(server);
    wait_for("podman's socket", || std::os::unix::net::UnixStream::connect(&path).is_ok());
    Socket { path, _server: server }
}
