-- Orders as the malls show them now. `document` is the authoritative normalised order; the other columns are its
-- filters. `match_key` is the folded order number that slip files are compared with.
CREATE TABLE orders (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    shop TEXT NOT NULL,
    mall TEXT NOT NULL,
    mall_order_id TEXT COLLATE "C" NOT NULL,
    match_key TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    fulfilled_by TEXT NOT NULL,
    ordered_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    read_at BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    shipped_on TEXT COLLATE "C",
    due BIGINT,
    digest TEXT NOT NULL,
    latest_version BIGINT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (shop, mall_order_id)
);
CREATE INDEX orders_by_ordered ON orders (ordered_at, id);
CREATE INDEX orders_by_changed ON orders (changed_at, id);
CREATE INDEX orders_by_shipped ON orders (shipped_on, id) WHERE shipped_on IS NOT NULL;
CREATE INDEX orders_by_shop ON orders (shop, ordered_at, id);
CREATE INDEX orders_open ON orders (shop, ordered_at, id) WHERE status NOT IN ('completed', 'canceled');
CREATE INDEX orders_by_key ON orders (match_key);

-- Every version of an order: what changed, and the mall's own record (zstd; NULL once retention has removed it).
CREATE TABLE order_versions (
    order_id TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
    number BIGINT NOT NULL,
    read_at BIGINT NOT NULL,
    changes TEXT NOT NULL,
    raw BYTEA,
    PRIMARY KEY (order_id, number)
);

-- Orders that could not be read, with what was received (zstd).
CREATE TABLE set_aside (
    shop TEXT NOT NULL,
    mall_order_id TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    raw BYTEA NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    PRIMARY KEY (shop, mall_order_id)
);

-- One row a stream: schedule, cursor, and the shop's poll lease, which all rows of a shop share.
CREATE TABLE streams (
    shop TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    cursor TEXT,
    due_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    succeeded_at BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    skipped BIGINT NOT NULL DEFAULT 0,
    orders BIGINT NOT NULL DEFAULT 0,
    pages BIGINT NOT NULL DEFAULT 0,
    finished BIGINT NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_until BIGINT,
    fence BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (shop, stream)
);

-- Slips of orders. `held`: a person decides first.
CREATE TABLE slips (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    order_id TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
    number TEXT NOT NULL,
    carrier TEXT NOT NULL,
    kind TEXT NOT NULL,
    package_id TEXT,
    source TEXT NOT NULL,
    file_digest TEXT,
    ship_date TEXT,
    learnt_at BIGINT NOT NULL,
    write_back TEXT NOT NULL,
    held TEXT,
    UNIQUE (order_id, number)
);
CREATE INDEX slips_by_number ON slips (number);

-- Rows of slip files that fit no single order: they wait for it, or (`held`) for a person.
CREATE TABLE slip_rows (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
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
    verify_recipient BIGINT NOT NULL,
    learnt_at BIGINT NOT NULL,
    held TEXT,
    UNIQUE (order_key, number)
);

-- What a waiting row may be found by: `order/KEY`, `cut/KEY` (cut to 20 by B2), `number/RECEPTION NUMBER`.
CREATE TABLE slip_row_keys (
    key TEXT COLLATE "C" NOT NULL,
    row_id TEXT COLLATE "C" NOT NULL REFERENCES slip_rows (id) ON DELETE CASCADE,
    PRIMARY KEY (key, row_id)
);
CREATE INDEX slip_row_keys_by_row ON slip_row_keys (row_id);

-- Slip files read so far.
CREATE TABLE slip_files (
    digest TEXT NOT NULL PRIMARY KEY,
    file TEXT NOT NULL,
    actor TEXT NOT NULL,
    imported_at BIGINT NOT NULL
);

-- Card settlements. `held` is a person's word and stays; `asked` is the planner's and follows the facts.
CREATE TABLE settlements (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
    reception_number TEXT,
    state TEXT NOT NULL,
    amount BIGINT,
    authorized_on TEXT,
    lapses_on TEXT,
    verified_at BIGINT,
    looked_at BIGINT,
    gateway_status TEXT,
    enquiry_number TEXT,
    slips TEXT NOT NULL,
    held TEXT,
    asked TEXT,
    generation BIGINT NOT NULL,
    linked_by TEXT NOT NULL,
    UNIQUE (order_id)
);
CREATE UNIQUE INDEX settlements_by_number ON settlements (name, reception_number) WHERE reception_number IS NOT NULL;
CREATE INDEX settlements_by_name ON settlements (name, id);
CREATE INDEX settlements_by_reception ON settlements (reception_number);

-- Effects. A wish is unique while it stands; one that was superseded was not sent and may be wished again.
CREATE TABLE operations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL REFERENCES orders (id),
    settlement_id TEXT COLLATE "C" NOT NULL REFERENCES settlements (id),
    kind TEXT NOT NULL,
    intent TEXT NOT NULL,
    reception_number TEXT NOT NULL,
    amount BIGINT NOT NULL,
    dedupe_key TEXT NOT NULL,
    state TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    sends BIGINT NOT NULL,
    retries BIGINT NOT NULL,
    rounds BIGINT NOT NULL,
    looks BIGINT NOT NULL,
    absent_since BIGINT,
    claimed_done BIGINT NOT NULL,
    code TEXT,
    reason TEXT,
    sent_at BIGINT,
    lease_owner TEXT,
    lease_until BIGINT,
    fence BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX operations_by_wish ON operations (dedupe_key) WHERE state <> 'superseded';
CREATE INDEX operations_due ON operations (account, run_at, id) WHERE state IN ('planned', 'ready', 'unknown', 'looking');
CREATE INDEX operations_by_number ON operations (account, reception_number);
CREATE INDEX operations_leased ON operations (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX operations_by_order ON operations (order_id);
CREATE INDEX operations_sent ON operations (account, sent_at) WHERE sent_at IS NOT NULL;

-- Attempts are only ever added.
CREATE TABLE attempts (
    operation_id TEXT COLLATE "C" NOT NULL REFERENCES operations (id),
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    message TEXT,
    http_status BIGINT,
    raw BYTEA NOT NULL,
    late BIGINT NOT NULL,
    PRIMARY KEY (operation_id, number)
);

-- Limiters: theoretical arrival time, and a pause that the other side asked for.
CREATE TABLE limits (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tat BIGINT NOT NULL,
    paused_until BIGINT
);

-- Shops and settlements of which there is something to say.
CREATE TABLE accounts (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    stopped_code TEXT,
    stopped_reason TEXT,
    stopped_at BIGINT,
    probe_at BIGINT,
    held_reason TEXT,
    held_at BIGINT,
    expiries TEXT NOT NULL,
    expiries_at BIGINT,
    live_since BIGINT
);

-- What commands ask the daemon.
CREATE TABLE requests (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    args TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    result TEXT
);
CREATE INDEX requests_open ON requests (id) WHERE finished_at IS NULL;

-- Daemons that live.
CREATE TABLE daemons (
    owner TEXT NOT NULL PRIMARY KEY,
    beat_at BIGINT NOT NULL
);

-- Who did what.
CREATE TABLE deeds (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);

-- Counts the transactions of commands, so that a daemon notices them.
CREATE TABLE command_writes (
    id TEXT NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL
);
INSERT INTO command_writes (id, count) VALUES ('all', 0);
