-- What B2クラウド's file says of a parcel: whether it registers the slip itself (column 43; NULL: not said). `by_number`: the
-- row belongs to the order of its reception number, as a further sale of a consolidated parcel does.
ALTER TABLE slips ADD COLUMN b2_registers BIGINT;
ALTER TABLE slip_rows ADD COLUMN b2_registers BIGINT;
ALTER TABLE slip_rows ADD COLUMN by_number BIGINT NOT NULL DEFAULT 0;

-- Reception numbers that were imported for orders which are not there yet, or (`held`) which a person must look at. `shop`
-- and `contract` are empty where the person named none.
CREATE TABLE reception_rows (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    match_key TEXT COLLATE "C" NOT NULL,
    shop TEXT COLLATE "C" NOT NULL,
    contract TEXT NOT NULL,
    mall_order_id TEXT NOT NULL,
    reception_number TEXT NOT NULL,
    amount BIGINT,
    source TEXT NOT NULL,
    actor TEXT NOT NULL,
    learnt_at BIGINT NOT NULL,
    held TEXT,
    UNIQUE (match_key, shop)
);
CREATE INDEX reception_rows_by_number ON reception_rows (reception_number);
