-- Makes :copies of every order that is there, years back; all but the ten newest copies are over. Every second one has a
-- card sale that was registered long ago.
CREATE TEMP TABLE base AS SELECT * FROM orders;
CREATE TEMP TABLE raws AS SELECT * FROM order_versions;
CREATE TEMP TABLE copies AS SELECT generate_series(1, :copies) AS i;
BEGIN;
INSERT INTO orders (id, shop, mall, mall_order_id, match_key, status, fulfilled_by, ordered_at, changed_at, read_at,
    first_seen_at, shipped_on, due, digest, latest_version, document, mall_updated_at)
SELECT lpad(to_hex(i), 8, '0') || substr(id, 9), shop, mall, mall_order_id || '-' || i, match_key || i,
    CASE WHEN i > 10 THEN 'completed' ELSE status END, fulfilled_by, ordered_at - i * 86400000000::BIGINT,
    changed_at - i * 86400000000::BIGINT, read_at, first_seen_at, shipped_on, due, digest, latest_version,
    CAST(CAST(document AS JSONB) || jsonb_build_object('id', lpad(to_hex(i), 8, '0') || substr(id, 9),
        'mall_order_id', mall_order_id || '-' || i, 'status', CASE WHEN i > 10 THEN 'completed' ELSE status END) AS TEXT),
    mall_updated_at - i * 86400000000::BIGINT
FROM copies, base;
INSERT INTO order_versions (order_id, number, read_at, changes, raw)
SELECT lpad(to_hex(i), 8, '0') || substr(order_id, 9), number, read_at, changes, raw FROM copies, raws;
INSERT INTO settlements (id, name, order_id, reception_number, state, amount, authorized_on, lapses_on, slips, generation,
    linked_by)
SELECT id, 'webcollect-main', id, mall_order_id, 'settled', 5000, '2024-01-01', '2024-02-29', '[]', 0, 'rule'
FROM orders WHERE status = 'completed' AND (hashtext(id) & 1) = 0;
INSERT INTO operations (id, account, order_id, settlement_id, kind, intent, reception_number, amount, dedupe_key, state,
    run_at, sends, retries, rounds, looks, claimed_done, sent_at, created_at, updated_at)
SELECT id, name, order_id, id, 'capture', '{}', reception_number, amount, id, 'done', 0, 1, 0, 0, 1, 0, 0, 0, 0
FROM settlements;
COMMIT;
ANALYZE;
SELECT count(*) FROM orders;
