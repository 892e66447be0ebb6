-- What accounts must remember beyond the process: tokens, sealed with a key that the database does not hold.
CREATE TABLE vault (
    name TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- When the mall says the order changed last: a list that shows the same time needs no second look at the order.
ALTER TABLE orders ADD COLUMN mall_updated_at INTEGER;
