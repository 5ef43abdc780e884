-- What each conversation has cost so far.

-- JSON: tokens and, where prices are known, cost_usd, summed over all turns; NULL while nothing was counted
ALTER TABLE conversations ADD COLUMN usage TEXT;
