-- Operations: what it takes to replay a turn, and to erase a conversation for good.

ALTER TABLE turns ADD COLUMN effects json;
COMMENT ON COLUMN turns.effects IS
    'what calls that must not run twice did to the state; a replay does the same without them. NULL if nothing';

CREATE TABLE erased (
    one integer PRIMARY KEY CHECK (one = 1),
    epoch bigint NOT NULL
);
COMMENT ON TABLE erased IS
    'one row: the highest epoch of an erased conversation; whoever begins one of the same name begins behind it, so '
    'that nobody who still works on the erased one can write into it';
INSERT INTO erased (one, epoch) VALUES (1, 0);
