-- The statement of schema/headers.c.

-- :name select_headers
SELECT segment_id, first_flow_id, n_flows, source_id, received_ms, unix_secs,
    unix_nsecs, uptime_ms, coalesce(sequence, 0), sequence IS NULL
FROM packet ORDER BY id
