-- Versions: which version of a journey wrote each state.
--
-- How many conversations still wait to be migrated:
--     SELECT agent_key, version, count(*) FROM states GROUP BY agent_key, version;

ALTER TABLE states ADD COLUMN version integer GENERATED ALWAYS AS (
    CASE
        WHEN state IS NULL THEN NULL
        WHEN state ->> '_version' ~ '^[0-9]{1,9}$' THEN (state ->> '_version')::integer
        ELSE 1
    END
) STORED;
COMMENT ON COLUMN states.version IS
    'the version that wrote the state, which names it under _version; NULL where there is no state';
