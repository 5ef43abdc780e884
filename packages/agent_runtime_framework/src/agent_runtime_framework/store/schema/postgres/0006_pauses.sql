-- Pauses: calls that wait for a person's agreement, and conversations that a person has taken over.
--
-- What waits for a decision, and since when:
--     SELECT c.id, a.call_id, a.tool, a.arguments, a.asked_at FROM approvals AS a
--     JOIN conversations AS c ON c.key = a.conversation WHERE a.status = 'waiting' ORDER BY a.asked_at;

ALTER TABLE conversations
    ADD COLUMN paused_at text COLLATE "C",
    ADD COLUMN handoff json;
COMMENT ON COLUMN conversations.paused_at IS 'since when the running turn waits for a person; NULL if it does not';
COMMENT ON COLUMN conversations.handoff IS
    'to whom the conversation was handed over, why and when; NULL while the agent answers';
CREATE INDEX conversations_handed_over ON conversations (key) WHERE handoff IS NOT NULL;

-- Messages whose turn rests are 'paused' in the inbox, and so is the turn.
CREATE INDEX inbox_paused ON inbox (conversation, turn) WHERE status = 'paused';

CREATE TABLE approvals (
    conversation bigint NOT NULL REFERENCES conversations (key),
    call_id text COLLATE "C" NOT NULL,
    turn bigint NOT NULL,
    tool text COLLATE "C" NOT NULL,
    arguments json NOT NULL,
    reason text NOT NULL,
    status text NOT NULL,
    asked_at text COLLATE "C" NOT NULL,
    decided_by text,
    note text,
    decided_at text COLLATE "C",
    PRIMARY KEY (conversation, call_id)
);
CREATE INDEX approvals_waiting ON approvals (conversation, turn) WHERE status = 'waiting';
COMMENT ON TABLE approvals IS 'One row per call that a person was asked about.';
COMMENT ON COLUMN approvals.turn IS 'the turn that waits, or waited';
COMMENT ON COLUMN approvals.arguments IS 'sensitive values are masked';
COMMENT ON COLUMN approvals.reason IS 'why a person was asked';
COMMENT ON COLUMN approvals.status IS 'waiting, approved, rejected, withdrawn';
COMMENT ON COLUMN approvals.decided_by IS 'who decided';
COMMENT ON COLUMN approvals.note IS 'what they said to it';
