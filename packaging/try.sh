#!/usr/bin/env bash
# The package in a Debian of its own (`make try-package`): installed into a clean root without systemd running, then into one
# whose systemd is booted in a container without a network, with the simulator as its malls: start, edit, broken edit,
# secrets, instances, failure, upgrade, removal, purge.
#
# Needs root. Everything happens below a temporary folder that goes away at the end; the container is ended by its own
# process id. MALLSYNC_TRY_BASE names a root made by debootstrap before, to save the download.
set -euo pipefail
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || { echo "run as root: it makes a root of its own" >&2; exit 2; }
deb=$(find target/debian -name 'mallsync_*.deb' -printf '%T@ %p\n' | sort -n | tail -1 | cut -d ' ' -f 2)
[ -n "$deb" ] || { echo "no package: make deb PROFILE=dev" >&2; exit 2; }
if ! command -v debootstrap >/dev/null || ! command -v systemd-nspawn >/dev/null; then
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q debootstrap systemd-container
fi

work=$(mktemp -d /var/tmp/mallsync-try.XXXXXX)
root=$work/root
nspawn=
finish() {
    status=$?
    if [ -n "$nspawn" ] && kill "$nspawn" 2>/dev/null; then
        # An orderly power-off; after that by force.
        timeout 30 tail --pid="$nspawn" -f /dev/null || kill -KILL "$nspawn" 2>/dev/null || true
    fi
    rm -rf --one-file-system "$work"
    if [ "$status" = 0 ]; then echo "== all of it held"; else echo "== failed" >&2; fi
}
trap finish EXIT

step() { echo "== $*"; }
fail() {
    echo "FAILED: $*" >&2
    # Whatever the journal knows.
    [ -z "${leader:-}" ] || inside journalctl --no-pager --lines=60 --output=short-precise --unit='mallsync*' >&2 || true
    exit 1
}
expect() { # WHAT COMMAND...: the command goes well
    local what=$1
    shift
    "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; fail "$what"; }
    echo "   $what"
}
refuse() { # WHAT COMMAND...: the command fails
    local what=$1
    shift
    if "$@" >"$work/said" 2>&1; then cat "$work/said" >&2; fail "$what"; fi
    echo "   $what"
}
within() { # SECONDS WHAT COMMAND...: the command goes well before so many seconds are over
    local until=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >"$work/said" 2>&1; do
        [ "$SECONDS" -lt "$until" ] || { cat "$work/said" >&2; fail "$what"; }
        sleep 0.2
    done
    echo "   $what"
}
same() { # WHAT FOUND EXPECTED
    [ "$2" = "$3" ] || fail "$1: $2, expected $3"
    echo "   $1: ${2:-nothing}"
}

step "a clean root"
if [ -n "${MALLSYNC_TRY_BASE:-}" ]; then
    cp -a "$MALLSYNC_TRY_BASE" "$root"
else
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates bookworm "$root" >"$work/debootstrap.log" ||
        { tail "$work/debootstrap.log" >&2; exit 1; }
fi
cp "$deb" "$root/old.deb"
# The next version: another default config, and a key that is not known any more.
dpkg-deb -R "$deb" "$work/next"
sed -i 's/^Version: .*/Version: 99.0/' "$work/next/DEBIAN/control"
echo "# A key of the next version." >>"$work/next/usr/share/mallsync/mallsync.toml"
[ -e "$work/next/DEBIAN/md5sums" ] && (cd "$work/next" && find usr -type f -print0 | xargs -0 md5sum >DEBIAN/md5sums)
dpkg-deb -b --root-owner-group -Zgzip "$work/next" "$root/new.deb" >/dev/null

leftovers() { # everything that still has our name, logs of the package manager and of the journal apart
    find "$root" -xdev \( -path "$root/var/log" -o -path "$root/proc" -o -path "$root/sys" \) -prune -o -iname '*mallsync*' -print
    grep -l mallsync "$root"/etc/{passwd,group,shadow,gshadow} || true
}

step "install and purge where no systemd runs"
expect "installs" chroot "$root" dpkg -i /old.deb
same "the config's mode" "$(chroot "$root" stat -c '%a %U:%G' /etc/mallsync/mallsync.toml)" "640 root:mallsync"
expect "enabled, for the next boot" chroot "$root" systemctl is-enabled mallsync.service
expect "purges" chroot "$root" dpkg -P mallsync
same "what is left" "$(leftovers)" ""

