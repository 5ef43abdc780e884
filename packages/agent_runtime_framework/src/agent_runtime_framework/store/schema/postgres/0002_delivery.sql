-- Delivery: messages that were accepted, the turns that answer them, and what a turn has done so far.
--
-- What waits, and since when:
--     SELECT c.id, i.no, i.agent_key, i.accepted_at FROM inbox AS i JOIN conversations AS c ON c.key = i.conversation
--     WHERE i.status IN ('waiting', 'running');

ALTER TABLE conversations
    ADD COLUMN next_inbox bigint NOT NULL DEFAULT 1,
    ADD COLUMN agent_key text COLLATE "C",
    ADD COLUMN running bigint,
    ADD COLUMN stop text;
COMMENT ON COLUMN conversations.next_inbox IS 'number of the next accepted message';
COMMENT ON COLUMN conversations.agent_key IS 'who was spoken to last';
COMMENT ON COLUMN conversations.running IS 'the turn that has begun and not ended; NULL if none';
COMMENT ON COLUMN conversations.stop IS 'what the running turn shall end as: cancelled, superseded';

CREATE TABLE inbox (
    conversation bigint NOT NULL REFERENCES conversations (key),
    no bigint NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    agent_key text COLLATE "C" NOT NULL,
    policy text NOT NULL,
    body json,
    status text NOT NULL,
    turn bigint,
    accepted_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (conversation, no)
);
CREATE UNIQUE INDEX inbox_message ON inbox (conversation, message_id);
CREATE INDEX inbox_waiting ON inbox (conversation, no) WHERE status = 'waiting';
CREATE INDEX inbox_running ON inbox (conversation, turn) WHERE status = 'running';
COMMENT ON TABLE inbox IS 'One row per message that was acknowledged. Whatever happens, it ends with an outcome.';
COMMENT ON COLUMN inbox.no IS 'order of arrival, from 1, without gaps';
COMMENT ON COLUMN inbox.message_id IS 'the sender''s; the same one again is the same message';
COMMENT ON COLUMN inbox.policy IS 'what was to happen if the conversation was busy';
COMMENT ON COLUMN inbox.body IS 'the message as it came; NULL once it is among the messages';
COMMENT ON COLUMN inbox.status IS 'waiting, running, answered, merged, superseded, cancelled, failed';
COMMENT ON COLUMN inbox.turn IS 'the turn that took it up';

-- The turns, now from their beginning on.
ALTER TABLE turns
    ALTER COLUMN ended_at DROP NOT NULL,
    ADD COLUMN status text NOT NULL DEFAULT 'answered',
    ADD COLUMN run_id text,
    ADD COLUMN attempts bigint NOT NULL DEFAULT 1,
    ADD COLUMN started_at text COLLATE "C",
    ADD COLUMN reply text,
    ADD COLUMN receipt json;
COMMENT ON COLUMN turns.ended_at IS 'NULL while it runs';
COMMENT ON COLUMN turns.status IS 'running, answered, superseded, cancelled, failed';
COMMENT ON COLUMN turns.run_id IS 'names the turn outside; part of the keys that tools get';
COMMENT ON COLUMN turns.attempts IS 'how often it was begun or continued';
COMMENT ON COLUMN turns.reply IS 'what the person was answered';
COMMENT ON COLUMN turns.receipt IS 'what was done, and why';

CREATE TABLE journal (
    conversation bigint NOT NULL REFERENCES conversations (key),
    turn bigint NOT NULL,
    no bigint NOT NULL,
    kind text NOT NULL,
    name text,
    call_id text,
    effect text,
    outcome json,
    state json,
    notes json,
    recorded_at text COLLATE "C" NOT NULL,
    PRIMARY KEY (conversation, turn, no)
);
COMMENT ON TABLE journal IS
    'One row per model request and tool call of a running turn; gone when the turn has ended.';
COMMENT ON COLUMN journal.no IS 'order in the turn, from 0, without gaps';
COMMENT ON COLUMN journal.kind IS 'heard, model, tool, said';
COMMENT ON COLUMN journal.name IS 'the tool';
COMMENT ON COLUMN journal.call_id IS 'the call';
COMMENT ON COLUMN journal.effect IS 'what running it twice would do: state, read, idempotent, once';
COMMENT ON COLUMN journal.outcome IS 'NULL while nobody knows it';
COMMENT ON COLUMN journal.state IS 'the journey''s state after it; NULL where a later row has it';
COMMENT ON COLUMN journal.notes IS 'what the engine remembers beside the state';
