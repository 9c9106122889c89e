-- The statements of schema/check.c.

-- A segment whose rows are numbered 1 to n, with the bounds of its end that
-- its index knows. Read without reading all rows.
-- :name check_ends
SELECT (SELECT max(id) FROM flow_NNNN), (SELECT min(end_ms) FROM flow_NNNN),
    (SELECT max(end_ms) FROM flow_NNNN)

-- :name check_index
SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = :name

-- Segments without a table, or tables without a segment.
-- :name check_segments
SELECT count(*) FROM (
    SELECT printf('flow_%04d', id) AS name FROM segment
    UNION ALL
    SELECT name FROM sqlite_schema
    WHERE type = 'table' AND name GLOB 'flow_[0-9][0-9][0-9][0-9]'
) GROUP BY name HAVING count(*) != 2 LIMIT 1

-- Sources are numbered 1 to n.
-- :name check_sources
SELECT count(*) != coalesce(max(id), 0) FROM source

-- Datagrams whose flows are not there, or are another's as well.
-- :name bad_packets
SELECT id FROM (
    SELECT p.id, p.first_flow_id AS first, p.n_flows AS n, g.n_flows AS have,
	lag(p.first_flow_id + p.n_flows, 1, 1) OVER (
	    PARTITION BY p.segment_id ORDER BY p.first_flow_id, p.id) AS free
    FROM packet AS p LEFT JOIN segment AS g ON g.id = p.segment_id
) WHERE have IS NULL OR n < 1 OR first < free OR first + n - 1 > have

-- :name count_strays
SELECT count(*) FROM flow_NNNN
WHERE source_id NOT IN (SELECT id FROM source)