step "boot"
cat >"$work/boot" <<BOOT
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd /run/lock
exec systemd-nspawn --quiet --directory=$root --boot --machine=mallsync-try --register=no --keep-unit --private-network --console=pipe
BOOT
unshare --mount --propagation private sh "$work/boot" </dev/null >"$work/console" 2>&1 &
nspawn=$!
leader() { leader=$(tr -d ' ' <"/proc/$nspawn/task/$nspawn/children") && [ -n "$leader" ]; }
inside() {
    nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --root --wd \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG="${TRY_LANG:-C.UTF-8}" "$@"
}
shell() { inside sh -c "$1"; }
booted() { leader && case $(inside systemctl is-system-running) in running | degraded) ;; *) false ;; esac; }
within 60 "systemd runs" booted
journal() { inside journalctl --quiet --no-pager --output=cat "$@"; }
# `grep -q` would hang up on the journal, which counts as a failure here.
logged() { [ "$(journal -u "$1" ${3:+--since "$3"} | grep -c -- "$2")" -gt 0 ]; }
now() { inside date '+%Y-%m-%d %H:%M:%S'; }
pid() { inside systemctl show --property=MainPID --value mallsync.service; }

step "install"
expect "installs" inside dpkg -i /old.deb
sed 's/^/   | /' "$work/said" | grep 'mallsync: ' || fail "what to do next is not said"
expect "enabled" inside systemctl is-enabled mallsync.service
refuse "not started" inside systemctl is-active mallsync.service
same "secrets" "$(inside stat -c '%a %U:%G' /etc/mallsync/secrets)" "750 root:mallsync"
same "state" "$(inside stat -c '%a %U:%G' /var/lib/mallsync)" "750 mallsync:mallsync"
expect "its config is valid" inside mallsync check --offline --quiet
same "a database made by root belongs to" "$(inside stat -c '%a %U' /var/lib/mallsync/mallsync.db)" "600 mallsync"
expect "units are sound" shell 'systemd-analyze verify --man=no /usr/lib/systemd/system/mallsync*.service /usr/lib/systemd/system/mallsync*.path'
expect "pages" shell 'test -s /usr/share/man/man1/mallsync-secret-set.1.gz && test -s /usr/share/doc/mallsync/copyright'

step "the simulator as its malls"
expect "simulator" inside systemd-run --quiet --unit=simulator --uid=mallsync --working-directory=/var/lib/mallsync \
    /usr/bin/mallsync simulate --listen 127.0.0.1:9480 --speed 60 --write-config /var/lib/mallsync/sim/mallsync.toml
within 20 "it runs" shell 'test -s /var/lib/mallsync/sim/mallsync.toml'
shell 'sed "s|^license_key = .*|license_key = \"file:/etc/mallsync/secrets/rakuten-main.license_key\"|" \
    /var/lib/mallsync/sim/mallsync.toml > /etc/mallsync/mallsync.toml'
same "the config keeps its mode" "$(inside stat -c '%a %U:%G' /etc/mallsync/mallsync.toml)" "640 root:mallsync"
expect "secret set, before the first start" shell 'echo SL345678_sim | mallsync secret set rakuten-main.license_key'
same "the secret's file" "$(inside stat -c '%a %U:%G' /etc/mallsync/secrets/rakuten-main.license_key)" "640 root:mallsync"

step "systemctl start"
expect "start waits until it is ready" inside systemctl start mallsync.service
expect "active" inside systemctl is-active mallsync.service
within 30 "orders come in" shell 'test "$(mallsync orders list --format jsonl | wc -l)" -gt 0'
expect "status" inside mallsync status --format table
sed 's/^/   | /' "$work/said"
expect "exposure" shell 'systemd-analyze security --no-pager --threshold=15 mallsync.service | tail -1'
sed 's/^/   | /' "$work/said"

# Where the journal has fields of its own, a shop's lines are found by its name.
if shell 'mallsync config schema | grep -q journald'; then
    fields() { [ "$(journal SHOP=rakuten-main | grep -c .)" -gt 0 ]; }
    within 30 "journalctl SHOP=rakuten-main" fields
    journal SHOP=rakuten-main | head -5 | sed 's/^/   | /'
fi

