-- Pauses: calls that wait for a person's agreement, and conversations that a person has taken over.
--
-- What waits for a decision, and since when:
--     SELECT c.id, a.call_id, a.tool, a.arguments, a.asked_at FROM approvals AS a
--     JOIN conversations AS c ON c.key = a.conversation WHERE a.status = 'waiting' ORDER BY a.asked_at;

-- since when the running turn waits for a person; NULL if it does not
ALTER TABLE conversations ADD COLUMN paused_at TEXT;
-- JSON: to whom the conversation was handed over, why and when; NULL while the agent answers
ALTER TABLE conversations ADD COLUMN handoff TEXT;
CREATE INDEX conversations_handed_over ON conversations (key) WHERE handoff IS NOT NULL;

-- Messages whose turn rests are 'paused' in the inbox, and so is the turn.
CREATE INDEX inbox_paused ON inbox (conversation, turn) WHERE status = 'paused';

-- One row per call that a person was asked about.
CREATE TABLE approvals (
    conversation INTEGER NOT NULL REFERENCES conversations (key),
    call_id TEXT NOT NULL,
    turn INTEGER NOT NULL,                       -- the turn that waits, or waited
    tool TEXT NOT NULL,
    arguments TEXT NOT NULL,                     -- JSON; sensitive values are masked
    reason TEXT NOT NULL,                        -- why a person was asked
    status TEXT NOT NULL,                        -- waiting, approved, rejected, withdrawn
    asked_at TEXT NOT NULL,
    decided_by TEXT,                             -- who decided
    note TEXT,                                   -- what they said to it
    decided_at TEXT,
    PRIMARY KEY (conversation, call_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_waiting ON approvals (conversation, turn) WHERE status = 'waiting';
