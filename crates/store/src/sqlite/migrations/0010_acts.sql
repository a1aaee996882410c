-- Who uses Tandem: people with their role, their sessions, tokens of programs, and what each of them did.
CREATE TABLE person (
    ws             INTEGER NOT NULL,
    name           TEXT NOT NULL,
    role           INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    password       TEXT,
    password_since INTEGER,
    link           TEXT,
    link_ends      INTEGER,
    signed_in      INTEGER,
    PRIMARY KEY (ws, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    ws     INTEGER NOT NULL,
    hash   TEXT NOT NULL,
    person TEXT NOT NULL,
    since  INTEGER NOT NULL,
    ends   INTEGER NOT NULL,
    PRIMARY KEY (ws, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    ws      INTEGER NOT NULL,
    name    TEXT NOT NULL,
    hash    TEXT NOT NULL,
    scopes  INTEGER NOT NULL,
    person  TEXT,
    created INTEGER NOT NULL,
    ends    INTEGER,
    used    INTEGER,
    PRIMARY KEY (ws, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE act (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    ws      INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    actor   INTEGER NOT NULL,
    who     TEXT NOT NULL,
    person  TEXT,
    what    TEXT NOT NULL,
    thing   TEXT NOT NULL,
    outcome INTEGER NOT NULL,
    code    TEXT
) STRICT;
CREATE INDEX act_at ON act (ws, at);
CREATE INDEX act_who ON act (ws, who, seq);
CREATE INDEX act_person ON act (ws, person, seq);
