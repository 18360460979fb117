//! Kubernetes' client and manifests.

use crate::detect::structured::format::{Form, Format, Syntax, credential};

/// <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>
pub(in crate::detect::structured) static KUBECONFIG: Format = Format {
    id: "kubeconfig",
    files: &[
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
    sniff: &[],
    syntax: Syntax::JsonOrYaml,
    credentials: &[
        credential("users/user/token", "kubeconfig-token").beside(&[("user", "name")]),
        credential("users/user/client-key-data", "kubeconfig-client-key").form(Form::Base64).beside(&[("user", "name")]),
        credential("users/user/password", "kubeconfig-password").beside(&[("user", "name")]),
        credential("users/user/auth-provider/config/*-token", "kubeconfig-token").beside(&[("issuer", "idp-issuer-url")]),
        credential("users/user/auth-provider/config/client-secret", "kubeconfig-client-secret").beside(&[("issuer", "idp-issuer-url")]),
    ],
};
