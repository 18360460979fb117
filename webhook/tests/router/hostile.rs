//! Reviews that cannot be judged are decided, by the policy (ADMISSION: oversize, depth, encoding).

use std::time::Duration;

use imgscan_webhook::state::Limits;
use serde_json::json;

use crate::support::{Replica, review};

/// As the API server writes it: `<` is six bytes.
fn escaped(text: &str) -> String {
    text.replace('<', "\\u003c")
}

#[tokio::test]
async fn a_legal_object_that_arrives_as_17_megabytes_of_escapes_is_judged() {
    let replica = Replica::new("mode: enforce");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {"pad": "<".repeat(1_400_000)}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let body = escaped(&review("team", &pod, Some(&pod), false));
    assert!(body.len() > 16 << 20, "{}", body.len());
    let response = replica.send(body).await;
    assert_eq!((&response["uid"], &response["allowed"]), (&json!("u-1"), &json!(true)));
    assert!(replica.metrics().contains("imgscan_admission_answers_total{answer=\"allowed\",dry_run=\"false\"} 1"));
}

#[tokio::test]
async fn what_is_too_large_is_denied_in_words_or_admitted_with_a_warning() {
    let limits = Limits { body: 1 << 20, ..Limits::default() };
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {"pad": "x".repeat(2 << 20)}}});
    let body = review("team", &pod, None, false);
    let strict = Replica::with_limits("{mode: enforce, undecided: deny}", limits).send(body.clone()).await;
    assert_eq!((&strict["uid"], &strict["allowed"], &strict["status"]["code"]), (&json!("u-1"), &json!(false), &json!(403)));
    assert!(strict["status"]["message"].as_str().is_some_and(|text| text.contains("larger than this webhook reads")));
    let lenient = Replica::with_limits("{mode: enforce, undecided: warn}", limits).send(body.clone()).await;
    assert_eq!((&lenient["allowed"], lenient["warnings"].as_array().map(Vec::len)), (&json!(true), Some(1)));
    let warning_namespace =
        Replica::with_limits("{mode: enforce, undecided: deny, namespaces: [{names: [team], mode: warn}]}", limits).send(body).await;
    assert_eq!(warning_namespace["allowed"], true, "the namespace's mode is read from the prefix");
}

#[tokio::test]
async fn hostile_json_is_decided_and_echoes_the_uid() {
    let replica = Replica::new("mode: enforce");
    let head = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-9","kind":{"group":"","version":"v1","kind":"Pod"},"namespace":"team","operation":"CREATE","#;
    for (what, tail) in [
        ("deep", format!("\"object\":{}", "[".repeat(1 << 20)).into_bytes()),
        ("early end", b"\"object\":{\"kind\":\"Pod\"".to_vec()),
        ("invalid UTF-8", b"\"object\":{\"kind\":\"\xff\xfe\"}}}".to_vec()),
        ("a key twice", b"\"uid\":\"u-10\",\"object\":{}}}".to_vec()),
        ("no object", b"\"object\":null}}".to_vec()),
        ("not an object", b"\"object\":[1]}}".to_vec()),
        ("many values", format!("\"object\":[{}0]}}}}", "0,".repeat(5 << 20)).into_bytes()),
    ] {
        let response = replica.send([head.as_bytes(), &tail].concat()).await;
        assert_eq!((&response["uid"], &response["allowed"]), (&json!("u-9"), &json!(false)), "{what}");
        assert!(response["status"]["message"].as_str().is_some_and(|text| text.contains("could not judge")), "{what}");
    }
    assert!(replica.metrics().contains("imgscan_admission_undecided_total{reason=\"undecodable\"} 7"));
    assert_eq!(replica.send("").await["allowed"], false);
}

#[tokio::test]
async fn an_exhausted_budget_is_decided() {
    let replica = Replica::with_limits("mode: enforce", Limits { budget: Duration::ZERO, ..Limits::default() });
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let response = replica.send(review("team", &pod, None, false)).await;
    assert_eq!(response["allowed"], false);
    assert!(response["status"]["message"].as_str().is_some_and(|text| text.contains("could not judge")));
}

