-- The statements of query/sql_table.c: rows of one shard that are not those of
-- a table.

-- :name shard_segments
SELECT id, sealed, n_flows, iif(n_flows > 0, min_start_ms, NULL),
    iif(n_flows > 0, max_start_ms, NULL), iif(n_flows > 0, min_end_ms, NULL),
    iif(n_flows > 0, max_end_ms, NULL), iif(n_flows > 0, max_duration_ms, NULL)
FROM segment ORDER BY id

-- :name shard_of_file
SELECT :path, :bytes, :finished, coalesce(sum(n_flows), 0),
    count(*) FILTER (WHERE n_flows > 0),
    min(min_start_ms) FILTER (WHERE n_flows > 0),
    max(max_start_ms) FILTER (WHERE n_flows > 0),
    min(min_end_ms) FILTER (WHERE n_flows > 0),
    max(max_end_ms) FILTER (WHERE n_flows > 0)
FROM segment
