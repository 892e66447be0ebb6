-- Orders as the malls show them now. `document` is the authoritative normalised order; the other columns are its
-- filters. `match_key` is the folded order number that slip files are compared with.
CREATE TABLE orders (
    id TEXT NOT NULL PRIMARY KEY,
    shop TEXT NOT NULL,
    mall TEXT NOT NULL,
    mall_order_id TEXT NOT NULL,
    match_key TEXT NOT NULL,
    status TEXT NOT NULL,
    fulfilled_by TEXT NOT NULL,
    ordered_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    shipped_on TEXT,
    due INTEGER,
    digest TEXT NOT NULL,
    latest_version INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (shop, mall_order_id)
) STRICT;
CREATE INDEX orders_by_ordered ON orders (ordered_at, id);
CREATE INDEX orders_by_changed ON orders (changed_at, id);
CREATE INDEX orders_by_shipped ON orders (shipped_on, id) WHERE shipped_on IS NOT NULL;
CREATE INDEX orders_by_shop ON orders (shop, ordered_at, id);
CREATE INDEX orders_open ON orders (shop, ordered_at, id) WHERE status NOT IN ('completed', 'canceled');
CREATE INDEX orders_by_key ON orders (match_key);

-- Every version of an order: what changed, and the mall's own record (zstd; NULL once retention has removed it).
CREATE TABLE order_versions (
    order_id TEXT NOT NULL REFERENCES orders (id),
    number INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    changes TEXT NOT NULL,
    raw BLOB,
    PRIMARY KEY (order_id, number)
) STRICT;

-- Orders that could not be read, with what was received (zstd).
CREATE TABLE set_aside (
    shop TEXT NOT NULL,
    mall_order_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    raw BLOB NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    PRIMARY KEY (shop, mall_order_id)
) STRICT;

-- One row a stream: schedule, cursor, and the shop's poll lease, which all rows of a shop share.
CREATE TABLE streams (
    shop TEXT NOT NULL,
    stream TEXT NOT NULL,
    cursor TEXT,
    due_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    succeeded_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    skipped INTEGER NOT NULL DEFAULT 0,
    orders INTEGER NOT NULL DEFAULT 0,
    pages INTEGER NOT NULL DEFAULT 0,
    finished INTEGER NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_until INTEGER,
    fence INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (shop, stream)
) STRICT;

-- Slips of orders. `held`: a person decides first.
CREATE TABLE slips (
    id TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (id),
    number TEXT NOT NULL,
    carrier TEXT NOT NULL,
    kind TEXT NOT NULL,
    package_id TEXT,
    source TEXT NOT NULL,
    file_digest TEXT,
    ship_date TEXT,
    learnt_at INTEGER NOT NULL,
    write_back TEXT NOT NULL,
    held TEXT,
    UNIQUE (order_id, number)
) STRICT;
CREATE INDEX slips_by_number ON slips (number);

-- Rows of slip files that fit no single order: they wait for it, or (`held`) for a person.
CREATE TABLE slip_rows (
    id TEXT NOT NULL PRIMARY KEY,
    order_key TEXT NOT NULL,
    other_keys TEXT NOT NULL,
    reception_numbers TEXT NOT NULL,
    number TEXT NOT NULL,
    carrier TEXT NOT NULL,
    kind TEXT NOT NULL,
    ship_date TEXT,
    postal_code TEXT,
    package_id TEXT,
    source TEXT NOT NULL,
    file_digest TEXT NOT NULL,
    verify_recipient INTEGER NOT NULL,
    learnt_at INTEGER NOT NULL,
    held TEXT,
    UNIQUE (order_key, number)
) STRICT;

-- What a waiting row may be found by: `order/KEY`, `cut/KEY` (cut to 20 by B2), `number/RECEPTION NUMBER`.
CREATE TABLE slip_row_keys (
    key TEXT NOT NULL,
    row_id TEXT NOT NULL REFERENCES slip_rows (id) ON DELETE CASCADE,
    PRIMARY KEY (key, row_id)
) STRICT;
CREATE INDEX slip_row_keys_by_row ON slip_row_keys (row_id);

