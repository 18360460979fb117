//! What is installed: every manifest under the API server's strict validation, the schemas of the custom resources, the pods'
//! security, and the rights of the service account.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use serde_json::{Value, json};

use crate::{
    objects::{definition, enforce, object, open, pod},
    support::{Cluster, HOME, manifests, parsed, root, webhooks},
};

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(root().join(path)).expect(path)).expect("YAML")
}

/// What `kubectl kustomize` makes of an overlay: its base, and the JSON patches, of which it uses `test` and `replace`.
fn overlay(name: &str) -> Vec<Value> {
    let kustomization = yaml(&format!("manifests/overlays/{name}/kustomization.yaml"));
    assert_eq!(kustomization["resources"], json!(["../../base"]));
    let mut objects = manifests("manifests/base/install.yaml");
    for patch in kustomization["patches"].as_array().expect("patches") {
        let target = &patch["target"];
        let is_target = |object: &&mut Value| object["kind"] == target["kind"] && object["metadata"]["name"] == target["name"];
        let object = objects.iter_mut().find(is_target).expect("the target");
        let steps: Value = serde_yaml::from_str(patch["patch"].as_str().expect("a patch")).expect("YAML");
        for step in steps.as_array().expect("steps") {
            let place = object.pointer_mut(step["path"].as_str().expect("a path")).expect("the path");
            match step["op"].as_str() {
                Some("replace") => *place = step["value"].clone(),
                Some("test") => assert_eq!(*place, step["value"]),
                other => panic!("{other:?}"),
            }
        }
    }
    objects
}

fn helm() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cached = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/imgscan-tools/bin"));
    std::env::split_paths(&path).chain(cached).map(|folder| folder.join("helm")).find(|file| file.exists())
}

/// What the chart makes of a release.
fn template(helm: &Path, release: &str, namespace: &str, more: &[&str]) -> Vec<Value> {
    let rendered = Command::new(helm)
        .args(["template", release, "manifests/chart", "--namespace", namespace, "--kube-version", "1.31.0"])
        .args(more)
        .current_dir(root())
        .output()
        .expect("helm runs");
    assert!(rendered.status.success(), "{more:?}: {}", String::from_utf8_lossy(&rendered.stderr));
    parsed(&String::from_utf8_lossy(&rendered.stdout))
}

