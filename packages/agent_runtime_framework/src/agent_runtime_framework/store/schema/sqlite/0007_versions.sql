-- Versions: which version of a journey wrote each state.
--
-- How many conversations still wait to be migrated:
--     SELECT agent_key, version, count(*) FROM states GROUP BY agent_key, version;

-- the version that wrote the state, which names it under _version; NULL where there is no state
ALTER TABLE states ADD COLUMN version INTEGER GENERATED ALWAYS AS (
    CASE
        WHEN state IS NULL THEN NULL
        WHEN json_valid(state) AND json_type(state, '$._version') = 'integer' THEN json_extract(state, '$._version')
        ELSE 1
    END
) VIRTUAL;
