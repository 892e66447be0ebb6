-- What the last look-up ended with where it showed nothing (`absent`, `ambiguous`, `unreadable`), and the day on which the
-- carrier had scanned every parcel.
ALTER TABLE settlements ADD COLUMN unseen TEXT;
ALTER TABLE settlements ADD COLUMN shipped_on TEXT;
-- What is still looked up, and what never was.
CREATE INDEX settlements_followed ON settlements (name, id)
    WHERE state NOT IN ('settled', 'canceled', 'refused') AND reception_number IS NOT NULL AND resolved IS NULL;
CREATE INDEX settlements_unlooked ON settlements (name, id)
    WHERE looked_at IS NULL AND reception_number IS NOT NULL;

-- Reconciliation, one row a contract: when it runs next, the run under way, what the last one came to, and its lease.
CREATE TABLE reconciliations (
    settlement TEXT NOT NULL PRIMARY KEY,
    schedule TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    asked_at BIGINT,
    began_at BIGINT,
    ended_at BIGINT,
    succeeded_at BIGINT,
    looked BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    report TEXT NOT NULL DEFAULT '[]',
    lease_owner TEXT,
    lease_until BIGINT,
    fence BIGINT NOT NULL DEFAULT 0
);
