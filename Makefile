# What people type. `make test` is the whole suite on SQLite and on PostgreSQL.

CARGO ?= cargo

.PHONY: test lint soak bench postgres sqlite systemd schema deb try-package

test: postgres sqlite systemd
	$(CARGO) test --locked

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) deny check bans licenses sources

# Many seeds, and the long forms of the tests that have one: among them sixty days of card sales (tests/sixty; thousands in
# the first seed, hundreds in each of the others) and a day of the daemon in ten minutes, with faults, edits and a database
# that is killed and started again (tests/soak).
soak: postgres sqlite
	MALLSYNC_SEEDS=50 MALLSYNC_SOAK=600 $(CARGO) test --locked --release

bench:
	$(CARGO) bench --locked

# config/schema.json as the code has it now.
schema:
	$(CARGO) run --locked --quiet -- config schema > config/schema.json

# target/debian/mallsync_VERSION_ARCH.deb; `make deb PROFILE=dev` packs the debug build, for trials of the packaging.
PROFILE ?= release
BUILT = target/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/mallsync
deb:
	@command -v cargo-deb >/dev/null 2>&1 || $(CARGO) install cargo-deb --locked --quiet
	$(CARGO) build --locked --profile $(PROFILE)
	rm -rf target/dist
	$(BUILT) generate man target/dist/man
	$(BUILT) generate completions target/dist/completions
	$(CARGO) deb --locked --no-build --profile $(PROFILE)

# The package in a Debian of its own: installed, booted, edited, upgraded, removed, purged. Needs root.
try-package:
	$(MAKE) deb PROFILE=dev
	packaging/try.sh

# The tests start a server of their own from local binaries; they come from the distribution's packages if missing.
postgres:
	@if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null 2>&1; then \
	  echo "PostgreSQL is missing: installing it for the tests"; \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q postgresql; \
	  else sudo apt-get update -q && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -q postgresql; fi; \
	fi

# SQLite's own program: backups are made with it.
sqlite:
	@if ! command -v sqlite3 >/dev/null 2>&1; then \
	  echo "sqlite3 is missing: installing it for the tests"; \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q sqlite3; \
	  else sudo apt-get update -q && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -q sqlite3; fi; \
	fi

# systemd's own judge of the units; nothing of it runs.
systemd:
	@if ! command -v systemd-analyze >/dev/null 2>&1; then \
	  echo "systemd-analyze is missing: installing it for the tests"; \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q systemd; \
	  else sudo apt-get update -q && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -q systemd; fi; \
	fi
