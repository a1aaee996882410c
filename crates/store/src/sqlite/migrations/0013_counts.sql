-- What lists and counts would else have to read all rows for, kept as rows come and go: the sums move with each command.
CREATE TABLE blocked_field (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    ws      INTEGER NOT NULL,
    sync    INTEGER NOT NULL,
    entity  INTEGER NOT NULL,
    mapping TEXT NOT NULL,
    side    INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    n       INTEGER NOT NULL,
    since   INTEGER NOT NULL
) STRICT;
INSERT INTO blocked_field (ws, sync, entity, mapping, side, reason, n, since)
    SELECT b.ws, b.sync, l.entity, b.mapping, b.side, b.reason, count(*), min(b.since)
    FROM blocked b JOIN link l ON l.ws = b.ws AND l.id = b.link
    GROUP BY b.ws, b.sync, l.entity, b.mapping, b.side, b.reason;
-- A reason may be longer than an entry of an index may be.
CREATE INDEX blocked_field_of ON blocked_field (ws, sync, entity, mapping, side, substr(reason, 1, 200));
CREATE INDEX blocked_field_since ON blocked_field (ws, sync, since);
ALTER TABLE blocked ADD COLUMN field INTEGER;
UPDATE blocked SET field = (
    SELECT f.id FROM link l JOIN blocked_field f ON f.ws = l.ws AND f.entity = l.entity
    WHERE l.ws = blocked.ws AND l.id = blocked.link AND f.sync = blocked.sync AND f.mapping = blocked.mapping
        AND f.side = blocked.side AND substr(f.reason, 1, 200) = substr(blocked.reason, 1, 200)
        AND f.reason = blocked.reason);
CREATE INDEX blocked_rows ON blocked (ws, field, since, link);

-- More of what is counted, see tally.rs. 4: blocked fields by sync (a); 5: calls; 6: acts; 7: ended runs of workflows.
INSERT INTO tally (ws, kind, a, b, n) SELECT ws, 4, sync, 0, count(*) FROM blocked GROUP BY ws, sync;
INSERT INTO tally (ws, kind, a, b, n) SELECT ws, 5, 0, 0, count(*) FROM call GROUP BY ws;
INSERT INTO tally (ws, kind, a, b, n) SELECT ws, 6, 0, 0, count(*) FROM act GROUP BY ws;
INSERT INTO tally (ws, kind, a, b, n)
    SELECT ws, 7, 0, 0, count(*) FROM workflow_run WHERE ended IS NOT NULL GROUP BY ws;

DROP INDEX review_state;
CREATE INDEX review_state ON review (ws, state, sync, kind, seq);
CREATE INDEX review_decided ON review (ws, decided) WHERE state >= 2;
CREATE INDEX skipped_reason ON skipped (ws, sync, reason, entity, side, record);
