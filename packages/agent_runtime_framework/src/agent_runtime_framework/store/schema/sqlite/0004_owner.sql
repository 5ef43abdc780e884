-- Whose each conversation is; NULL where it was begun for nobody in particular.
ALTER TABLE conversations ADD COLUMN owner TEXT;
CREATE INDEX conversations_owner ON conversations (owner, updated_at) WHERE owner IS NOT NULL;
