-- What came of the last reload of the config, one row a daemon.
CREATE TABLE reloads (
    owner TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    applied BIGINT NOT NULL,
    outcome TEXT NOT NULL
);
