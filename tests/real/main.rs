//! A real image: Debian's packages, built by buildah from a Dockerfile that commits the classic sins, pushed by skopeo to
//! Debian's docker-registry with basic auth and TLS. Nothing in this chain was written here.
//!
//! Needs root, debootstrap, buildah, skopeo, podman, docker-registry, htpasswd and git. What is missing makes the test skip,
//! loudly; `IMGSCAN_REQUIRE_TOOLS=1` makes it fail instead.

mod image;
mod registry;
mod report;
mod sins;
mod tools;

use std::path::Path;

use report::Run;
use tools::{Folder, run};

#[test]
fn every_source_gives_the_same_findings_of_a_real_image() {
    if !tools::present(&["debootstrap", "buildah", "skopeo", "podman", "docker-registry", "htpasswd", "git", "zip"]) {
        return;
    }
    let folder = Folder::new();
    let mut sins = sins::Sins::new();
    let built = image::build(folder.path(), &mut sins);

    // The layout that buildah wrote is the yardstick: first that it is right, then that all else agrees.
    let layout = Run::new(folder.path()).scan(&format!("oci:{}:app", built.layout.display()));
    sins.check(&layout);
    let yardstick = layout.comparable();

    let agree = |what: &str, run: &Run| {
        assert_eq!(run.comparable(), yardstick, "{what} differs from the OCI layout");
    };
    let copy = |from: &str, to: &str, more: &[&str]| {
        let mut arguments = vec!["copy", "--quiet", "--insecure-policy"];
        arguments.extend(more);
        arguments.extend([from, to]);
        run("skopeo", &arguments);
    };
    let from = format!("oci:{}:app", built.layout.display());
    let file = |name: &str| folder.path().join(name).display().to_string();

    let archive = file("app.oci.tar");
    copy(&from, &format!("oci-archive:{archive}:app"), &[]);
    agree("the OCI archive", &Run::new(folder.path()).scan(&format!("oci-archive:{archive}")));
    agree("a bare path", &Run::new(folder.path()).scan(&archive));
    agree("standard input", &Run::new(folder.path()).stdin(Path::new(&archive)).scan("-"));

    let saved = file("app.docker.tar");
    copy(&from, &format!("docker-archive:{saved}:app:1"), &[]);
    agree("the docker archive", &Run::new(folder.path()).scan(&format!("docker-archive:{saved}")));
    agree("a docker archive on standard input", &Run::new(folder.path()).stdin(Path::new(&saved)).scan("-"));

    let registry = registry::Registry::start(folder.path());
    registry.push(&from, "team/app:1", &[]);
    registry.push(&from, "team/app:zstd", &["--dest-compress", "--dest-compress-format", "zstd"]);
    let reference = |name: &str| format!("{}/{name}", registry.host());
    agree("the registry", &registry.scan(folder.path(), &reference("team/app:1")));
    agree("the registry with zstd layers", &registry.scan(folder.path(), &reference("team/app:zstd")));

    image::push_two_platforms(folder.path(), &built, &registry, "team/app:multi");
    let amd64 = registry.scan(folder.path(), &reference("team/app:multi"));
    agree("the platform of an index", &amd64);
    let both = registry.run(folder.path()).arg("--all-platforms").scan(&reference("team/app:multi"));
    assert_eq!(both.platforms(), ["linux/amd64", "linux/arm64"]);

    let denied = Run::new(folder.path()).arg("--ca-cert").arg(&registry.ca()).fails(&reference("team/app:1"));
    assert!(denied.contains("unauthorized") && denied.contains("docker login"), "says what to do: {denied}");

    let socket = image::serve_podman(folder.path(), &built);
    let podman = Run::new(folder.path()).env("CONTAINER_HOST", &socket.url()).scan("podman:localhost/app:1");
    agree("podman's socket", &podman);
}
