-- What `status` and health checks ask, answered from indexes alone however many orders there are.
CREATE INDEX orders_by_status ON orders (shop, status, ordered_at);
CREATE INDEX settlements_by_state ON settlements (name, state, lapses_on, amount, order_id);
CREATE INDEX settlements_asked ON settlements (name, state, id) WHERE held IS NOT NULL OR asked IS NOT NULL;
CREATE INDEX operations_open ON operations (account, state, run_at)
    WHERE state NOT IN ('done', 'refused', 'superseded', 'abandoned');
CREATE INDEX slips_held ON slips (id) WHERE held IS NOT NULL;
