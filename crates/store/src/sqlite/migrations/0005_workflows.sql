-- Workflows with their versions, and their runs: one row a run, one row a step that was tried.
CREATE TABLE workflow (
    ws        INTEGER NOT NULL,
    name      TEXT NOT NULL,
    draft     TEXT,
    published INTEGER,
    last      INTEGER NOT NULL,
    paused    INTEGER NOT NULL,
    at_once   INTEGER,
    changed   INTEGER NOT NULL,
    PRIMARY KEY (ws, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_version (
    ws       INTEGER NOT NULL,
    workflow TEXT NOT NULL,
    version  INTEGER NOT NULL,
    made     INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (ws, workflow, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_run (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    ws          INTEGER NOT NULL,
    id          BLOB NOT NULL,
    workflow    TEXT NOT NULL,
    version     INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    due         INTEGER NOT NULL,
    lease       INTEGER NOT NULL DEFAULT 0,
    key         TEXT,
    parent      BLOB,
    parent_step INTEGER,
    item        INTEGER,
    accepted    INTEGER NOT NULL,
    started     INTEGER,
    ended       INTEGER,
    body        TEXT NOT NULL,
    position    TEXT NOT NULL,
    result      TEXT,
    note        TEXT,
    UNIQUE (ws, id)
) STRICT;
CREATE INDEX workflow_run_due ON workflow_run (ws, state, due) WHERE ended IS NULL;
CREATE INDEX workflow_run_open ON workflow_run (ws, workflow, state, seq) WHERE ended IS NULL;
CREATE INDEX workflow_run_key ON workflow_run (ws, workflow, key, seq) WHERE ended IS NULL AND key IS NOT NULL;
CREATE INDEX workflow_run_of ON workflow_run (ws, workflow, seq);
CREATE INDEX workflow_run_parent ON workflow_run (ws, parent, parent_step, item) WHERE parent IS NOT NULL;
CREATE INDEX workflow_run_ended ON workflow_run (ws, ended) WHERE ended IS NOT NULL;

CREATE TABLE workflow_step (
    ws      INTEGER NOT NULL,
    run     INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    step    TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    state   INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended   INTEGER,
    body    TEXT NOT NULL,
    PRIMARY KEY (ws, run, number)
) STRICT, WITHOUT ROWID;

-- Events that were taken in, so that one that comes again begins nothing.
CREATE TABLE workflow_event (
    ws       INTEGER NOT NULL,
    workflow TEXT NOT NULL,
    event    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (ws, workflow, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX workflow_event_at ON workflow_event (ws, at);

-- Where those that look for events go on.
CREATE TABLE workflow_cursor (
    ws    INTEGER NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (ws, name)
) STRICT, WITHOUT ROWID;
