-- Runs that wait for an event, each with what makes it the one; and the event, once it came.
CREATE TABLE workflow_wait (
    ws     INTEGER NOT NULL,
    run    INTEGER NOT NULL,
    source TEXT NOT NULL,
    body   TEXT NOT NULL,
    event  TEXT,
    PRIMARY KEY (ws, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX workflow_wait_source ON workflow_wait (ws, source) WHERE event IS NULL;
