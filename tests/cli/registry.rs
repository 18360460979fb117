//! Pulling from a registry that is as bad as real ones.

use std::sync::atomic::AtomicU32;

use imgscan::image::OpenOptions;

use crate::{
    sources::{Read1, contents, read, sample},
    support::{
        certificate, image,
        image::Changeset,
        imgscan::Imgscan,
        registry::{Auth, Faults, Registry},
    },
};

fn pull(registry: &Registry) -> Result<Vec<Read1>, String> {
    read(&registry.push("team/app", "v1", &sample().build()), &OpenOptions::default())
}

#[test]
fn tags_digests_and_platforms() {
    let registry = Registry::open();
    let built = sample().build();
    let tag = registry.push("team/app", "v1", &built);
    let by_tag = read(&tag, &OpenOptions::default()).expect("there");
    assert_eq!(by_tag[0].digest.as_deref(), Some(built.digest()));
    assert_eq!(by_tag[0].reference, tag);
    let by_digest = read(&format!("{}/team/app@{}", registry.host, built.digest()), &OpenOptions::default()).expect("there");
    assert_eq!(contents(&by_tag), contents(&by_digest));
    let error = read(&format!("{}/team/app:v2", registry.host), &OpenOptions::default()).expect_err("not there");
    assert!(error.contains("no such image") && error.contains("team/app:v2"), "{error}");

    let images = ["linux/amd64", "linux/arm64"]
        .map(|platform| image::Image::new().platform(platform).layer("l", Changeset::new().file("p", platform)));
    let index = registry.push("team/multi", "v1", &image::index(&images));
    let arm64 = OpenOptions { platform: Some("linux/arm64".to_owned()), ..OpenOptions::default() };
    assert_eq!(contents(&read(&index, &arm64).expect("there"))[0].1["p"], b"linux/arm64");
    assert_eq!(read(&index, &OpenOptions { all_platforms: true, ..OpenOptions::default() }).expect("there").len(), 2);
}

#[test]
fn busy_and_broken_registries_are_pulled_from_again() {
    let faults = Faults {
        too_many: AtomicU32::new(2),
        retry_after: 1,
        unavailable: AtomicU32::new(1),
        broken: AtomicU32::new(3),
        ..Faults::default()
    };
    let registry = Registry::with_faults(faults);
    let read = pull(&registry).expect("in the end");
    assert_eq!(contents(&read)[0].1["big"].len(), 300_000);
    assert!(registry.seen().iter().any(|seen| seen.range.is_some()), "a broken blob is continued");

    let faults = Faults { broken: AtomicU32::new(2), no_range: true, ..Faults::default() };
    let registry = Registry::with_faults(faults);
    let read = pull(&registry).expect("in the end");
    assert_eq!(contents(&read)[0].1["big"].len(), 300_000, "where Range is ignored it is passed over");
}

#[test]
fn a_rate_limit_that_asks_for_too_much_is_an_error() {
    let registry = Registry::with_faults(Faults { too_many: AtomicU32::new(9), retry_after: 3600, ..Faults::default() });
    let error = pull(&registry).expect_err("not waited for");
    assert!(error.contains("limits the rate of pulls (toomanyrequests)"), "{error}");
}

#[test]
fn altered_layers_are_found_out() {
    let registry = Registry::with_faults(Faults { altered: true, ..Faults::default() });
    let read = pull(&registry).expect("the manifest is right");
    let error = read[0].layers[0].1.as_ref().expect_err("altered");
    assert!(error.contains("digest mismatch") || error.contains("corrupt"), "{error}");

    let registry = Registry::open();
    let built = sample().build();
    registry.push("team/app", "v1", &built);
    registry.put(&format!("team/app/manifests/{}", built.digest()), "application/json", b"{}".to_vec());
    let target = format!("{}/team/app@{}", registry.host, built.digest());
    assert!(crate::sources::read(&target, &OpenOptions::default()).expect_err("altered").contains("digest mismatch"));
}

