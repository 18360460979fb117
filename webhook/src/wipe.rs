//! Objects whose texts are overwritten when they are dropped: a Secret's data passes through here in clear.
//!
//! What hyper, rustls and the decoder copied on the way is theirs and is not wiped.

use std::ops::Deref;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use zeroize::Zeroize;

/// An object that is wiped when dropped.
#[derive(Default)]
pub struct Wiped(Value);

impl From<Value> for Wiped {
    fn from(value: Value) -> Self {
        Self(value)
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
pub fn wipe(value: &mut Value) {
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
    fn every_text_is_overwritten_and_the_shape_stays() {
        let mut value = json!({"data": {"a": "dG9rZW4="}, "list": ["x", {"y": "z"}], "number": 1});
        wipe(&mut value);
        assert_eq!(value, json!({"data": {"a": ""}, "list": ["", {"y": ""}], "number": 1}));
    }
}