#[tokio::test]
async fn large_reviews_wait_for_room_to_be_decoded_and_small_ones_do_not() {
    let limits = Limits { budget: Duration::from_millis(300), workers: 64, decoded: 1 << 20, ..Limits::default() };
    let replica = Replica::with_limits("mode: enforce", limits);
    let pod = |size: usize| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {"pad": "x".repeat(size)}}});
    let large = review("team", &pod(200_000), None, false);
    assert_eq!(replica.send(large.clone()).await["allowed"], true);
    let all = replica.state.decoded.acquire(usize::MAX).await.expect("room");
    let waited = replica.send(large.clone()).await;
    assert!(waited["status"]["message"].as_str().is_some_and(|text| text.contains("busy")), "{waited}");
    assert_eq!(replica.send(review("team", &pod(10), None, false)).await["allowed"], true);
    drop(all);
    assert_eq!(replica.send(large).await["allowed"], true);
}

#[tokio::test]
async fn texts_that_are_slow_to_search_are_decided_in_time_and_block_nobody() {
    // More steps than any text may take: given up also where there is time.
    let slow = "eyJh-".repeat(50_000);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {"a": slow}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": slow}});
    for budget in [Duration::from_millis(500), Duration::from_secs(60)] {
        let replica = Replica::with_limits("mode: enforce", Limits { budget, workers: 1, ..Limits::default() });
        for object in [&pod, &secret] {
            let start = std::time::Instant::now();
            let response = replica.send(review("team", object, None, false)).await;
            assert_eq!((&response["uid"], &response["allowed"]), (&json!("u-1"), &json!(false)));
            assert!(
                response["status"]["message"].as_str().is_some_and(|text| text.contains("the time for one review ran out")),
                "{response}"
            );
            assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
            // The one worker must come free, or nobody else is judged.
            let free = tokio::time::timeout(Duration::from_secs(10), replica.state.workers.acquire()).await;
            assert!(free.is_ok(), "the search goes on behind the answer");
        }
        assert_eq!(replica.state.index().objects(), 0, "half of what a Secret holds is not what it holds");
    }
}

#[tokio::test]
async fn small_reviews_are_judged_in_the_pool_where_no_thread_is_free_for_them() {
    let replica = Replica::with_limits("mode: enforce", Limits { workers: 1, ..Limits::default() });
    assert_eq!(replica.state.at_once.available_permits(), 0, "a single worker never blocks what answers probes");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}});
    assert_eq!(replica.review("team", &pod, None, false).await["allowed"], true);
    let replica = Replica::with_limits("mode: enforce", Limits { workers: 3, ..Limits::default() });
    let taken = std::sync::Arc::clone(&replica.state.at_once).acquire_many_owned(2).await.expect("free");
    assert_eq!(replica.review("team", &pod, None, false).await["allowed"], true);
    drop(taken);
    assert_eq!(replica.review("team", &pod, None, false).await["allowed"], true);
    assert_eq!(replica.state.at_once.available_permits(), 2, "given back");
}

/// Bytes of a good review changed, doubled and cut at random, always from the same seed: never a panic, always a decision.
#[tokio::test]
async fn mutated_reviews_are_always_answered() {
    let replica = Replica::new("mode: enforce");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "i", "env": [{"name": "A", "value": "\u{1F511}"}], "args": ["--x", "y"]}]}});
    let good = review("team", &pod, Some(&pod), true).into_bytes();
    let mut state = 42u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).expect("small")).expect("small")
    };
    for _ in 0..2000 {
        let mut body = good.clone();
        for _ in 0..=random(4) {
            let at = random(body.len());
            match random(4) {
                0 => body[at] = u8::try_from(random(256)).expect("a byte"),
                1 => body.truncate(at.max(1)),
                2 => {
                    let piece = body[at..(at + random(40)).min(body.len())].to_vec();
                    body.splice(at..at, piece);
                }
                _ => {
                    body.insert(at, *b"[]{}\",:\\\x00\xff".get(random(10)).expect("one of them"));
                }
            }
        }
        let response = replica.send(body).await;
        assert!(response["allowed"].is_boolean());
    }
    assert!(!replica.metrics().contains("reason=\"internal\""), "no panic behind it");
}
