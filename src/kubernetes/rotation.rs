//! How old a Secret's data is.

use jiff::{Timestamp, Unit};
use serde_json::Value;

use super::policy::{NamespaceFacts, Policy};

/// When the data of a Secret was last written: the latest `managedFields` entry that owns a part of `data`, or else the
/// creation.
pub fn data_written(secret: &Value) -> Option<Timestamp> {
    let time = |value: Option<&Value>| value.and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
    let entries = secret.pointer("/metadata/managedFields").and_then(Value::as_array);
    let writes = entries.into_iter().flatten().filter(|entry| entry.pointer("/fieldsV1/f:data").is_some());
    writes.filter_map(|entry| time(entry.get("time"))).max().or_else(|| time(secret.pointer("/metadata/creationTimestamp")))
}

/// The age in days of a Secret that is older than the policy allows, with the limit. `None` where it is not, where its age
/// is unknown, and for types that no person rotates.
pub fn overdue(secret: &Value, policy: &Policy, facts: &NamespaceFacts, now: Timestamp) -> Option<(u32, u32)> {
    let kind = secret.get("type").and_then(Value::as_str).unwrap_or_default();
    if policy.sharing.ignored_types.iter().any(|ignored| ignored == kind) || kind == "kubernetes.io/tls" {
        return None;
    }
    let environment = facts.labels.as_ref().and_then(|labels| labels.get(&policy.sharing.environment_label));
    let limit = environment.and_then(|name| policy.rotation.environments.get(name)).copied().unwrap_or(policy.rotation.default_days);
    let hours = now.since((Unit::Hour, data_written(secret)?)).ok()?.get_hours();
    let days = u32::try_from(hours / 24).ok()?;
    (limit > 0 && days > limit).then_some((days, limit))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_age_is_that_of_the_data_not_of_the_object() {
        let now: Timestamp = "2026-06-30T00:00:00Z".parse().expect("time");
        let policy = Policy::default();
        let facts = |environment: &str| NamespaceFacts {
            name: "n".into(),
            labels: Some([("imgscan.dev/environment".to_owned(), environment.to_owned())].into()),
        };
        let mut secret = json!({"kind": "Secret", "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}});
        assert_eq!(overdue(&secret, &policy, &facts("prod"), now), Some((180, 90)));
        secret["metadata"]["managedFields"] = json!([
            {"time": "2026-05-20T00:00:00Z", "fieldsV1": {"f:data": {}}}, {"time": "2026-06-29T00:00:00Z", "fieldsV1": {"f:metadata": {}}}
        ]);
        assert_eq!(overdue(&secret, &policy, &facts("prod"), now), None, "41 days");
        assert_eq!(overdue(&secret, &policy, &facts("dev"), now), Some((41, 30)));
        secret["type"] = json!("helm.sh/release.v1");
        assert_eq!(overdue(&secret, &policy, &facts("dev"), now), None);
    }
}
