-- Delivery: messages that were accepted, the turns that answer them, and what a turn has done so far.
--
-- What waits, and since when:
--     SELECT c.id, i.no, i.agent_key, i.accepted_at FROM inbox AS i JOIN conversations AS c ON c.key = i.conversation
--     WHERE i.status IN ('waiting', 'running');

-- number of the next accepted message
ALTER TABLE conversations ADD COLUMN next_inbox INTEGER NOT NULL DEFAULT 1;
-- who was spoken to last
ALTER TABLE conversations ADD COLUMN agent_key TEXT;
-- the turn that has begun and not ended; NULL if none
ALTER TABLE conversations ADD COLUMN running INTEGER;
-- what the running turn shall end as: cancelled, superseded
ALTER TABLE conversations ADD COLUMN stop TEXT;

-- One row per message that was acknowledged. Whatever happens, it ends with an outcome.
CREATE TABLE inbox (
    conversation INTEGER NOT NULL REFERENCES conversations (key),
    no INTEGER NOT NULL,                         -- order of arrival, from 1, without gaps
    message_id TEXT NOT NULL,                    -- the sender's; the same one again is the same message
    agent_key TEXT NOT NULL,
    policy TEXT NOT NULL,                        -- what was to happen if the conversation was busy
    body TEXT,                                   -- JSON: the message as it came; NULL once it is among the messages
    status TEXT NOT NULL,                        -- waiting, running, answered, merged, superseded, cancelled, failed
    turn INTEGER,                                -- the turn that took it up
    accepted_at TEXT NOT NULL,
    PRIMARY KEY (conversation, no)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX inbox_message ON inbox (conversation, message_id);
CREATE INDEX inbox_waiting ON inbox (conversation, no) WHERE status = 'waiting';
CREATE INDEX inbox_running ON inbox (conversation, turn) WHERE status = 'running';

-- The turns, now from their beginning on.
DROP VIEW transcript;
ALTER TABLE turns RENAME TO turns_1;
CREATE TABLE turns (
    conversation INTEGER NOT NULL REFERENCES conversations (key),
    no INTEGER NOT NULL,                         -- from 1, without gaps
    agent_key TEXT NOT NULL,                     -- empty for messages added outside a turn
    step TEXT,                                   -- the step the turn ended in
    first_seq INTEGER NOT NULL,                  -- its first message
    ended_at TEXT,                               -- NULL while it runs
    status TEXT NOT NULL DEFAULT 'answered',     -- running, answered, superseded, cancelled, failed
    run_id TEXT,                                 -- names the turn outside; part of the keys that tools get
    attempts INTEGER NOT NULL DEFAULT 1,         -- how often it was begun or continued
    started_at TEXT,
    reply TEXT,                                  -- what the person was answered
    receipt TEXT,                                -- JSON: what was done, and why
    PRIMARY KEY (conversation, no)
) STRICT, WITHOUT ROWID;
INSERT INTO turns (conversation, no, agent_key, step, first_seq, ended_at)
SELECT conversation, no, agent_key, step, first_seq, ended_at FROM turns_1;
DROP TABLE turns_1;
CREATE VIEW transcript AS
SELECT c.id AS conversation_id, m.seq, m.turn, t.agent_key, t.step, t.ended_at, m.role, m.call_id, m.body
FROM messages AS m
JOIN conversations AS c ON c.key = m.conversation
JOIN turns AS t ON t.conversation = m.conversation AND t.no = m.turn;

-- One row per model request and tool call of a running turn; gone when the turn has ended.
CREATE TABLE journal (
    conversation INTEGER NOT NULL REFERENCES conversations (key),
    turn INTEGER NOT NULL,
    no INTEGER NOT NULL,                         -- order in the turn, from 0, without gaps
    kind TEXT NOT NULL,                          -- heard, model, tool, said
    name TEXT,                                   -- the tool
    call_id TEXT,                                -- the call
    effect TEXT,                                 -- what running it twice would do: state, read, idempotent, once
    outcome TEXT,                                -- JSON; NULL while nobody knows it
    state TEXT,                                  -- JSON: the journey's state after it; NULL where a later row has it
    notes TEXT,                                  -- JSON: what the engine remembers beside the state
    recorded_at TEXT NOT NULL,
    PRIMARY KEY (conversation, turn, no)
) STRICT, WITHOUT ROWID;
