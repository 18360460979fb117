#!/usr/bin/env bash
# How time grows: with bytes, with rules, with cores, and from a registry instead of a file. CPU seconds, wall seconds, peak MB.
#
# usage: benches/scaling.sh bytes IMAGE.oci.tar...   images of different sizes: CPU time for each MB that was unpacked
#        benches/scaling.sh fewer                    100, 300, 1000 and all of the built-in rules: instructions of the hot loops (needs valgrind)
#        benches/scaling.sh rules IMAGE.oci.tar      100, 300, 1000 and 3000 rules more than there are
#        benches/scaling.sh cores IMAGE.oci.tar      one job on one core against two on two
#        benches/scaling.sh registry IMAGE.oci.tar   pulled from Debian's docker-registry on this machine (needs skopeo) and from disk
# IMGSCAN names the binary (default: the release build), ROUNDS how often each is run, in turn (default: 3).
set -euo pipefail
what=$1; shift
cd "$(dirname "$0")/.."
if [ "$what" = fewer ]; then
  export CARGO_PROFILE_DEV_OPT_LEVEL=${CARGO_PROFILE_DEV_OPT_LEVEL:-1}
  program=$(cargo test --workspace --locked --bench instructions --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/instructions-[^"]*\)".*/\1/p' | tail -1)
  count() { valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" --count "$@" 2>&1 | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'; }
  for rules in 100 300 1000 100000; do
    start=$(count start "$rules")
    line="$rules rules at most, instructions a byte:"
    for loop in source minified json binary; do
      line+=" $loop $((($(count "$loop" "$rules") - start) / 131072)),"
    done
    echo "${line%,}"
  done
  exit 0
fi
[ -n "${IMGSCAN:-}" ] || cargo build -q --release
imgscan=${IMGSCAN:-target/release/imgscan}
rounds=${ROUNDS:-3}
work=$(mktemp -d)
registry=
trap '[ -z "$registry" ] || kill "$registry"; rm -rf "$work"' EXIT

measure() { # name, command...
  local name=$1; shift
  /usr/bin/time -f "%U %S %e %M" -o "$work/time" "$@" > "$work/out" 2> /dev/null || true
  awk -v name="$name" 'NF == 4 && $1 + 0 == $1 { printf "%-28s cpu %7.2f s   wall %7.2f s   peak %6.0f MB", name, $1 + $2, $3, $4 / 1024 }' "$work/time"
}

# `count` token rules, each with an anchor and a pattern of its own.
rules() { # count
  echo 'provider = "made"'; echo 'name = "Made"'; echo 'docs = ""'
  awk -v count="$1" 'BEGIN {
    srand(7)
    for (rule = 0; rule < count; rule++) {
      prefix = ""
      for (letter = 0; letter < 6; letter++) prefix = prefix sprintf("%c", 97 + int(rand() * 26))
      printf "[[rule]]\nid = \"made-%d\"\ntitle = \"Made\"\nseverity = \"high\"\nconfidence = \"high\"\n", rule
      printf "pattern = \"%s_[A-Za-z0-9]{%d}\"\nanchors = [\"%s_\"]\nunlocks = \"nothing\"\nsamples = []\n", prefix, 20 + rule % 30, prefix
    }
  }'
}

for round in $(seq "$rounds"); do
  case $what in
    bytes)
      for image in "$@"; do
        measure "$(basename "$image") ($round)" "$imgscan" -q --no-cache --format json "oci-archive:$image"
        python3 - "$work/out" "$work/time" << 'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
size = sum(image["coverage"]["bytes"] for image in report["images"])
cpu = sum(float(word) for word in open(sys.argv[2]).read().split("\n")[-2].split()[:2])
print(f"   {size / 1e6:7.0f} MB   {cpu / size * 1e9:5.2f} s a GB")
PYTHON
      done ;;
    rules)
      measure "the built-in rules ($round)" "$imgscan" -q --no-cache "oci-archive:$1"; echo
      for count in 100 300 1000 3000; do
        rules "$count" > "$work/rules.toml"
        measure "$count more ($round)" "$imgscan" -q --no-cache --rules "$work/rules.toml" "oci-archive:$1"; echo
      done ;;
    cores)
      measure "one core ($round)" taskset -c 0 "$imgscan" -q --no-cache --jobs 1 "oci-archive:$1"; echo
      measure "two cores ($round)" taskset -c 0,1 "$imgscan" -q --no-cache --jobs 2 "oci-archive:$1"; echo ;;
    registry)
      if [ -z "$registry" ]; then
        port=$((20000 + RANDOM % 20000))
        printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp: {addr: "127.0.0.1:%s"}\n' \
          "$work" "$port" > "$work/config.yml"
        docker-registry serve "$work/config.yml" > /dev/null 2>&1 &
        registry=$!
        sleep 2
        skopeo copy --quiet --insecure-policy --dest-tls-verify=false "oci-archive:$1" "docker://127.0.0.1:$port/bench:1"
      fi
      measure "from disk ($round)" "$imgscan" -q --no-cache "oci-archive:$1"; echo
      measure "from the registry ($round)" "$imgscan" -q --no-cache --insecure "127.0.0.1:$port/bench:1"; echo ;;
    *) echo "unknown: $what" >&2; exit 2 ;;
  esac
done
