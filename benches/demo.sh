#!/usr/bin/env bash
# How long `mallsync demo` takes, in release and in the debug profile: the median of five runs each.
set -euo pipefail
cd "$(dirname "$0")/.."

for profile in release debug; do
  if [ "$profile" = release ]; then cargo build --locked --release --quiet; else cargo build --locked --quiet; fi
  for _ in 1 2 3 4 5; do
    began=$(date +%s%N)
    "target/$profile/mallsync" demo >/dev/null
    echo $((($(date +%s%N) - began) / 1000000))
  done | sort -n | sed -n "3s/\$/ ms: mallsync demo, $profile/p"
done
