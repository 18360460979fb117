#!/bin/sh
# Renders manifests/install.yaml (and its copy in manifests/base) from the chart and the CRDs from the binary; `--check` only compares. Needs helm.
#   IMGSCAN_WEBHOOK: the binary (target/debug/imgscan-webhook); HELM: helm
set -eu
cd "$(dirname "$0")/.."
webhook=${IMGSCAN_WEBHOOK:-target/debug/imgscan-webhook}
helm=${HELM:-helm}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$webhook" crds >"$work/crds.yaml"
render() {
    cat <<'HEAD'
# Rendered from manifests/chart by manifests/render.sh; do not edit.
apiVersion: v1
kind: Namespace
metadata:
  name: imgscan-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/warn: restricted
HEAD
    cat "$work/crds.yaml"
    "$helm" template imgscan manifests/chart --namespace imgscan-system --kube-version 1.31.0 --skip-crds
}
render >"$work/install.yaml"
render >"$work/again.yaml"
cmp "$work/install.yaml" "$work/again.yaml" # a render must not depend on time or chance: GitOps tools compare it
if [ "${1:-}" = --check ]; then
    cmp "$work/crds.yaml" manifests/chart/crds/imgscan.dev.yaml
    cmp "$work/install.yaml" manifests/install.yaml
    cmp "$work/install.yaml" manifests/base/install.yaml
    for values in 'tls.mode=cert-manager,tls.certManager.issuerRef.name=ca' 'tls.mode=secret,tls.secretName=x,tls.caBundle=PEM' \
        'sharing.watchSecrets=true,serviceMonitor.enabled=true' 'sharing.enabled=false,audit.everySeconds=0,events.enabled=false' 'hostNetwork=true,webhook.port=10250'; do
        "$helm" template imgscan manifests/chart --namespace imgscan-system --kube-version 1.31.0 --set "$values" >/dev/null
    done
    echo "manifests are up to date"
else
    cp "$work/crds.yaml" manifests/chart/crds/imgscan.dev.yaml
    cp "$work/install.yaml" manifests/install.yaml
    cp "$work/install.yaml" manifests/base/install.yaml
fi