step "a saved edit"
expect "watched" inside systemctl enable --now mallsync-reload.path
main=$(pid)
since=$(now)
shell 'sed -i "/^\[shops.aupay-main\]/,/^enabled/s/^enabled = true/enabled = false/" /etc/mallsync/mallsync.toml'
edited=$(date +%s%N)
within 5 "taken up" logged mallsync.service 'Config reloaded' "$since"
echo "   after $((($(date +%s%N) - edited) / 1000000)) ms"
same "by the same process" "$(pid)" "$main"

step "edits at any distance"
# Bursts of one to four edits, a few moments apart; the next burst comes at any time after the last one was live: none is
# lost. Edits rename a new file into place, as editors do, or write into the old one.
seed=${MALLSYNC_TRY_SEED:-$$}
RANDOM=$seed
echo "   MALLSYNC_TRY_SEED=$seed"
pause() { sleep "0.$(printf %03d $((RANDOM % $1)))"; }
minute=0
edit() { # the next minute into the schedule
    minute=$((minute + 1))
    local change="/^\[shops.own-shop\]/,/^schedule/s|^schedule = .*|schedule = \"$((minute % 60)) $((minute / 60)) 1 1 *\"|"
    if [ $((RANDOM % 2)) = 0 ]; then
        shell "sed -i '$change' /etc/mallsync/mallsync.toml"
    else
        shell "sed '$change' /etc/mallsync/mallsync.toml >/root/edited.toml; cat /root/edited.toml >/etc/mallsync/mallsync.toml"
    fi
}
live() { # the schedule in force is the last one written
    local due
    due=$(printf 'T%02d:%02d:00' $((minute / 60)) $((minute % 60)))
    [ "$(inside mallsync status --format json | grep -c "next_run_at.*-01-01$due")" -gt 0 ]
}
shell 'sed -i "/^\[shops.own-shop\]/,/^schedule/s|^schedule = .*|schedule = \"59 23 1 1 *\"|" /etc/mallsync/mallsync.toml'
longest=0
for burst in $(seq 1 "${MALLSYNC_TRY_BURSTS:-20}"); do
    for _ in $(seq 0 $((RANDOM % 4))); do
        pause 400
        edit
    done
    edited=$(date +%s%N)
    until live; do
        [ $((($(date +%s%N) - edited) / 1000000000)) -lt 10 ] || fail "edit $minute (burst $burst) is not live"
        sleep 0.05
    done
    took=$((($(date +%s%N) - edited) / 1000000))
    [ "$took" -le "$longest" ] || longest=$took
    pause 1000
done
echo "   $minute edits in $burst bursts, each live; the slowest after $longest ms"
same "by the same process" "$(pid)" "$main"

step "a broken edit"
since=$(now)
shell 'cp -p /etc/mallsync/mallsync.toml /root/good.toml; sed -i "s/^mall = \"yahoo\"/mall = \"yahooo\"/" /etc/mallsync/mallsync.toml'
within 5 "refused" logged mallsync.service 'Reload refused' "$since"
expect "with file, line and key" logged mallsync.service 'mallsync.toml:[0-9]*: shops.yahoo-main.mall' "$since"
journal -u mallsync.service --since "$since" | sed 's/^/   | /' | head -20
refuse "and systemctl reload says so" inside systemctl reload mallsync.service
same "the daemon goes on" "$(pid)" "$main"
expect "active" inside systemctl is-active mallsync.service

step "mended"
shell 'cat /root/good.toml > /etc/mallsync/mallsync.toml'
within 10 "reload goes well again" inside systemctl reload mallsync.service

step "secret set beside the daemon"
expect "the daemon is told" shell 'echo SL345678_sim | mallsync secret set rakuten-main.license_key'
grep -q 'mallsync.service' "$work/said" || { cat "$work/said" >&2; fail "the unit is not named"; }
sed 's/^/   | /' "$work/said"

step "mallsync-check"
inside systemctl start mallsync-check.service || true
within 5 "its findings stand in the journal" logged mallsync-check.service 'shops.rakuten-main'

step "credentials"
shell 'mkdir -p /etc/systemd/system/mallsync.service.d
printf "[Service]\nLoadCredential=rakuten-main.license_key:/etc/mallsync/secrets/rakuten-main.license_key\n" \
    > /etc/systemd/system/mallsync.service.d/credentials.conf
