-- A record that cannot be made before the record that it belongs to is linked: for which it waits, and where it is
-- looked at again when that link is stored.
CREATE TABLE child (
    ws             INTEGER NOT NULL,
    sync           INTEGER NOT NULL,
    entity         INTEGER NOT NULL,
    side           INTEGER NOT NULL,
    record         TEXT NOT NULL,
    awaits_entity  INTEGER NOT NULL,
    awaits_record  TEXT NOT NULL,
    wakes          INTEGER NOT NULL,
    since          INTEGER NOT NULL,
    PRIMARY KEY (ws, sync, entity, side, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX child_awaits ON child (ws, sync, awaits_entity, side, awaits_record);
