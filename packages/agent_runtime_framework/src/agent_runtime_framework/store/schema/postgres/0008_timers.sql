-- What is to happen at a time, without anybody saying anything.
--
-- What comes next:
--     SELECT id, idle_due, idle FROM conversations WHERE idle_due IS NOT NULL ORDER BY idle_due LIMIT 10;
--     SELECT c.id, t.id, t.due_at FROM timers AS t JOIN conversations AS c ON c.key = t.conversation ORDER BY t.due_at;

ALTER TABLE conversations
    ADD COLUMN idle_due text COLLATE "C",
    ADD COLUMN idle json;
COMMENT ON COLUMN conversations.idle_due IS 'when something is done about the person''s silence; NULL if nothing is';
COMMENT ON COLUMN conversations.idle IS 'what is then put into the inbox';
CREATE INDEX conversations_idle ON conversations (idle_due) WHERE idle_due IS NOT NULL;

CREATE TABLE timers (
    conversation bigint NOT NULL REFERENCES conversations (key),
    id text COLLATE "C" NOT NULL,
    due_at text COLLATE "C" NOT NULL,
    agent_key text COLLATE "C" NOT NULL,
    body json NOT NULL,
    PRIMARY KEY (conversation, id)
);
CREATE INDEX timers_due ON timers (due_at);
COMMENT ON TABLE timers IS 'One row per business event that is to come; gone when it has come.';
COMMENT ON COLUMN timers.id IS 'the application''s; scheduled again, it is moved';
COMMENT ON COLUMN timers.agent_key IS 'who hears of it; empty for whoever was spoken to last';
COMMENT ON COLUMN timers.body IS 'what is then put into the inbox';
