-- What the log was told of and when, so that a fact is told once and again by rule, across restarts: `ends` of keys,
-- shops that `fails`, an `operation` or `settlement` that needs a person, and the daily word that some are `open`.
CREATE TABLE notices (
    topic TEXT NOT NULL,
    subject TEXT NOT NULL,
    since BIGINT NOT NULL,
    step BIGINT NOT NULL,
    told_at BIGINT NOT NULL,
    PRIMARY KEY (topic, subject)
);
