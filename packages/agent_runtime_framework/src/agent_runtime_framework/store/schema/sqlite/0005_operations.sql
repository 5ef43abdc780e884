-- Operations: what it takes to replay a turn, and to erase a conversation for good.

-- JSON: what calls that must not run twice did to the state; a replay does the same without them. NULL if nothing
ALTER TABLE turns ADD COLUMN effects TEXT;

-- One row: the highest epoch of an erased conversation. Whoever begins one of the same name begins behind it, so that
-- nobody who still works on the erased one can write into it.
CREATE TABLE erased (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO erased (one, epoch) VALUES (1, 0);
