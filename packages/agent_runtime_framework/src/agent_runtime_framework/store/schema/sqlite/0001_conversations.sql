-- Conversations: who said what, and where each agent's journey stands.
--
-- All times are UTC, ISO 8601. All JSON is text. Messages are only ever added; `transcript` shows them readably:
--     SELECT seq, role, body FROM transcript WHERE conversation_id = 'ada' ORDER BY seq;

-- One row per conversation.
CREATE TABLE conversations (
    key INTEGER PRIMARY KEY,                     -- what the other tables call the conversation
    id TEXT NOT NULL UNIQUE,                     -- what the application calls it
    revision INTEGER NOT NULL DEFAULT 0,         -- how many changes were committed; a writer names the one it saw
    next_seq INTEGER NOT NULL DEFAULT 1,         -- number of the next message
    oldest_seq INTEGER NOT NULL DEFAULT 1,       -- number of the oldest message that is still here
    next_turn INTEGER NOT NULL DEFAULT 1,        -- number of the next turn
    epoch INTEGER NOT NULL DEFAULT 0,            -- counts the owners; fences off an earlier one
    lease_owner TEXT,                            -- who runs a turn now
    lease_until TEXT,                            -- until when
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

-- One row per conversation and agent: the state after the last turn.
CREATE TABLE states (
    conversation INTEGER NOT NULL REFERENCES conversations (key),
    agent_key TEXT NOT NULL,
    state TEXT,                                  -- JSON; NULL where the agent keeps none
    step TEXT,                                   -- the journey's step
    step_seq INTEGER NOT NULL,                   -- first message of the turn that entered the step
    PRIMARY KEY (conversation, agent_key)
) STRICT;

-- One row per turn; holds no text of anybody.
CREATE TABLE turns (
    conversation INTEGER NOT NULL REFERENCES conversations (key),
    no INTEGER NOT NULL,                         -- from 1, without gaps
    agent_key TEXT NOT NULL,                     -- empty for messages added outside a turn
    step TEXT,                                   -- the step the turn ended in
    first_seq INTEGER NOT NULL,                  -- its first message
    ended_at TEXT NOT NULL,
    PRIMARY KEY (conversation, no)
) STRICT, WITHOUT ROWID;

-- One row per message.
CREATE TABLE messages (
    conversation INTEGER NOT NULL REFERENCES conversations (key),
    seq INTEGER NOT NULL,                        -- from 1, without gaps
    turn INTEGER NOT NULL,
    body TEXT NOT NULL,                          -- JSON: the message as a provider gets it
    role TEXT GENERATED ALWAYS AS (json_extract(body, '$.role')) VIRTUAL,
    call_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.tool_call_id')) VIRTUAL, -- the call a result answers
    PRIMARY KEY (conversation, seq)
) STRICT;

-- The messages with everything a reader wants beside them.
CREATE VIEW transcript AS
SELECT c.id AS conversation_id, m.seq, m.turn, t.agent_key, t.step, t.ended_at, m.role, m.call_id, m.body
FROM messages AS m
JOIN conversations AS c ON c.key = m.conversation
JOIN turns AS t ON t.conversation = m.conversation AND t.no = m.turn;
