-- Every key begins with `ws`, the workspace. Times are microseconds UTC. Codes for entities, lanes,
-- states and so on are in codes.rs; payloads are JSON with a format tag, see payload.rs.

CREATE TABLE workspace (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Small numbers for connections (1), syncs (2) and kinds of keys (3).
CREATE TABLE name (
    id   INTEGER PRIMARY KEY,
    ws   INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (ws, kind, name)
) STRICT;

-- Counts that would else need a scan, moved with each command (see tally.rs).
-- 1: dirty records by connection (a) and lane (b); 2: failing by connection (a); 3: active links by sync (a).
CREATE TABLE tally (
    ws   INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    a    INTEGER NOT NULL,
    b    INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (ws, kind, a, b)
) STRICT, WITHOUT ROWID;

CREATE TABLE config (
    ws       INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    applied  INTEGER NOT NULL,
    PRIMARY KEY (ws, revision)
) STRICT;

CREATE TABLE credential (
    ws         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    sealed     BLOB NOT NULL,
    version    INTEGER NOT NULL,
    PRIMARY KEY (ws, connection)
) STRICT;

CREATE TABLE connection_state (
    ws         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (ws, connection)
) STRICT;

CREATE TABLE sync_state (
    ws   INTEGER NOT NULL,
    sync INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (ws, sync)
) STRICT;

CREATE TABLE cursor (
    ws         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    entity     INTEGER NOT NULL,
    purpose    TEXT NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (ws, connection, entity, purpose)
) STRICT;

-- Dirty records: one row each, however many signals came.
-- lease: 0, or until when a worker has it; while it has, due is 9223372036854775807 until a new signal comes.
CREATE TABLE dirty (
    ws              INTEGER NOT NULL,
    connection      INTEGER NOT NULL,
    entity          INTEGER NOT NULL,
    record          TEXT NOT NULL,
    lane            INTEGER NOT NULL,
    due             INTEGER NOT NULL,
    lease           INTEGER NOT NULL DEFAULT 0,
    generation      INTEGER NOT NULL,
    sources         INTEGER NOT NULL,
    not_older_than  INTEGER,
    first_signalled INTEGER NOT NULL,
    last_signalled  INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    backoff         INTEGER NOT NULL DEFAULT 0,
    error           TEXT,
    cause           TEXT,
    PRIMARY KEY (ws, connection, entity, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX dirty_ready ON dirty (ws, connection, entity, lane, due) WHERE lease = 0;
CREATE INDEX dirty_leased ON dirty (ws, connection, lease) WHERE lease > 0;
CREATE INDEX dirty_oldest ON dirty (ws, connection, first_signalled);
CREATE INDEX dirty_failing ON dirty (ws, connection, first_signalled) WHERE error IS NOT NULL;

CREATE TABLE delivery (
    ws         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    delivery   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (ws, connection, delivery)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_at ON delivery (ws, at);

-- What is listed of one entity of one connection.
CREATE TABLE listing (
    ws         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    entity     INTEGER NOT NULL,
    next_row   INTEGER NOT NULL DEFAULT 1,
    records    INTEGER NOT NULL DEFAULT 0,
    swept      INTEGER,
    listed     INTEGER,
    PRIMARY KEY (ws, connection, entity)
) STRICT, WITHOUT ROWID;

-- Narrow on purpose: a sweep looks each listed record up here.
CREATE TABLE record (
    ws         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    entity     INTEGER NOT NULL,
    record     TEXT NOT NULL,
    row        INTEGER NOT NULL,
    list_hash  INTEGER,
    PRIMARY KEY (ws, connection, entity, record)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX record_row ON record (ws, connection, entity, row);

-- What is kept of a record beside its hash: its keys, and the reading until it is linked.
CREATE TABLE kept (
    id         INTEGER PRIMARY KEY,
    ws         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    entity     INTEGER NOT NULL,
    row        INTEGER NOT NULL,
    keys       TEXT NOT NULL,
    body       TEXT,
    UNIQUE (ws, connection, entity, row)
) STRICT;

CREATE TABLE record_key (
    ws         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    entity     INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    value      TEXT NOT NULL,
    row        INTEGER NOT NULL,
    PRIMARY KEY (ws, connection, entity, kind, value, row)
) STRICT, WITHOUT ROWID;

-- ceiling: records with this row number or a higher one became known after the sweep began.
CREATE TABLE sweep (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    ws         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    entity     INTEGER NOT NULL,
    cursor     TEXT,
    complete   INTEGER NOT NULL DEFAULT 0,
    started    INTEGER NOT NULL,
    listed     INTEGER NOT NULL DEFAULT 0,
    ceiling    INTEGER NOT NULL,
    UNIQUE (ws, connection, entity)
) STRICT;

-- One bit per row of record, 4096 to a chunk.
CREATE TABLE sweep_seen (
    ws    INTEGER NOT NULL,
    sweep INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    bits  BLOB NOT NULL,
    PRIMARY KEY (ws, sweep, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE link (
    seq           INTEGER PRIMARY KEY,
    ws            INTEGER NOT NULL,
    id            BLOB NOT NULL,
    sync          INTEGER NOT NULL,
    entity        INTEGER NOT NULL,
    left_record   TEXT NOT NULL,
    right_record  TEXT NOT NULL,
    state         INTEGER NOT NULL,
    seen_left     INTEGER NOT NULL,
    seen_right    INTEGER NOT NULL,
    wrote_left    INTEGER,
    wrote_right   INTEGER,
    stamp_left    INTEGER,
    stamp_right   INTEGER,
    created       INTEGER NOT NULL,
    body          TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX link_id ON link (ws, id);
CREATE UNIQUE INDEX link_left ON link (ws, sync, entity, left_record);
CREATE UNIQUE INDEX link_right ON link (ws, sync, entity, right_record);
CREATE INDEX link_sync ON link (ws, sync, id);

CREATE TABLE tombstone (
    ws     INTEGER NOT NULL,
    sync   INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    side   INTEGER NOT NULL,
    record TEXT NOT NULL,
    why    TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (ws, sync, entity, side, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE blocked (
    ws          INTEGER NOT NULL,
    link        BLOB NOT NULL,
    mapping     TEXT NOT NULL,
    side        INTEGER NOT NULL,
    sync        INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    value_hash  INTEGER NOT NULL,
    schema_hash INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    PRIMARY KEY (ws, link, mapping, side)
) STRICT, WITHOUT ROWID;
CREATE INDEX blocked_sync ON blocked (ws, sync);

CREATE TABLE decision (
    ws           INTEGER NOT NULL,
    sync         INTEGER NOT NULL,
    entity       INTEGER NOT NULL,
    left_record  TEXT NOT NULL,
    right_record TEXT NOT NULL,
    decision     INTEGER NOT NULL,
    PRIMARY KEY (ws, sync, entity, left_record, right_record)
) STRICT, WITHOUT ROWID;
CREATE INDEX decision_right ON decision (ws, sync, entity, right_record);

CREATE TABLE intent (
    seq        INTEGER PRIMARY KEY,
    ws         INTEGER NOT NULL,
    id         BLOB NOT NULL,
    sync       INTEGER NOT NULL,
    entity     INTEGER NOT NULL,
    target     INTEGER NOT NULL,
    source     TEXT NOT NULL,
    state      INTEGER NOT NULL,
    opened     INTEGER NOT NULL,
    look_after INTEGER NOT NULL,
    looks      INTEGER NOT NULL,
    body       TEXT NOT NULL,
    UNIQUE (ws, id),
    UNIQUE (ws, sync, entity, target, source)
) STRICT;
CREATE INDEX intent_unknown ON intent (ws, sync, look_after) WHERE state = 1;
CREATE INDEX intent_open ON intent (ws) WHERE state = 0;

CREATE TABLE review (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    ws           INTEGER NOT NULL,
    id           BLOB NOT NULL,
    sync         INTEGER NOT NULL,
    entity       INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    subject      TEXT NOT NULL,
    state        INTEGER NOT NULL,
    left_record  TEXT,
    right_record TEXT,
    opened       INTEGER NOT NULL,
    decided      INTEGER,
    choice       TEXT,
    body         TEXT NOT NULL,
    UNIQUE (ws, id)
) STRICT;
-- States below 2 (open, postponed) still wait for a person.
CREATE UNIQUE INDEX review_waiting ON review (ws, sync, kind, subject, entity) WHERE state < 2;
CREATE INDEX review_state ON review (ws, state, sync, kind);
CREATE INDEX review_left ON review (ws, left_record) WHERE left_record IS NOT NULL;
CREATE INDEX review_right ON review (ws, right_record) WHERE right_record IS NOT NULL;

-- One edit sets off many rows: what set them off is kept once.
CREATE TABLE cause (
    id   INTEGER PRIMARY KEY,
    ws   INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- Neighbouring entries about one record, with one cause, share a row: entries seq .. seq + entries - 1.
CREATE TABLE journal (
    seq        INTEGER PRIMARY KEY,
    ws         INTEGER NOT NULL,
    entries    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    entity     INTEGER NOT NULL,
    record     TEXT NOT NULL,
    sync       INTEGER,
    link       BLOB,
    run        BLOB,
    cause      INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX journal_record ON journal (ws, record);
CREATE INDEX journal_link ON journal (ws, link) WHERE link IS NOT NULL;
CREATE INDEX journal_sync ON journal (ws, sync) WHERE sync IS NOT NULL;
CREATE INDEX journal_run ON journal (ws, run) WHERE run IS NOT NULL;
CREATE INDEX journal_connection ON journal (ws, connection);

-- The last number given out; it grows even if rows are taken away later.
CREATE TABLE journal_end (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO journal_end VALUES (1, 0);

CREATE TABLE run (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    ws      INTEGER NOT NULL,
    id      BLOB NOT NULL,
    sync    INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    state   INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended   INTEGER,
    UNIQUE (ws, id)
) STRICT;
CREATE INDEX run_sync ON run (ws, sync);

CREATE TABLE run_count (
    ws  INTEGER NOT NULL,
    run BLOB NOT NULL,
    name TEXT NOT NULL,
    n   INTEGER NOT NULL,
    PRIMARY KEY (ws, run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE call (
    seq          INTEGER PRIMARY KEY,
    ws           INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    connection   INTEGER NOT NULL,
    operation    TEXT NOT NULL,
    write        INTEGER NOT NULL,
    status       INTEGER,
    milliseconds INTEGER NOT NULL,
    attempt      INTEGER NOT NULL,
    lane         TEXT NOT NULL,
    cause        TEXT,
    outcome      TEXT NOT NULL,
    records      INTEGER NOT NULL
) STRICT;
CREATE INDEX call_at ON call (ws, at);
CREATE INDEX call_cause ON call (ws, cause) WHERE cause IS NOT NULL;

CREATE TABLE meter (
    ws   INTEGER NOT NULL,
    name TEXT NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (ws, name)
) STRICT, WITHOUT ROWID;
