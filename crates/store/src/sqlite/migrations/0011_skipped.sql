-- Records that a sync looked at and left out, each with why. A row goes when the record is linked, or looked at and not
-- left out any more.
CREATE TABLE skipped (
    ws      INTEGER NOT NULL,
    sync    INTEGER NOT NULL,
    entity  INTEGER NOT NULL,
    side    INTEGER NOT NULL,
    record  TEXT NOT NULL,
    reason  INTEGER NOT NULL,
    note    TEXT NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (ws, sync, entity, side, record)
) STRICT, WITHOUT ROWID;
