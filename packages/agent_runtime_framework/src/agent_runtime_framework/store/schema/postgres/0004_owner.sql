-- Whose each conversation is.

ALTER TABLE conversations ADD COLUMN owner text COLLATE "C";
COMMENT ON COLUMN conversations.owner IS 'NULL where it was begun for nobody in particular';
CREATE INDEX conversations_owner ON conversations (owner, updated_at) WHERE owner IS NOT NULL;
