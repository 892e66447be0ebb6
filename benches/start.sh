#!/usr/bin/env bash
# From the start of `mallsync run` to the moment its /readyz says so (which is when systemd hears READY=1) with a million
# orders stored: the median of five starts, on SQLite and, where its server is installed, on PostgreSQL. Ends badly at 1 s
# and above.
#
#   benches/start.sh [ORDERS]
#
# Needs sqlite3 (`apt install sqlite3`), 15 GB below TMPDIR and, as root, sees to a cold start as well. MALLSYNC names a
# program built before.
set -euo pipefail
cd "$(dirname "$0")/.."
orders=${1:-1000000}
sql=$PWD/benches/start

command -v sqlite3 >/dev/null || { echo "sqlite3 is needed: apt install sqlite3" >&2; exit 2; }
if [ -z "${MALLSYNC:-}" ]; then cargo build --locked --release --quiet; fi
mallsync=${MALLSYNC:-$PWD/target/release/mallsync}
dir=$(mktemp -d)
simulator=
daemon=
server=
cleanup() {
  [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
  [ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true
  if [ -n "$server" ]; then postgres "$bin/pg_ctl" -D "$dir/postgres/data" -m immediate stop >/dev/null || true; fi
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"

"$mallsync" simulate --listen 127.0.0.1:0 --speed 300 --orders 1000 --write-config mallsync.toml 2>simulator.log &
simulator=$!
until grep -q 'http://' simulator.log; do
  kill -0 "$simulator"
  sleep 0.1
done
export MALLSYNC__DAEMON__LISTEN=127.0.0.1:0

# A year of one shop, read from its mall, and then copied as often as it takes.
fill() { # how many copies that is
  "$mallsync" --config mallsync.toml sync --shop rakuten-main --since 370d --format json >sync.json 2>sync.log ||
    { tail -5 sync.log; exit 1; }
  local stored
  stored=$("$mallsync" --config mallsync.toml orders list --format jsonl | wc -l)
  echo "$(((orders - stored + stored - 1) / stored))"
}

ready() { # whether /readyz says so
  local port status=
  port=$(sed -n 's/.*"address":"127.0.0.1:\([0-9]*\)".*/\1/p' daemon.log)
  [ -n "$port" ] || return 1
  { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
  printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3
  read -r _ status _ <&3 || true
  exec 3>&-
  [ "$status" = 200 ]
}

start() { # the time of one start, in ms
  local began
  began=$(date +%s%N)
  "$mallsync" --config mallsync.toml run >/dev/null 2>daemon.log &
  daemon=$!
  until ready; do
    kill -0 "$daemon" 2>/dev/null || { tail -5 daemon.log >&2; exit 1; }
    sleep 0.005
  done
  took=$((($(date +%s%N) - began) / 1000000))
  # It has a moment to do what comes after a start, so that the next one finds a daemon's database and not a torso.
  sleep 2
  kill "$daemon"
  wait "$daemon"
  daemon=
}

failed=0
measure() { # NAME
  local all=() median
  # What was filled in lies on the disk by then, as it would.
  sync
  for _ in 1 2 3 4 5; do
    start
    all+=("$took")
  done
  median=$(printf '%s\n' "${all[@]}" | sort -n | sed -n 3p)
  echo "start to ready on $1, $stored orders stored: median $median ms of ${all[*]}"
  [ "$median" -lt 1000 ] || { echo "above 1 s"; failed=1; }
  if [ "$(id -u)" = 0 ] && sync && echo 3 2>/dev/null >/proc/sys/vm/drop_caches; then
    start
    echo "start to ready on $1 with nothing of it in memory: $took ms"
  fi
}

copies=$(fill)
stored=$(sed "s/:copies/$copies/" "$sql/sqlite.sql" | sqlite3 -bail mallsync.db | tail -1)
[ "$stored" -ge "$orders" ] || { echo "$stored orders alone were stored"; exit 1; }
echo "SQLite: $(($(stat -c %s mallsync.db) / 1048576)) MiB"
measure SQLite
rm -f mallsync.db*

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
if [ -n "$bin" ]; then
  postgres() { if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"); else "$@"; fi; }
  mkdir postgres
  if [ "$(id -u)" = 0 ]; then chmod 711 "$dir"; chown nobody:nogroup postgres; fi
  postgres "$bin/initdb" -D "$dir/postgres/data" -U mallsync -A trust >/dev/null
  postgres "$bin/pg_ctl" -D "$dir/postgres/data" -l "$dir/postgres/log" -w \
    -o "-k $dir/postgres -c listen_addresses='' -c shared_buffers=512MB -c max_wal_size=8GB" start >/dev/null
  server=yes
  export MALLSYNC__DATABASE__URL="postgres://mallsync@localhost/postgres?host=$dir/postgres"
  copies=$(fill)
  stored=$(psql -qtA -h "$dir/postgres" -U mallsync -v copies="$copies" -f "$sql/postgres.sql" postgres | tail -1)
  [ "$stored" -ge "$orders" ] || { echo "$stored orders alone were stored"; exit 1; }
  measure PostgreSQL
fi
exit "$failed"
