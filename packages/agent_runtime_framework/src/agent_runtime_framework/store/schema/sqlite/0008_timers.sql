-- What is to happen at a time, without anybody saying anything.
--
-- What comes next:
--     SELECT id, idle_due, idle FROM conversations WHERE idle_due IS NOT NULL ORDER BY idle_due LIMIT 10;
--     SELECT c.id, t.id, t.due_at FROM timers AS t JOIN conversations AS c ON c.key = t.conversation ORDER BY t.due_at;

-- when something is done about the person's silence; NULL if nothing is
ALTER TABLE conversations ADD COLUMN idle_due TEXT;
-- JSON: what is then put into the inbox
ALTER TABLE conversations ADD COLUMN idle TEXT;
CREATE INDEX conversations_idle ON conversations (idle_due) WHERE idle_due IS NOT NULL;

-- One row per business event that is to come; gone when it has come.
CREATE TABLE timers (
    conversation INTEGER NOT NULL REFERENCES conversations (key),
    id TEXT NOT NULL,                            -- the application's; scheduled again, it is moved
    due_at TEXT NOT NULL,
    agent_key TEXT NOT NULL,                     -- who hears of it; empty for whoever was spoken to last
    body TEXT NOT NULL,                          -- JSON: what is then put into the inbox
    PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX timers_due ON timers (due_at);
