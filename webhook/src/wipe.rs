//! Objects whose texts are overwritten when they are dropped: a Secret's data passes through here in clear.
//!
//! What hyper, rustls and the decoder copied on the way is theirs and is not wiped.

use std::ops::Deref;

use kube::api::{ApiResource, DynamicObject};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use zeroize::Zeroize;

/// An object that is wiped when dropped.
pub struct Wiped(Value);

impl Wiped {
    /// An object as a list or a watch delivers it. Its data is moved, not copied; items of a list carry no kind.
    pub fn listed(object: DynamicObject, kind: &ApiResource) -> Self {
        let DynamicObject { mut metadata, data, .. } = object;
        let mut whole = Self(if data.is_object() { data } else { Value::Object(serde_json::Map::new()) });
        if let Value::Object(members) = &mut whole.0 {
            members.insert("metadata".to_owned(), serde_json::to_value(&metadata).unwrap_or_default());
            members.insert("apiVersion".to_owned(), Value::String(kind.api_version.clone()));
            members.insert("kind".to_owned(), Value::String(kind.kind.clone()));
        }
        metadata.annotations.iter_mut().flatten().for_each(|(_, text)| text.zeroize());
        whole
    }
}

impl Deref for Wiped {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl<'de> Deserialize<'de> for Wiped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}

/// Overwrites every text. Recursion is bounded by the decoder, which takes 127 levels.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_listed_object_is_whole() {
        let kind = crate::cluster::resource("", "v1", "Secret", "secrets");
        let whole = json!({"metadata": {"name": "s", "annotations": {"a": "b"}}, "data": {"k": "dg=="}, "type": "Opaque"});
        let listed = Wiped::listed(serde_json::from_value(whole.clone()).expect("an object"), &kind);
        let mut wanted = whole;
        wanted["apiVersion"] = json!("v1");
        wanted["kind"] = json!("Secret");
        assert_eq!(*listed, wanted);
    }

    #[test]
    fn every_text_is_overwritten_and_the_shape_stays() {
        let mut value = json!({"data": {"a": "dG9rZW4="}, "list": ["x", {"y": "z"}], "number": 1});
        wipe(&mut value);
        assert_eq!(value, json!({"data": {"a": ""}, "list": ["", {"y": ""}], "number": 1}));
    }
}
