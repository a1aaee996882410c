-- Rows as version 1 of each stored format wrote them. Never edit these to fit newer code: old databases have them.
INSERT INTO workspace VALUES (1, 'main');
INSERT INTO name VALUES (1, 1, 1, 'crm'), (2, 1, 2, 'people'), (3, 1, 3, 'email');
INSERT INTO connection_state VALUES (1, 1, '{"v":1,"d":{"account":"1"}}');
INSERT INTO sync_state VALUES (1, 2, '{"v":1,"d":{"paused":true}}');
INSERT INTO link (ws, id, sync, entity, left_record, right_record, state, seen_left, seen_right, wrote_left,
                  wrote_right, stamp_left, stamp_right, created, body)
VALUES (1, x'00000000000000000000000000000001', 2, 1, 'a', 'x', 0, 1800000001000000, 1800000002000000, NULL,
        1800000003000000, 1800000004000000, NULL, 1800000005000000,
        '{"v":1,"d":{"how":"e-mail","left":{"email":{"value":{"text":"ada@example.org"}}},"right":{"Email":{"value":{"text":"Ada@example.org"}},"Name":"empty"},"revisions":{"email":18446744073709551615}}}');
INSERT INTO review (ws, id, sync, entity, kind, subject, state, left_record, right_record, opened, decided, choice, body)
VALUES (1, x'00000000000000000000000000000001', 2, 1, 8, 's', 0, 'a', NULL, 1800000010000000, NULL, NULL,
        '{"v":1,"d":{"summary":"which one?","details":{"v":1,"candidates":["x","y"]}}}');
INSERT INTO intent (ws, id, sync, entity, target, source, state, opened, look_after, looks, body)
VALUES (1, x'00000000000000000000000000000001', 2, 1, 1, 'a', 0, 1800000001000000, 1800000002000000, 0,
        '{"v":1,"d":{"source_fields":{"email":{"value":{"text":"ada@example.org"}}},"draft":{"Email":{"value":{"text":"ada@example.org"}}},"keys":[{"kind":"email","value":"ada@example.org"}],"cause":{"trace":"00000000-0000-0000-0000-000000000001","source":"webhook","origin":["crm","a"],"passed":["people"]}}}');
INSERT INTO cause (id, ws, body)
VALUES (1, 1, '{"v":1,"d":{"trace":"00000000-0000-0000-0000-000000000001","source":"webhook","origin":["crm","a"],"passed":["people"]}}');
INSERT INTO journal (seq, ws, entries, at, connection, entity, record, sync, link, run, cause, body)
VALUES (1, 1, 2, 1800000001000000, 1, 1, 'a', 2, x'00000000000000000000000000000001', NULL, 1,
        '{"v":1,"d":[{"effect":"created","rule":"r","note":"n"},{"effect":"written","field":"email","before":"empty","after":{"value":{"text":"new"}},"rule":"email: newest"}]}');
INSERT INTO record VALUES (1, 1, 1, 'a', 1, 7);
INSERT INTO listing (ws, connection, entity, next_row, records) VALUES (1, 1, 1, 2, 1);
INSERT INTO kept (ws, connection, entity, row, keys, body)
VALUES (1, 1, 1, 1, '{"v":1,"d":[{"kind":"email","value":"a@example.org"}]}',
        '{"v":1,"d":{"record":{"id":"a","fields":{"name":{"value":{"text":"Ada"}}}},"freshness":"fresh","completeness":"complete","as_of":"2027-01-15T08:00:01Z","modified":"2027-01-15T08:00:00Z","created":null}}');
INSERT INTO dirty (ws, connection, entity, record, lane, due, generation, sources, first_signalled, last_signalled, cause)
VALUES (1, 1, 1, 'a', 0, 1800000001000000, 1, 1, 1800000001000000, 1800000001000000,
        '{"v":1,"d":{"trace":"00000000-0000-0000-0000-000000000001","source":"webhook","origin":["crm","a"],"passed":["people"]}}');
INSERT INTO sweep (ws, connection, entity, cursor, started, ceiling)
VALUES (1, 1, 1, '{"v":1,"d":{"page":2}}', 1800000000000000, 2);
