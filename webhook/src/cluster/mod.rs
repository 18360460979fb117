//! Everything that talks to the API server. Deliberately absent: a store of objects; each is read, reduced to what is
//! needed, and dropped.

pub mod audit;
pub mod ca;
pub mod crd;
pub mod custom;
pub mod events;
pub mod exceptions;
pub mod key;
pub mod lease;
mod reports;
pub mod status;
pub mod watch;

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
};
use serde_json::Value;
use tokio::sync::watch as channel;

/// The group of imgscan's custom resources.
pub const GROUP: &str = "imgscan.dev";

/// Any resource by its names.
pub fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    ApiResource { group: group.to_owned(), version: version.to_owned(), api_version, kind: kind.to_owned(), plural: plural.to_owned() }
}

/// Waits until this replica is about to end.
pub(crate) async fn end(ending: &mut channel::Receiver<bool>) {
    let _ = ending.wait_for(|ending| *ending).await;
}

/// All objects of a resource.
pub fn all(client: &Client, resource: &ApiResource) -> Api<DynamicObject> {
    Api::all_with(client.clone(), resource)
}

/// The object as plain JSON.
pub fn to_value(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

/// What may be logged of an API error: the status, never a body.
pub fn brief(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("API server: {} {}", status.code, status.reason),
        kube::Error::Service(_) | kube::Error::HyperError(_) => "API server unreachable".to_owned(),
        _ => "API call failed".to_owned(),
    }
}

/// Whether the object is not there.
pub fn is_missing(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}
