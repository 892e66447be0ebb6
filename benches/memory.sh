#!/usr/bin/env bash
# The peak of resident memory of a backfill of simulated orders on SQLite (default 100,000): the simulator is a process
# of its own. Prints the figure; ends badly when it is above 100 MB or an order is missing.
#
#   benches/memory.sh [ORDERS]
#
# MALLSYNC names a program built before.
set -euo pipefail
cd "$(dirname "$0")/.."
orders=${1:-100000}

if [ -z "${MALLSYNC:-}" ]; then cargo build --locked --release --quiet; fi
mallsync=${MALLSYNC:-$PWD/target/release/mallsync}
dir=$(mktemp -d)
simulator=
cleanup() {
  [ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"

"$mallsync" simulate --listen 127.0.0.1:0 --speed 300 --orders "$orders" --write-config mallsync.toml 2>simulator.log &
simulator=$!
until grep -q 'http://' simulator.log; do
  kill -0 "$simulator"
  sleep 0.1
done

began=$(date +%s)
"$mallsync" --config mallsync.toml sync --shop rakuten-main --since 370d --format json >summary.json 2>sync.log &
sync=$!
peak=0
# VmHWM only grows: the last look before the end is the peak.
while seen=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/$sync/status" 2>/dev/null) && [ -n "$seen" ]; do
  peak=$seen
  sleep 0.05
done
wait "$sync" || { tail -5 sync.log; exit 1; }
took=$(($(date +%s) - began))

stored=$(sed 's/.*"new": *\([0-9]*\).*/\1/;t;d' summary.json | head -1)
echo "backfill of $orders orders: peak $((peak / 1024)) MiB resident, ${took} s, $stored orders stored," \
  "database $(($(stat -c %s mallsync.db) / 1048576)) MiB"
[ "$stored" -ge "$orders" ] || { echo "orders are missing"; exit 1; }
[ "$peak" -lt $((100 * 1000000 / 1024)) ] || { echo "above 100 MB"; exit 1; }
