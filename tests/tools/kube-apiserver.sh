#!/bin/sh
# Prints the path of a kube-apiserver binary for the cluster tests, building it from its Go module when none is there.
#
#   tests/tools/kube-apiserver.sh           use or build it (8 to 16 minutes on two cores, once)
#   tests/tools/kube-apiserver.sh --cached  only look: exit 1 where none is there
#
# KUBEBUILDER_ASSETS (the folder of setup-envtest) goes first. The build is cached by version under
# ${XDG_CACHE_HOME:-$HOME/.cache}/imgscan-tools. Needs `go`; no container engine and no root.
set -eu

version=${KUBE_VERSION:-1.36.3}

if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/kube-apiserver" ]; then
    echo "$KUBEBUILDER_ASSETS/kube-apiserver"
    exit 0
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/imgscan-tools
binary=$cache/kube-apiserver-$version
if [ -x "$binary" ]; then
    echo "$binary"
    exit 0
fi
if [ "${1:-}" = --cached ]; then
    echo "no kube-apiserver: neither KUBEBUILDER_ASSETS nor $binary; run tests/tools/kube-apiserver.sh once" >&2
    exit 1
fi

mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# k8s.io/kubernetes requires its staging modules at v0.0.0 (they live in its own tree); the published ones of the same
# release have the version with the leading 1 replaced by 0.
staging=v0.${version#1.}
export GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0
source=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
{
    echo "module imgscan.dev/kube-apiserver"
    sed -n 's/^go /go /p' "$source/go.mod"
    echo "require k8s.io/kubernetes v$version"
    sed -n "s|^\\t\\(k8s.io/[a-z-]*\\) => .*|replace \\1 => \\1 $staging|p" "$source/go.mod"
} >go.mod
[ ! -f "$source/go.sum" ] || install -m 644 "$source/go.sum" go.sum
echo "building kube-apiserver $version; this takes some minutes" >&2
nice -n 19 go build -trimpath -o "$binary.part" \
    -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$version" \
    k8s.io/kubernetes/cmd/kube-apiserver >&2
mv "$binary.part" "$binary"
echo "$binary"