sed -i "s|^license_key = .*|license_key = \"credential:rakuten-main.license_key\"|" /etc/mallsync/mallsync.toml
chmod 600 /etc/mallsync/secrets/rakuten-main.license_key; chgrp root /etc/mallsync/secrets/rakuten-main.license_key
systemctl daemon-reload'
expect "restart" inside systemctl restart mallsync.service
main=$(pid)
shell 'mallsync check --offline --format csv' >"$work/check" || true
grep -q 'section_unusable.*license_key' "$work/check" && { cat "$work/check" >&2; fail "the credential is not read outside the unit"; }
echo "   read inside the unit and outside"
refuse "secret set says where the credential comes from" shell 'echo x | mallsync secret set rakuten-main.license_key'
grep -q 'from /etc/mallsync/secrets/rakuten-main.license_key' "$work/said" || { cat "$work/said" >&2; fail "it does not"; }

step "an instance of its own"
shell 'install -d -m 750 -g mallsync /etc/mallsync/osaka
printf "[database]\nurl = \"sqlite:/var/lib/mallsync/osaka/mallsync.db\"\n" > /etc/mallsync/osaka/mallsync.toml
chgrp mallsync /etc/mallsync/osaka/mallsync.toml; chmod 640 /etc/mallsync/osaka/mallsync.toml
if mallsync config schema | grep -q \"listen\"; then printf "[daemon]\nlisten = \"127.0.0.1:9478\"\n" >> /etc/mallsync/osaka/mallsync.toml; fi'
expect "starts beside the other" inside systemctl start mallsync@osaka.service
same "its state" "$(inside stat -c '%U' /var/lib/mallsync/osaka/mallsync.db)" "mallsync"
expect "status of it" inside mallsync --config /etc/mallsync/osaka/mallsync.toml status
expect "stops" inside systemctl stop mallsync@osaka.service

step "it comes back by itself"
shell "kill -KILL $main"
restarted() { [ "$(pid)" != "$main" ] && [ "$(inside systemctl is-active mallsync.service)" = active ]; }
within 30 "after SIGKILL" restarted

step "upgrade"
main=$(pid)
shell 'cat /etc/mallsync/mallsync.toml > /root/mine.toml'
expect "upgrades without a question" inside dpkg -i /new.deb
refuse "a config that was edited stays" grep -q 'A key of the next version' "$root/etc/mallsync/mallsync.toml"
expect "to the byte" shell 'cmp /root/mine.toml /etc/mallsync/mallsync.toml'
expect "active" inside systemctl is-active mallsync.service
[ "$(pid)" != "$main" ] || fail "the new version does not run"
echo "   the new version runs"
step "upgrade with a config that the new version refuses"
main=$(pid)
inside systemctl stop mallsync-reload.path
shell 'echo "[gone]" >> /etc/mallsync/mallsync.toml'
expect "installs" inside dpkg -i /new.deb
sed 's/^/   | /' "$work/said" | grep -A3 -i 'error\|keeps running' || fail "it is not said"
same "the old process goes on" "$(pid)" "$main"

step "a start with an invalid config"
since=$(now)
refuse "restart fails" inside systemctl restart mallsync.service
within 10 "a notice is given" logged mallsync-failure@mallsync.service.service 'its config is invalid' "$since"
same "exit status" "$(inside systemctl show --property=ExecMainStatus --value mallsync.service)" 78
same "starts tried again" "$(inside systemctl show --property=NRestarts --value mallsync.service)" 0
shell 'cat /root/mine.toml > /etc/mallsync/mallsync.toml; systemctl reset-failed mallsync.service'
expect "starts once it is mended" inside systemctl start mallsync.service

step "stop"
since=$(now)
expect "stops in order" inside systemctl stop mallsync.service
same "result" "$(inside systemctl show --property=Result --value mallsync.service)" success
within 5 "and says so" logged mallsync.service 'mallsync stopped' "$since"

step "remove"
expect "starts" inside systemctl start mallsync.service mallsync@osaka.service
expect "removes" inside dpkg -r mallsync
same "processes left" "$(shell 'ls -l /proc/[0-9]*/exe 2>/dev/null | grep -c "mallsync.*run" || true')" 0
refuse "stopped" inside systemctl is-active mallsync.service
expect "the config stays" inside test -s /etc/mallsync/mallsync.toml
expect "and the orders" inside test -s /var/lib/mallsync/sim/mallsync.db

step "purge"
inside systemctl stop simulator.service || true
expect "purges" inside dpkg -P mallsync
same "what is left" "$(leftovers)" ""
