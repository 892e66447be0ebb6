-- What a look-up shows beside state and amount, and what a person asked for: `wish` is JSON, and goes with its operation.
ALTER TABLE settlements ADD COLUMN authorized_at INTEGER;
ALTER TABLE settlements ADD COLUMN approval TEXT;
ALTER TABLE settlements ADD COLUMN scheduled_on TEXT;
ALTER TABLE settlements ADD COLUMN registered_at INTEGER;
ALTER TABLE settlements ADD COLUMN wish TEXT;
ALTER TABLE settlements ADD COLUMN wished_by TEXT;
ALTER TABLE settlements ADD COLUMN resolved TEXT;
