-- Lists page by page: each in the order in which it is shown, so that a page begins where the one before it ended.
DROP INDEX dirty_failing;
CREATE INDEX dirty_failing ON dirty (ws, connection, first_signalled, record, entity) WHERE error IS NOT NULL;
CREATE INDEX dirty_failed ON dirty (ws, first_signalled, record, entity, connection) WHERE error IS NOT NULL;
DROP INDEX blocked_sync;
CREATE INDEX blocked_since ON blocked (ws, sync, since, link, mapping, side);
CREATE INDEX review_order ON review (ws, state, seq);
CREATE INDEX call_operation ON call (ws, operation, at, seq);
CREATE INDEX call_connection ON call (ws, connection, at, seq);
CREATE INDEX call_outcome ON call (ws, outcome, at, seq) WHERE outcome <> 'answered';
CREATE INDEX call_status ON call (ws, status, at, seq) WHERE status >= 400;
