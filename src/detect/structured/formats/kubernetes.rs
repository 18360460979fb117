//! Kubernetes' client. Manifests are in [`crate::detect::structured::manifest`].

use crate::detect::structured::format::{Form, Format, Syntax, credential};

/// <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>
pub(in crate::detect::structured) static KUBECONFIG: Format = Format::new(
    "kubeconfig",
    &[
        ".kube/*",
        "kubeconfig*",
        "*.kubeconfig",
        "*kubeconfig.yaml",
        "*kubeconfig.yml",
        "admin.conf",
        "super-admin.conf",
        "kubelet.conf",
        "controller-manager.conf",
        "scheduler.conf",
        "k3s.yaml",
        "rke2.yaml",
    ],
    Syntax::JsonOrYaml,
)
.credentials(&[
    credential("users/user/token", "kubeconfig-token").beside(&[("user", "name")]),
    credential("users/user/client-key-data", "kubeconfig-client-key").form(Form::Base64).beside(&[("user", "name")]),
    credential("users/user/password", "kubeconfig-password").beside(&[("user", "name")]),
    credential("users/user/auth-provider/config/*-token", "kubeconfig-token").beside(&[("issuer", "idp-issuer-url")]),
    credential("users/user/auth-provider/config/client-secret", "kubeconfig-client-secret").beside(&[("issuer", "idp-issuer-url")]),
]);

/// The same under any name, told by its first lines.
pub(in crate::detect::structured) static KUBECONFIG_SNIFFED: Format =
    Format::new("kubeconfig-sniffed", &["*.yaml", "*.yml", "*.json", "*.conf", "config", "*.config"], Syntax::JsonOrYaml)
        .sniff(&["clusters", "certificate-authority-data"])
        .credentials(&[
            credential("users/user/token", "kubeconfig-token").beside(&[("user", "name")]),
            credential("users/user/client-key-data", "kubeconfig-client-key").form(Form::Base64).beside(&[("user", "name")]),
            credential("users/user/password", "kubeconfig-password").beside(&[("user", "name")]),
        ]);
