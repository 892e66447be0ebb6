#!/usr/bin/env bash
# What the daemon takes while there is next to nothing to do: four malls, a cart and a settlement, polled every five minutes
# of real time for ten minutes, 48 orders a day at each mall. The simulator is a process of its own. Prints resident memory
# and processor time; ends badly above 40 MB or 0.5 % of a core.
#
#   benches/idle.sh [MINUTES]
#
# MALLSYNC names a program built before.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-10}

if [ -z "${MALLSYNC:-}" ]; then cargo build --locked --release --quiet; fi
mallsync=${MALLSYNC:-$PWD/target/release/mallsync}
dir=$(mktemp -d)
simulator=
daemon=
cleanup() {
  [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
  [ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"

"$mallsync" simulate --listen 127.0.0.1:0 --write-config mallsync.toml 2>simulator.log &
simulator=$!
until grep -q 'http://' simulator.log; do
  kill -0 "$simulator"
  sleep 0.1
done
# As the unit has it.
MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=65536 MALLOC_TRIM_THRESHOLD_=65536 MALLSYNC__DAEMON__LISTEN=127.0.0.1:0 \
  "$mallsync" --config mallsync.toml run 2>daemon.log &
daemon=$!

# The first passes, which read a week, are work: idle is what comes after them.
shops="rakuten-main yahoo-main amazon-jp aupay-main own-shop"
for shop in $shops; do
  until grep -s 'Pass finished' daemon.log | grep -q "\"shop\":\"$shop\""; do
    kill -0 "$daemon" || { tail -5 daemon.log; exit 1; }
    sleep 1
  done
done
passes=0
until [ "$passes" = "$(grep -c 'Pass finished' daemon.log)" ]; do
  passes=$(grep -c 'Pass finished' daemon.log)
  sleep 30
done

# User and system time in ticks; the program's name, in brackets, holds no blank.
ticks() { cut -d ' ' -f 14,15 "/proc/$daemon/stat" | tr ' ' + | { read -r sum; echo $((sum)); }; }
resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/$daemon/status"; }
before=$(ticks)
began=$(date +%s%N)
most=0
while [ $((($(date +%s%N) - began) / 1000000000)) -lt $((minutes * 60)) ]; do
  seen=$(resident)
  [ "$seen" -le "$most" ] || most=$seen
  sleep 1
done
took=$((($(date +%s%N) - began) / 1000000))
used=$((($(ticks) - before) * 1000 / $(getconf CLK_TCK)))
more=$(($(grep -c 'Pass finished' daemon.log) - passes))
share=$((used * 100000 / took))
echo "idle for $((took / 1000)) s, $more passes: at most $((most * 1024 / 1000)) kB resident, processor ${used} ms," \
  "that is $((share / 1000)).$(printf %03d $((share % 1000))) % of a core"
[ "$more" -ge $((minutes / 5 * 4)) ] || { echo "the shops were not polled"; exit 1; }
[ $((most * 1024)) -lt 40000000 ] || { echo "above 40 MB"; exit 1; }
[ "$share" -lt 500 ] || { echo "above 0.5 % of a core"; exit 1; }
