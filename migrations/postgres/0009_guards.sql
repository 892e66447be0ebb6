-- From which address a gateway sees our calls, and which one it knows. And the last day of an authorisation whose renewal a
-- person is asked for: one question stands for all of a morning's.
CREATE TABLE source_addresses (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    known TEXT,
    seen TEXT,
    seen_since BIGINT,
    due_at BIGINT NOT NULL
);
ALTER TABLE settlements ADD COLUMN renew_by TEXT;
CREATE INDEX settlements_renewed ON settlements (name, renew_by) WHERE renew_by IS NOT NULL;
-- Planned anew at the next start, with its day.
UPDATE settlements SET asked = NULL WHERE asked LIKE 'the authorisation ends on ____-__-__';
