//! Which replica keeps the CA, audits, and sums up the status. Serving needs no leader.

use std::time::{Duration, Instant};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::sync::watch;

use super::{end, is_missing};

/// A leader that did not renew for so long is replaced.
const DURATION: Duration = Duration::from_secs(15);
const RENEW: Duration = Duration::from_secs(5);

/// Competes for the lease until `ending`, and gives it up then, so that another replica need not wait for its end. The
/// receiver says whether this replica has it.
pub fn compete(
    client: Client,
    namespace: String,
    name: String,
    identity: String,
    mut ending: watch::Receiver<bool>,
) -> watch::Receiver<bool> {
    let (leads, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let leases: Api<Lease> = Api::namespaced(client, &namespace);
        // When the record last changed, by our own clock: those of others may be off.
        let mut seen: (Option<MicroTime>, Instant) = (None, Instant::now());
        let mut renewed: Option<Instant> = None;
        loop {
            let round = tokio::time::timeout(RENEW, attempt(&leases, &name, &identity, &mut seen)).await;
            match round {
                Ok(Ok(true)) => renewed = Some(Instant::now()),
                Ok(Ok(false)) => renewed = None,
                // Unknown: the lead is kept no longer than others would grant it.
                Ok(Err(())) | Err(_) => renewed = renewed.filter(|at| at.elapsed() + RENEW < DURATION),
            }
            if leads.send_if_modified(|leads| std::mem::replace(leads, renewed.is_some()) != renewed.is_some()) {
                tracing::info!(leads = renewed.is_some(), "lease");
            }
            tokio::select! {
                () = tokio::time::sleep(RENEW) => {}
                () = end(&mut ending) => break,
            }
        }
        leads.send_replace(false);
        if renewed.is_some() && tokio::time::timeout(RENEW, give_up(&leases, &name, &identity)).await.is_ok_and(|given_up| given_up) {
            tracing::info!(leads = false, "lease given up");
        }
    });
    receiver
}

/// Leaves the lease without a holder, as client-go does.
async fn give_up(leases: &Api<Lease>, name: &str, identity: &str) -> bool {
    let Ok(mut lease) = leases.get(name).await else { return false };
    let Some(spec) = lease.spec.as_mut().filter(|spec| spec.holder_identity.as_deref() == Some(identity)) else { return false };
    spec.holder_identity = Some(String::new());
    spec.lease_duration_seconds = Some(1);
    leases.replace(name, &PostParams::default(), &lease).await.is_ok()
}

async fn attempt(leases: &Api<Lease>, name: &str, identity: &str, seen: &mut (Option<MicroTime>, Instant)) -> Result<bool, ()> {
    let now = MicroTime(k8s_openapi::jiff::Timestamp::now());
    let fresh = |transitions: i32, since: MicroTime| LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: Some(since),
        renew_time: Some(now.clone()),
        lease_transitions: Some(transitions),
        ..LeaseSpec::default()
    };
    match leases.get(name).await {
        Err(error) if is_missing(&error) => {
            let lease =
                Lease { metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }, spec: Some(fresh(0, now.clone())) };
            leases.create(&PostParams::default(), &lease).await.map(|_| true).or(Ok(false))
        }
        Err(_) => Err(()),
        Ok(mut lease) => {
            let spec = lease.spec.take().unwrap_or_default();
            let mine = spec.holder_identity.as_deref() == Some(identity);
            if seen.0 != spec.renew_time {
                *seen = (spec.renew_time.clone(), Instant::now());
            }
            let held = spec.holder_identity.as_deref().is_some_and(|holder| !holder.is_empty());
            if !mine && held && spec.renew_time.is_some() && seen.1.elapsed() < DURATION {
                return Ok(false);
            }
            let transitions = spec.lease_transitions.unwrap_or_default();
            let since = spec.acquire_time.filter(|_| mine).unwrap_or_else(|| now.clone());
            lease.spec = Some(fresh(if mine { transitions } else { transitions.saturating_add(1) }, since));
            // The resourceVersion makes sure that nobody else took it meanwhile.
            leases.replace(name, &PostParams::default(), &lease).await.map(|_| true).or(Ok(false))
        }
    }
}
