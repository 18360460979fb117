//! T2 for custom resources: one of each kind that the chart's rules name, with a literal where its published schema has it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    objects::{definition, denied, enforce, literal, object, open},
    samples::github,
    support::Cluster,
};

pub(crate) async fn t02_custom_resources_by_their_published_shapes(cluster: Arc<Cluster>) {
    let container = json!({"name": "app", "image": "example.com/app:1", "env": literal(3)});
    let pod = json!({"spec": {"containers": [container]}});
    let cases: Vec<(&str, &str, &str, Value)> = vec![
        ("argoproj.io", "v1alpha1", "Workflow", json!({"templates": [{"name": "a", "script": container}]})),
        (
            "argoproj.io",
            "v1alpha1",
            "WorkflowTemplate",
            json!({"templates": [{"name": "a", "initContainers": [container], "container": {}}]}),
        ),
        (
            "argoproj.io",
            "v1alpha1",
            "Application",
            json!({"source": {"helm": {"parameters": [{"name": "githubToken", "value": github(3)}]}}}),
        ),
        ("serving.knative.dev", "v1", "Service", json!({"template": pod})),
        ("ray.io", "v1", "RayCluster", json!({"headGroupSpec": {"template": pod}, "workerGroupSpecs": [{"template": pod}]})),
        ("jobset.x-k8s.io", "v1alpha2", "JobSet", json!({"replicatedJobs": [{"name": "a", "template": {"spec": {"template": pod}}}]})),
        ("leaderworkerset.x-k8s.io", "v1", "LeaderWorkerSet", json!({"leaderWorkerTemplate": {"workerTemplate": pod}})),
        ("batch.volcano.sh", "v1alpha1", "Job", json!({"tasks": [{"name": "a", "template": pod}]})),
        ("kubeflow.org", "v1", "PyTorchJob", json!({"pytorchReplicaSpecs": {"Worker": {"template": pod}}})),
        ("apps.kruise.io", "v1alpha1", "CloneSet", json!({"template": pod})),
        (
            "tekton.dev",
            "v1",
            "Task",
            json!({"steps": [{"name": "a", "image": "i", "script": format!("export GITHUB_TOKEN={}", github(3))}]}),
        ),
        ("sparkoperator.k8s.io", "v1beta2", "SparkApplication", json!({"driver": {"env": literal(3)}})),
        ("monitoring.coreos.com", "v1", "Prometheus", json!({"containers": [container]})),
        ("kafka.strimzi.io", "v1beta2", "Kafka", json!({"kafka": {"template": {"kafkaContainer": {"env": literal(3)}}}})),
        ("helm.toolkit.fluxcd.io", "v2", "HelmRelease", json!({"values": {"config": {"githubToken": github(3)}}})),
        ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", json!({"postBuild": {"substitute": {"token": github(3)}}})),
    ];
    cluster.namespace("customs", &[]).await;
    for (group, version, kind, _) in &cases {
        cluster.create(&definition(group, version, kind, &open())).await.expect("a definition");
    }
    cluster.policy(enforce()).await;
    let _webhook = cluster.serving("customs", &[]).await;
    for (group, version, kind, spec) in cases {
        let mut clean = object(&format!("{group}/{version}"), kind, "customs", "clean");
        clean["spec"] = json!({});
        cluster.until_served(kind, || cluster.create(&clean)).await;
        let mut bad = clean;
        bad["metadata"]["name"] = json!("bad");
        bad["spec"] = spec;
        let outcome = cluster.create(&bad).await;
        assert!(outcome.is_err(), "{kind} was admitted");
        denied(outcome, "github-pat");
    }
}
