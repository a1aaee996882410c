-- What is kept under a name and is about no record: users, their sessions.
CREATE TABLE setting (
    ws   INTEGER NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (ws, name)
) STRICT, WITHOUT ROWID;
