-- What each conversation has cost so far.

ALTER TABLE conversations ADD COLUMN usage json;
COMMENT ON COLUMN conversations.usage IS
    'tokens and, where prices are known, cost_usd, summed over all turns; NULL while nothing was counted';
