-- The keys of rows up to this one are in record_key; those of later rows are in kept only (see keys.rs).
ALTER TABLE listing ADD COLUMN keyed INTEGER NOT NULL DEFAULT 0;
UPDATE listing SET keyed = next_row - 1;
