#!/bin/sh
# Builds the container image of both binaries: static, from scratch, as nobody. Needs cargo, binutils and buildah; the same
# sources give the same layers.
#
#   manifests/image.sh [NAME]
#
#   TARGET   Rust target (x86_64-unknown-linux-gnu, linked statically; a musl target works as well where its C compiler is there)
#   PROFILE  cargo profile (release)
#   SSL_CERT_FILE  the CA certificates that the image gets (/etc/ssl/certs/ca-certificates.crt)
set -eu
cd "$(dirname "$0")/.."
name=${1:-imgscan}
target=${TARGET:-x86_64-unknown-linux-gnu}
profile=${PROFILE:-release}

# `--target` keeps build scripts and procedural macros dynamic.
RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
    cargo build --locked --profile "$profile" --target "$target" -p imgscan -p imgscan-webhook --bins
folder=$profile
[ "$profile" != dev ] || folder=debug
built=${CARGO_TARGET_DIR:-target}/$target/$folder

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
for binary in imgscan imgscan-webhook; do
    # An image from scratch has no loader and no libraries.
    if readelf -lW "$built/$binary" | grep -q INTERP || readelf -dW "$built/$binary" | grep -q NEEDED; then
        echo "$binary is not static" >&2
        exit 1
    fi
    install -m 755 "$built/$binary" "$context/$binary"
done
install -m 644 "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$context/ca-certificates.crt"
buildah bud --quiet --timestamp 0 --file manifests/Containerfile --tag "$name" "$context"
