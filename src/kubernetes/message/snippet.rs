//! The change that fixes a literal, to paste: where to keep it, as the policy prefers, and how its field can refer to that.
//!
//! Only names of the object's own container and variable, and words of the rule, are in it. A flag's name is not: behind
//! `-p`, it may be the password.

use super::super::{literals::Field, observe::Observation, policy::Fix};

/// For one literal.
pub(super) fn of(fix: Fix, literal: &Observation) -> String {
    let variable = literal.variable.as_deref().filter(|name| is_identifier(name)).map_or_else(|| constant(&literal.rule.id), str::to_owned);
    let secret = format!("{}-credentials", dns_label(literal.container.as_deref().unwrap_or("app")));
    let (keep, refer) = match fix {
        Fix::SecretKeyRef => (format!("keep it in a Secret, as key {variable} of {secret}"), true),
        Fix::ExternalSecret => (
            format!(
                "keep it in your secret store, and let an ExternalSecret fetch it:\n  apiVersion: external-secrets.io/v1\n  \
                 kind: ExternalSecret\n  metadata: {{name: {secret}}}\n  spec:\n    secretStoreRef: {{kind: ClusterSecretStore, name: YOUR-STORE}}\n    \
                 data:\n    - secretKey: {variable}\n      remoteRef: {{key: YOUR/PATH, property: {variable}}}"
            ),
            true,
        ),
        Fix::Vault => (
            format!(
                "let the Vault agent write it to a file, by annotations of the pod template:\n  vault.hashicorp.com/agent-inject: \"true\"\n  \
                 vault.hashicorp.com/role: YOUR-ROLE\n  vault.hashicorp.com/agent-inject-secret-{secret}: YOUR/PATH\n\
                 and read /vault/secrets/{secret} in the container"
            ),
            false,
        ),
        Fix::Csi => (
            format!(
                "mount it from your secret store by the CSI driver (a SecretProviderClass {secret} says where it is kept):\n  volumes:\n  \
                 - name: {secret}\n    csi:\n      driver: secrets-store.csi.k8s.io\n      readOnly: true\n      \
                 volumeAttributes: {{secretProviderClass: {secret}}}\nand in the container:\n  volumeMounts:\n  \
                 - {{name: {secret}, mountPath: /mnt/secrets, readOnly: true}}"
            ),
            false,
        ),
    };
    let mut text = keep;
    let env =
        format!("\n  env:\n  - name: {variable}\n    valueFrom:\n      secretKeyRef:\n        name: {secret}\n        key: {variable}");
    match literal.field {
        Field::Env if refer => text.push_str(&format!(", and refer to it:{env}")),
        Field::Args | Field::Command if refer => {
            text.push_str(&format!(", refer to it:{env}\nand write $({variable}) in its place (in a shell's script ${variable})"));
        }
        Field::Probe if refer => text.push_str(&format!(
            ", refer to it:{env}\nand let an exec probe's shell read ${variable}; headers and URLs of probes cannot refer to a Secret"
        )),
        Field::Annotation | Field::Label => {
            text.push_str("\nAnnotations and labels cannot refer to a Secret, and everyone who lists objects reads them: remove it here");
        }
        Field::Data => {
            text.push_str(&format!(
                "\nRemove it from the ConfigMap, and use the Secret beside it:\n  envFrom:\n  - secretRef: {{name: {secret}}}"
            ));
        }
        Field::Volume => text.push_str("\nand name that Secret in the volume: nodePublishSecretRef of csi, secretRef of the others"),
        Field::Other => {
            text.push_str("\nand name that Secret in the resource's own field for one (secretRef, secretKeyRef, existingSecret)");
        }
        Field::Env | Field::Args | Field::Command | Field::Probe => {}
    }
    text.push('\n');
    text
}

fn is_identifier(name: &str) -> bool {
    name.len() <= 100 && !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// `github-pat` as the name of a variable.
fn constant(rule: &str) -> String {
    rule.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).take(63).collect()
}

fn dns_label(text: &str) -> String {
    let label: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(40).collect();
    label.trim_matches('-').to_owned()
}
