-- Plans that are kept, and their rows: what is to become of which records.
CREATE TABLE plan (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    ws   INTEGER NOT NULL,
    id   BLOB NOT NULL,
    sync INTEGER NOT NULL,
    state INTEGER NOT NULL,
    made INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (ws, id)
) STRICT;
CREATE INDEX plan_sync ON plan (ws, sync);

CREATE TABLE plan_row (
    ws           INTEGER NOT NULL,
    plan         BLOB NOT NULL,
    number       INTEGER NOT NULL,
    entity       INTEGER NOT NULL,
    left_record  TEXT,
    right_record TEXT,
    state        INTEGER NOT NULL,
    note         TEXT,
    body         TEXT NOT NULL,
    PRIMARY KEY (ws, plan, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX plan_row_state ON plan_row (ws, plan, state, number);
