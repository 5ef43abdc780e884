-- Conversations: who said what, and where each agent's journey stands.
--
-- All times are UTC, ISO 8601, as text that is ordered as it is written. All JSON is kept letter by letter. Messages are
-- only ever added; `transcript` shows them readably:
--     SELECT seq, role, body FROM transcript WHERE conversation_id = 'ada' ORDER BY seq;

CREATE TABLE conversations (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    revision bigint NOT NULL DEFAULT 0,
    next_seq bigint NOT NULL DEFAULT 1,
    oldest_seq bigint NOT NULL DEFAULT 1,
    next_turn bigint NOT NULL DEFAULT 1,
    epoch bigint NOT NULL DEFAULT 0,
    lease_owner text,
    lease_until text COLLATE "C",
    created_at text COLLATE "C" NOT NULL,
    updated_at text COLLATE "C" NOT NULL
);
COMMENT ON TABLE conversations IS 'One row per conversation.';
COMMENT ON COLUMN conversations.key IS 'what the other tables call the conversation';
COMMENT ON COLUMN conversations.id IS 'what the application calls it';
COMMENT ON COLUMN conversations.revision IS 'how many changes were committed; a writer names the one it saw';
COMMENT ON COLUMN conversations.next_seq IS 'number of the next message';
COMMENT ON COLUMN conversations.oldest_seq IS 'number of the oldest message that is still here';
COMMENT ON COLUMN conversations.next_turn IS 'number of the next turn';
COMMENT ON COLUMN conversations.epoch IS 'counts the owners; fences off an earlier one';
COMMENT ON COLUMN conversations.lease_owner IS 'who runs a turn now';
COMMENT ON COLUMN conversations.lease_until IS 'until when';

CREATE TABLE states (
    conversation bigint NOT NULL REFERENCES conversations (key),
    agent_key text COLLATE "C" NOT NULL,
    state json,
    step text,
    step_seq bigint NOT NULL,
    PRIMARY KEY (conversation, agent_key)
);
COMMENT ON TABLE states IS 'One row per conversation and agent: the state after the last turn.';
COMMENT ON COLUMN states.state IS 'NULL where the agent keeps none';
COMMENT ON COLUMN states.step IS 'the journey''s step';
COMMENT ON COLUMN states.step_seq IS 'first message of the turn that entered the step';

CREATE TABLE turns (
    conversation bigint NOT NULL REFERENCES conversations (key),
    no bigint NOT NULL,
    agent_key text COLLATE "C" NOT NULL,
    step text,
    first_seq bigint NOT NULL,
    ended_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (conversation, no)
);
COMMENT ON TABLE turns IS 'One row per turn.';
COMMENT ON COLUMN turns.no IS 'from 1, without gaps';
COMMENT ON COLUMN turns.agent_key IS 'who answered; empty for messages added outside a turn';
COMMENT ON COLUMN turns.step IS 'the step the turn ended in';
COMMENT ON COLUMN turns.first_seq IS 'its first message';

CREATE TABLE messages (
    conversation bigint NOT NULL REFERENCES conversations (key),
    seq bigint NOT NULL,
    turn bigint NOT NULL,
    body json NOT NULL,
    PRIMARY KEY (conversation, seq)
);
COMMENT ON TABLE messages IS 'One row per message; only ever added.';
COMMENT ON COLUMN messages.seq IS 'from 1, without gaps';
COMMENT ON COLUMN messages.body IS 'the message as a provider gets it';

CREATE VIEW transcript AS
SELECT c.id AS conversation_id, m.seq, m.turn, t.agent_key, t.step, t.ended_at,
    m.body ->> 'role' AS role, m.body ->> 'tool_call_id' AS call_id, m.body
FROM messages AS m
JOIN conversations AS c ON c.key = m.conversation
JOIN turns AS t ON t.conversation = m.conversation AND t.no = m.turn;
COMMENT ON VIEW transcript IS 'The messages with everything a reader wants beside them.';
COMMENT ON COLUMN transcript.call_id IS 'the call a result answers';
