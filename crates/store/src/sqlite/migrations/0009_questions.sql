-- Of records that may be one, one question is put; the questions about the others wait for it and say so in their choice.
CREATE INDEX review_choice ON review (ws, sync, kind, choice) WHERE state = 1;
