-- A field that names another record waits until that record is linked: for which, and who is then to be
-- looked at again (the connection of the waiting link's left record).
ALTER TABLE blocked ADD COLUMN awaits_entity INTEGER;
ALTER TABLE blocked ADD COLUMN awaits_side INTEGER;
ALTER TABLE blocked ADD COLUMN awaits_record TEXT;
ALTER TABLE blocked ADD COLUMN wakes INTEGER;
CREATE INDEX blocked_awaits ON blocked (ws, sync, awaits_entity, awaits_side, awaits_record)
    WHERE awaits_record IS NOT NULL;