#[test]
fn redirects_do_not_get_the_credentials() {
    let storage = Registry::open();
    storage.push("team/app", "v1", &sample().build());
    let faults = Faults { redirect: Some(format!("http://{}", storage.host)), ..Faults::default() };
    let registry = Registry::start(Auth::Bearer(None), faults, None);
    let read = pull(&registry).expect("readable");
    assert_eq!(contents(&read)[0].1["big"].len(), 300_000);
    let seen = storage.seen();
    assert!(seen.iter().any(|seen| seen.path.contains("/blobs/") && seen.query.is_some()));
    assert!(seen.iter().all(|seen| seen.authorization.is_none()), "the storage is another host");
    assert!(registry.seen().iter().any(|seen| seen.authorization.as_deref() == Some("Bearer")));
}

#[test]
fn tokens_are_renewed_when_they_expire() {
    let registry = Registry::start(Auth::Bearer(None), Faults { token_uses: Some(2), ..Faults::default() }, None);
    assert_eq!(contents(&pull(&registry).expect("readable")).len(), 3);
    assert!(registry.seen().iter().filter(|seen| seen.path == "/token").count() > 1);
}

#[test]
fn manifests_are_bounded_and_judged() {
    let registry = Registry::open();
    let error = |bytes: Vec<u8>| {
        registry.put("a/manifests/v1", "application/vnd.oci.image.manifest.v1+json", bytes);
        read(&format!("{}/a:v1", registry.host), &OpenOptions::default()).expect_err("not readable")
    };
    assert!(error(vec![b' '; 5 << 20]).contains("larger than"));
    assert!(error(b"not JSON".to_vec()).contains("not a manifest"));
    let chart = r#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:00","size":1},"layers":[]}"#;
    assert!(error(chart.into()).contains("not an image but an artifact of type application/vnd.cncf.helm.config.v1+json"));
    registry.put("a/manifests/v1", "application/json", br#"{"schemaVersion":1,"name":"a","fsLayers":[{"blobSum":"sha256:00"}]}"#.to_vec());
    let read = read(&format!("{}/a:v1", registry.host), &OpenOptions::default()).expect("a gap and no error");
    assert!(read[0].skipped[0].contains("schema 1"), "{:?}", read[0].skipped);
}

#[test]
fn tls_is_checked() {
    let certified = certificate();
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, certified.cert.pem()).expect("writable");
    let registry = Registry::start(Auth::Anonymous, Faults::default(), Some(certified));
    let target = registry.push("team/app", "v1", &sample().build());
    let error = read(&target, &OpenOptions::default()).expect_err("an unknown authority");
    assert!(error.contains("--ca-cert"), "{error}");
    assert_eq!(contents(&read(&target, &OpenOptions { ca_cert: Some(ca), ..OpenOptions::default() }).expect("trusted")).len(), 3);
    assert_eq!(contents(&read(&target, &OpenOptions { insecure: true, ..OpenOptions::default() }).expect("not checked")).len(), 3);
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    // A plain proxy gets whole URLs, and this one answers for the host that is in them.
    let proxy = Registry::open();
    proxy.push("team/app", "v1", &sample().build());
    let scan = || Imgscan::new().args(["--insecure", "--format", "json", "registry.invalid/team/app:v1"]);
    let json = scan().env("HTTP_PROXY", format!("http://{}", proxy.host)).run().exits(0).json();
    assert_eq!(json["images"][0]["coverage"]["layers"], 3);
    let outcome = scan().env("HTTP_PROXY", format!("http://{}", proxy.host)).env("NO_PROXY", "registry.invalid").run().exits(2);
    assert!(outcome.stderr.contains("cannot reach registry registry.invalid"), "{}", outcome.stderr);
}

#[test]
fn nobody_is_sent_to_a_metadata_service() {
    for origin in ["http://169.254.169.254", "http://[fd00:ec2::254]", "http://2852039166"] {
        let registry = Registry::with_faults(Faults { redirect: Some(origin.to_owned()), ..Faults::default() });
        let layers = pull(&registry).expect("the manifest is there");
        let error = layers[0].layers[0].1.as_ref().expect_err("not followed");
        assert!(error.contains("redirects to the metadata service of a cloud") && !error.contains("X-Signature"), "{error}");
        let faults = Faults { realm: Some(format!("{origin}/token")), ..Faults::default() };
        let error = pull(&Registry::start(Auth::Bearer(None), faults, None)).expect_err("not asked");
        assert!(error.contains("is the metadata service of a cloud"), "{error}");
    }
}
