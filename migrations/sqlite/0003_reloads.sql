-- What came of the last reload of the config, one row a daemon.
CREATE TABLE reloads (
    owner TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
