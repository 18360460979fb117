//! Custom resources that nobody asks about: definitions whose schema can hold containers, or says nothing, and that no rule
//! of the webhook's configuration names. Their pods are judged all the same; what they hold themselves is not.

use std::collections::BTreeSet;

use anyhow::Result;
use k8s_openapi::api::admissionregistration::v1::{RuleWithOperations, ValidatingWebhookConfiguration};
use kube::{Api, Client, api::ListParams};
use serde_json::Value;

use super::{all, brief, resource};

/// Definitions a page: one may have more than a megabyte.
const PAGE: u32 = 4;
/// Levels of a schema that are looked at; a pod template stands in the upper ones.
const DEPTH: usize = 24;

/// Group and plural of the custom resources that are not covered. `configuration` is the webhook's.
///
/// # Errors
/// When the definitions or the configuration cannot be read.
pub async fn uncovered(client: &Client, configuration: &str) -> Result<BTreeSet<(String, String)>> {
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let configuration = configurations.get(configuration).await.map_err(|error| anyhow::anyhow!("{}", brief(&error)))?;
    let rules: Vec<_> = configuration.webhooks.into_iter().flatten().flat_map(|webhook| webhook.rules.unwrap_or_default()).collect();
    let kind = resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions");
    let mut found = BTreeSet::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = all(client, &kind).list(&params).await.map_err(|error| anyhow::anyhow!("{}", brief(&error)))?;
        for definition in page.items {
            let text = |pointer: &str| definition.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let (group, plural, scope) = (text("/spec/group"), text("/spec/names/plural"), text("/spec/scope"));
            let versions = definition.data.pointer("/spec/versions").and_then(Value::as_array);
            let holds = || versions.into_iter().flatten().filter_map(|version| version.pointer("/schema/openAPIV3Schema")).any(can_hold);
            if group != super::GROUP && !rules.iter().any(|rule| covers(rule, group, plural, scope)) && holds() {
                found.insert((group.to_owned(), plural.to_owned()));
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(found),
        }
    }
}

fn covers(rule: &RuleWithOperations, group: &str, plural: &str, scope: &str) -> bool {
    let has = |list: &Option<Vec<String>>, word: &str| list.iter().flatten().any(|item| item == word || item == "*");
    let every = rule.resources.iter().flatten().any(|item| item == "*/*");
    let in_scope = rule.scope.as_deref().is_none_or(|wanted| wanted == "*" || wanted == scope);
    has(&rule.operations, "CREATE") && has(&rule.api_groups, group) && (every || has(&rule.resources, plural)) && in_scope
}

/// Whether an object of that schema can have containers with variables: it says so, or it says nothing.
fn can_hold(schema: &Value) -> bool {
    let spec = schema.pointer("/properties/spec").unwrap_or(schema);
    is_open(spec) || holds(spec, DEPTH)
}

/// Whether anything may stand there.
fn is_open(schema: &Value) -> bool {
    let says_nothing = schema.get("properties").and_then(Value::as_object).is_none_or(|properties| properties.is_empty());
    says_nothing && schema.get("x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool) == Some(true)
}

fn holds(schema: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let properties = schema.get("properties").and_then(Value::as_object);
    let here = properties.into_iter().flatten().any(|(key, inner)| match key.as_str() {
        // `env: [{name, value}]`, as the core API and all that follow it have it.
        "env" => ["name", "value"].iter().all(|name| inner.pointer("/items/properties").is_some_and(|fields| fields.get(name).is_some())),
        "template" | "podTemplate" | "podSpec" | "containers" | "values" => is_open(inner) || inner.get("items").is_some_and(is_open),
        _ => false,
    });
    let below = || {
        let maps = schema.get("additionalProperties").into_iter();
        properties.into_iter().flat_map(|map| map.values()).chain(schema.get("items")).chain(maps).any(|inner| holds(inner, depth))
    };
    here || below()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(spec: Value) -> Value {
        json!({"type": "object", "properties": {"spec": spec}})
    }

    #[test]
    fn schemas_that_can_hold_containers_are_told_from_others() {
        let container = json!({"type": "object", "properties": {"name": {"type": "string"}, "image": {"type": "string"},
            "env": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}}}});
        let template = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"containers": {"type": "array", "items": container}}}}});
        for (what, schema, wanted) in [
            ("a template", json!({"type": "object", "properties": {"template": template}}), true),
            ("in a map", json!({"type": "object", "properties": {"replicas": {"type": "object", "additionalProperties": template}}}), true),
            ("an open spec", json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}), true),
            (
                "an open template",
                json!({"type": "object", "properties": {"template": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}),
                true,
            ),
            ("plain settings", json!({"type": "object", "properties": {"size": {"type": "integer"}, "env": {"type": "string"}}}), false),
        ] {
            assert_eq!(can_hold(&spec(schema)), wanted, "{what}");
        }
        let mut deep = json!({"type": "object"});
        for _ in 0..1000 {
            deep = json!({"items": deep});
        }
        assert!(!can_hold(&spec(deep)));
    }

    #[test]
    fn rules_cover_by_group_resource_and_scope() {
        let rule = |value: Value| serde_json::from_value::<RuleWithOperations>(value).expect("a rule");
        let kubeflow = rule(json!({"operations": ["CREATE"], "apiGroups": ["kubeflow.org"], "resources": ["*"], "scope": "Namespaced"}));
        assert!(covers(&kubeflow, "kubeflow.org", "pytorchjobs", "Namespaced"));
        assert!(!covers(&kubeflow, "kubeflow.org", "profiles", "Cluster"));
        assert!(!covers(&kubeflow, "example.com", "pytorchjobs", "Namespaced"));
        let deletions = rule(json!({"operations": ["DELETE"], "apiGroups": ["*"], "resources": ["*/*"]}));
        assert!(!covers(&deletions, "example.com", "widgets", "Namespaced"));
    }
}