-- Slip files read so far.
CREATE TABLE slip_files (
    digest TEXT NOT NULL PRIMARY KEY,
    file TEXT NOT NULL,
    actor TEXT NOT NULL,
    imported_at INTEGER NOT NULL
) STRICT;

-- Card settlements. `held` is a person's word and stays; `asked` is the planner's and follows the facts.
CREATE TABLE settlements (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders (id),
    reception_number TEXT,
    state TEXT NOT NULL,
    amount INTEGER,
    authorized_on TEXT,
    lapses_on TEXT,
    verified_at INTEGER,
    looked_at INTEGER,
    gateway_status TEXT,
    enquiry_number TEXT,
    slips TEXT NOT NULL,
    held TEXT,
    asked TEXT,
    generation INTEGER NOT NULL,
    linked_by TEXT NOT NULL,
    UNIQUE (order_id)
) STRICT;
CREATE UNIQUE INDEX settlements_by_number ON settlements (name, reception_number) WHERE reception_number IS NOT NULL;
CREATE INDEX settlements_by_name ON settlements (name, id);
CREATE INDEX settlements_by_reception ON settlements (reception_number);

-- Effects. A wish is unique while it stands; one that was superseded was not sent and may be wished again.
CREATE TABLE operations (
    id TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders (id),
    settlement_id TEXT NOT NULL REFERENCES settlements (id),
    kind TEXT NOT NULL,
    intent TEXT NOT NULL,
    reception_number TEXT NOT NULL,
    amount INTEGER NOT NULL,
    dedupe_key TEXT NOT NULL,
    state TEXT NOT NULL,
    run_at INTEGER NOT NULL,
    sends INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    rounds INTEGER NOT NULL,
    looks INTEGER NOT NULL,
    absent_since INTEGER,
    claimed_done INTEGER NOT NULL,
    code TEXT,
    reason TEXT,
    sent_at INTEGER,
    lease_owner TEXT,
    lease_until INTEGER,
    fence INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX operations_by_wish ON operations (dedupe_key) WHERE state <> 'superseded';
CREATE INDEX operations_due ON operations (account, run_at, id) WHERE state IN ('planned', 'ready', 'unknown', 'looking');
CREATE INDEX operations_by_number ON operations (account, reception_number);
CREATE INDEX operations_leased ON operations (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX operations_by_order ON operations (order_id);
CREATE INDEX operations_sent ON operations (account, sent_at) WHERE sent_at IS NOT NULL;

-- Attempts are only ever added.
CREATE TABLE attempts (
    operation_id TEXT NOT NULL REFERENCES operations (id),
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    message TEXT,
    http_status INTEGER,
    raw BLOB NOT NULL,
    late INTEGER NOT NULL,
    PRIMARY KEY (operation_id, number)
) STRICT;

-- Limiters: theoretical arrival time, and a pause that the other side asked for.
CREATE TABLE limits (
    key TEXT NOT NULL PRIMARY KEY,
    tat INTEGER NOT NULL,
    paused_until INTEGER
) STRICT;

-- Shops and settlements of which there is something to say.
CREATE TABLE accounts (
    name TEXT NOT NULL PRIMARY KEY,
    stopped_code TEXT,
    stopped_reason TEXT,
    stopped_at INTEGER,
    probe_at INTEGER,
    held_reason TEXT,
    held_at INTEGER,
    expiries TEXT NOT NULL,
    expiries_at INTEGER,
    live_since INTEGER
) STRICT;

-- What commands ask the daemon.
CREATE TABLE requests (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    args TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    result TEXT
) STRICT;
CREATE INDEX requests_open ON requests (id) WHERE finished_at IS NULL;

-- Daemons that live.
CREATE TABLE daemons (
    owner TEXT NOT NULL PRIMARY KEY,
    beat_at INTEGER NOT NULL
) STRICT;

-- Who did what.
CREATE TABLE deeds (
    id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

-- Counts the transactions of commands, so that a daemon notices them.
CREATE TABLE command_writes (
    id TEXT NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT;
INSERT INTO command_writes (id, count) VALUES ('all', 0);
