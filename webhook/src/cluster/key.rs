//! The key of the fingerprint index: 32 random bytes in a Secret of the webhook's own namespace, the same for all replicas.

use anyhow::{Context, Result};
use imgscan::Secret as Value;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};

use super::is_missing;

const FIELD: &str = "key";

/// Reads the key, or makes one. Of several replicas that start at once, the first to create it wins.
///
/// # Errors
/// When the API server cannot be asked, or the Secret holds no key.
pub async fn load(client: &Client, namespace: &str, name: &str) -> Result<Value> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    for _ in 0..3 {
        match secrets.get(name).await {
            Ok(secret) => {
                let key = secret.data.and_then(|mut data| data.remove(FIELD)).context("the key's Secret has no field `key`")?;
                return Ok(Value::new(&key.0));
            }
            Err(error) if is_missing(&error) => {
                let mut key = [0u8; 32];
                getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
                let secret = Secret {
                    metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
                    immutable: Some(true),
                    data: Some([(FIELD.to_owned(), ByteString(key.to_vec()))].into()),
                    type_: Some("imgscan.dev/fingerprint-key".to_owned()),
                    ..Secret::default()
                };
                match secrets.create(&PostParams::default(), &secret).await {
                    Ok(_) => return Ok(Value::new(&key)),
                    Err(kube::Error::Api(status)) if status.code == 409 => {}
                    Err(error) => anyhow::bail!("the key's Secret was not created: {}", super::brief(&error)),
                }
            }
            Err(error) => anyhow::bail!("the key's Secret was not read: {}", super::brief(&error)),
        }
    }
    anyhow::bail!("the key's Secret comes and goes")
}