pub(crate) async fn every_manifest_passes_strict_validation(cluster: Arc<Cluster>) {
    // install.yaml itself was applied so when the cluster started; a field that does not exist must be refused.
    let mut wrong = manifests("manifests/install.yaml").into_iter().find(|object| object["kind"] == "Deployment").expect("a Deployment");
    wrong["spec"]["template"]["spec"]["priorityClas"] = json!("x");
    assert!(cluster.apply(&wrong, true).await.is_err_and(|error| error.contains("priorityClas")), "validation is strict");
    for name in ["audit", "enforce"] {
        let objects = overlay(name);
        for object in &objects {
            if let Err(error) = cluster.apply(object, true).await {
                panic!("{name}: {} {}: {error}", object["kind"], object["metadata"]["name"]);
            }
        }
        let of = |kind: &str| objects.iter().find(|object| object["kind"] == kind).expect("there is one");
        assert_eq!(of("CredentialPolicy")["spec"]["mode"], name);
        let webhooks = of("ValidatingWebhookConfiguration")["webhooks"].as_array().expect("webhooks").clone();
        for webhook in webhooks {
            let lenient =
                ["deletions.imgscan.dev", "storage.imgscan.dev", "labels.imgscan.dev"].iter().any(|name| webhook["name"] == *name);
            assert_eq!(webhook["failurePolicy"], if name == "enforce" && !lenient { "Fail" } else { "Ignore" }, "{}", webhook["name"]);
            let excluded = webhook["namespaceSelector"]["matchExpressions"][0]["values"].as_array();
            let excluded = excluded.map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>());
            if let Some(excluded) = excluded {
                assert!(["kube-system", "kube-node-lease", HOME].iter().all(|own| excluded.contains(own)), "{excluded:?}");
            }
        }
    }
    let Some(helm) = helm() else {
        crate::say("  SKIPPED: no helm, so that only the rendered manifests are applied, not the chart's other settings");
        return;
    };
    for (group, kind) in [("cert-manager.io", "Certificate"), ("monitoring.coreos.com", "ServiceMonitor")] {
        cluster.create(&definition(group, "v1", kind, &open())).await.expect("a definition");
    }
    for settings in [
        "tls.mode=cert-manager,tls.certManager.issuerRef.name=ca",
        "tls.mode=secret,tls.secretName=x,tls.caBundle=",
        "sharing.watchSecrets=true,serviceMonitor.enabled=true,audit.also={example.com/v1/Widget/widgets}",
        "sharing.enabled=false,audit.everySeconds=0,events.enabled=false,networkPolicy.enabled=false",
        "hostNetwork=true,webhook.port=10250,clientCA.configMap=clients,priorityClassName=,commonLabels.team=x",
    ] {
        for object in template(&helm, "imgscan", HOME, &["--skip-crds", "--set", settings]) {
            let what = format!("{settings}: {} {}", object["kind"], object["metadata"]["name"]);
            cluster.until_served(&what, || cluster.apply(&object, true)).await;
            if object["kind"] == "ValidatingWebhookConfiguration" {
                let annotation = &object["metadata"]["annotations"]["cert-manager.io/inject-ca-from"];
                let wanted = if settings.contains("cert-manager") { json!(format!("{HOME}/imgscan-webhook")) } else { Value::Null };
                assert_eq!(*annotation, wanted, "{settings}");
            }
        }
    }
    // Exceptions count from the chart's own namespace, whatever it is called: nobody can make one that counts by its name.
    let elsewhere = template(&helm, "x", "elsewhere", &["--show-only", "templates/policy.yaml"]);
    let [policy] = elsewhere.as_slice() else { panic!("{} objects", elsewhere.len()) };
    assert_eq!(policy["spec"]["exceptionsFrom"], json!(["elsewhere"]));
    // T13: twice the same bytes, and what is checked in.
    let check = Command::new("sh")
        .args(["manifests/render.sh", "--check"])
        .env("IMGSCAN_WEBHOOK", env!("CARGO_BIN_EXE_imgscan-webhook"))
        .env("HELM", &helm)
        .current_dir(root())
        .output()
        .expect("sh runs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

/// GitOps tools apply server-side: what a newer version no longer names must go, though the webhook wrote into it.
pub(crate) async fn a_webhook_can_be_taken_out_again(cluster: Arc<Cluster>) {
    cluster.policy(enforce()).await;
    cluster.unregister().await;
    let webhook = cluster.webhook("taken-out", &[]);
    let mut configuration = webhooks(webhook.port);
    for entry in configuration["webhooks"].as_array_mut().expect("a list") {
        entry["failurePolicy"] = json!("Ignore");
    }
    cluster.apply(&configuration, false).await.expect("applied");
    let api = cluster.api(&configuration);
    let bundles = || async {
        let stored = api.get("imgscan-webhook").await.expect("stored");
        let entries = stored.data["webhooks"].as_array().cloned().unwrap_or_default();
        let filled = entries.iter().filter(|entry| entry["clientConfig"]["caBundle"].as_str().is_some_and(|ca| ca.len() > 100)).count();
        (entries.len(), filled)
    };
    let all = configuration["webhooks"].as_array().expect("a list").len();
    cluster.wait("the CA", 60, || async { bundles().await == (all, all) }).await;
    configuration["webhooks"].as_array_mut().expect("a list").retain(|entry| entry["name"] != "objects.imgscan.dev");
    cluster.apply(&configuration, false).await.expect("one less");
    assert_eq!(bundles().await, (all - 1, all - 1), "it is gone, and the others keep the CA");
    cluster.apply(&configuration, false).await.expect("again");
    assert_eq!(bundles().await, (all - 1, all - 1), "nothing to change, nothing changed");
    cluster.unregister().await;
}

pub(crate) async fn the_custom_resources_refuse_what_cannot_be_meant(cluster: Arc<Cluster>) {
    let policy = |spec: Value| json!({"apiVersion": "imgscan.dev/v1alpha1", "kind": "CredentialPolicy", "metadata": {"name": "other"}, "spec": spec});
    for (spec, wanted) in [
        (json!({}), ""),
        (
            json!({"mode": "enforce", "namespaces": [{"names": ["team-*"], "mode": "warn"}], "enforceFrom": {"severity": "high", "confidence": "medium"}}),
            "",
        ),
        (json!({"mode": "strict"}), "spec.mode"),
        (json!({"sharing": {"minBits": 40}}), "minBits"),
        (json!({"sharing": {"scopeLabel": ""}}), "scopeLabel"),
        (json!({"namespaces": [{"names": ["a"]}]}), "spec.namespaces[0].mode"),
        (json!({"enforceFrom": {"severity": "awful", "confidence": "high"}}), "severity"),
        (json!({"rotation": {"defaultDays": -1}}), "defaultDays"),
        (json!({"mdoe": "enforce"}), "mdoe"),
    ] {
        judged(&cluster, &policy(spec.clone()), wanted).await;
    }
    let exception = |change: Value| {
        let mut spec = json!({"fingerprints": ["0123456789abcdef".repeat(2)], "namespaces": ["a"], "reason": "r", "owner": "o", "expires": "2030-01-01T00:00:00Z"});
        spec.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        json!({"apiVersion": "imgscan.dev/v1alpha1", "kind": "CredentialException", "metadata": {"name": "other", "namespace": HOME}, "spec": spec})
    };
    for (change, wanted) in [
        (json!({}), ""),
        (json!({"fingerprints": [], "rules": ["github-pat"], "objects": {"kinds": ["Deployment"]}}), ""),
        (json!({"fingerprints": []}), "needs `fingerprints` or `rules`"),
        (json!({"rules": ["github-pat"]}), "needs `objects`"),
        (json!({"fingerprints": ["xyz"]}), "fingerprints[0]"),
        (json!({"namespaces": []}), "namespaces"),
        (json!({"reason": " "}), "reason"),
        (json!({"owner": ""}), "owner"),
        (json!({"expires": "tomorrow"}), "expires"),
    ] {
        judged(&cluster, &exception(change), wanted).await;
    }
}

async fn judged(cluster: &Cluster, object: &Value, wanted: &str) {
    match cluster.apply(object, true).await {
        Ok(_) => assert_eq!(wanted, "", "admitted: {}", object["spec"]),
        Err(error) => assert!(!wanted.is_empty() && error.contains(wanted), "{}: {error}", object["spec"]),
    }
}

pub(crate) async fn the_pods_are_restricted_and_the_rights_few(cluster: Arc<Cluster>) {
    let objects = manifests("manifests/install.yaml");
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").expect("a Deployment");
    // No controller counts for the quota here.
    let quota = objects.iter().find(|object| object["kind"] == "ResourceQuota").expect("a quota");
    let mut counted = quota.clone();
    counted["status"] = json!({"hard": quota["spec"]["hard"], "used": {"pods": "0"}});
    let name = quota["metadata"]["name"].as_str().expect("a name");
    let params = kube::api::PatchParams::default();
    cluster.api(quota).patch_status(name, &params, &kube::api::Patch::Merge(&json!({"status": counted["status"]}))).await.expect("counted");
    let mut own = object("v1", "Pod", HOME, "webhook");
    own["metadata"]["labels"] = deployment["spec"]["template"]["metadata"]["labels"].clone();
    own["spec"] = deployment["spec"]["template"]["spec"].clone();
    let stored = {
        let mut outcome = cluster.dry_run(&own).await;
        for _ in 0..50 {
            // Priority classes and the quota's status arrive a moment after the start.
            if outcome.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            outcome = cluster.dry_run(&own).await;
        }
        outcome.expect("a restricted pod")
    };
    assert_eq!(stored["spec"]["priority"], 2_000_000_000, "system-cluster-critical");
    let loose = cluster.dry_run(&pod(HOME, "loose", json!([]))).await.expect_err("refused");
    assert!(loose.contains("PodSecurity \"restricted"), "{loose}");
    // What belongs to the pods finds them, and a rollout or a drain leaves enough of them.
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let of = |kind: &str| objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    let spread = &deployment["spec"]["template"]["spec"]["topologySpreadConstraints"][0];
    for selector in [
        &of("Service")["spec"]["selector"],
        &of("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        &of("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        &spread["labelSelector"]["matchLabels"],
    ] {
        let selector = selector.as_object().expect("a selector");
        assert!(!selector.is_empty() && selector.iter().all(|(key, value)| labels[key] == *value), "{selector:?}");
    }
    assert_eq!(deployment["spec"]["strategy"]["rollingUpdate"], json!({"maxUnavailable": 0, "maxSurge": 1}));
    assert!(deployment["spec"]["replicas"].as_u64() >= Some(2) && of("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1);
    assert!(
        deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_u64() >= Some(10 + 30),
        "draining and the last words"
    );
    // What the service account may do, as the API server sees it: nothing with Secrets but its own two.
    let may = |verb: &'static str, group: &'static str, resource: &'static str, namespace: &'static str, name: &'static str| {
        let cluster = Arc::clone(&cluster);
        async move {
            let review: SubjectAccessReview = serde_json::from_value(json!({"spec": {
                "user": format!("system:serviceaccount:{HOME}:imgscan-webhook"),
                "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name}}}))
            .expect("a review");
            let api: kube::Api<SubjectAccessReview> = kube::Api::all(cluster.client.clone());
            api.create(&Default::default(), &review).await.expect("an answer").status.expect("a status").allowed
        }
    };
    for (verb, group, resource, namespace, name) in [
        ("get", "", "secrets", HOME, "imgscan-webhook-key"),
        ("update", "", "secrets", HOME, "imgscan-webhook-ca"),
        ("create", "", "secrets", HOME, ""),
        ("list", "", "pods", "", ""),
        ("list", "apiextensions.k8s.io", "customresourcedefinitions", "", ""),
        ("patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "imgscan-webhook"),
    ] {
        assert!(may(verb, group, resource, namespace, name).await, "{verb} {resource} {name}");
    }
    for (verb, group, resource, namespace, name) in [
        ("list", "", "secrets", "", ""),
        ("list", "", "secrets", HOME, ""),
        ("watch", "", "secrets", "", ""),
        ("get", "", "secrets", "default", "x"),
        ("get", "", "secrets", HOME, "x"),
        ("update", "", "secrets", HOME, "imgscan-webhook-key"),
        ("create", "", "secrets", "default", ""),
        ("delete", "", "secrets", HOME, "imgscan-webhook-key"),
        ("create", "", "pods", HOME, ""),
        ("get", "", "pods/exec", "default", "x"),
        ("update", "", "pods", "default", "x"),
        ("patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "another"),
        ("delete", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "imgscan-webhook"),
        ("patch", "imgscan.dev", "credentialpolicies", "", "default"),
        ("create", "imgscan.dev", "credentialexceptions", HOME, ""),
        ("create", "rbac.authorization.k8s.io", "clusterrolebindings", "", ""),
        ("impersonate", "", "users", "", ""),
    ] {
        assert!(!may(verb, group, resource, namespace, name).await, "{verb} {resource} {name}");
    }
}
