-- What left or may have left, with its contract's totals up to it: what was sent since a moment is the difference of two
-- rows, however many lie between. A request of which no byte left stays as a row that adds nothing.
CREATE TABLE sends (
    account TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    operation_id TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL,
    total_sends BIGINT NOT NULL,
    total_yen BIGINT NOT NULL,
    PRIMARY KEY (account, number)
);
CREATE INDEX sends_by_time ON sends (account, sent_at, number);
-- Two days: longer than any guard looks back.
INSERT INTO sends (account, number, sent_at, operation_id, amount, total_sends, total_yen)
SELECT account, row_number() OVER sent, sent_at, id, amount, row_number() OVER sent, CAST(sum(amount) OVER sent AS BIGINT)
FROM operations
WHERE sent_at IS NOT NULL AND sent_at >= (SELECT max(sent_at) FROM operations) - 172800000000
WINDOW sent AS (PARTITION BY account ORDER BY sent_at, id ROWS UNBOUNDED PRECEDING);
DROP INDEX operations_sent;

-- Functions that the gateway does not allow a contract: no operation of that kind is sent, but one at `try_at`.
CREATE TABLE stopped_functions (
    account TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    stopped_at BIGINT NOT NULL,
    try_at BIGINT NOT NULL,
    PRIMARY KEY (account, kind)
);
-- Whole contracts were stopped for want of one function.
INSERT INTO stopped_functions (account, kind, code, reason, stopped_at, try_at)
SELECT name, 'capture', stopped_code, COALESCE(stopped_reason, ''), COALESCE(stopped_at, 0), COALESCE(probe_at, 0)
FROM accounts WHERE stopped_code = 'E011010251';
UPDATE accounts SET stopped_code = NULL, stopped_reason = NULL, stopped_at = NULL, probe_at = NULL
WHERE stopped_code = 'E011010251';

-- What is read every hour: all that is open, by contract and by order, and what has ended lately.
CREATE INDEX settlements_open ON settlements (name, id) WHERE state NOT IN ('settled', 'canceled', 'refused');
CREATE INDEX settlements_open_orders ON settlements (order_id) WHERE state NOT IN ('settled', 'canceled', 'refused');
CREATE INDEX settlements_ended ON settlements (name, looked_at) WHERE state IN ('settled', 'canceled', 'refused');
