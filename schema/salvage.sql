-- The statements of schema/salvage.c.

-- :name select_columns
SELECT name FROM pragma_table_info(:table_name) ORDER BY cid

-- :name has_column
SELECT count(*) FROM pragma_table_info(:table_name) WHERE name = :name

-- :name select_last_flow_table
SELECT max(CAST(substr(name, 6) AS INTEGER)) FROM sqlite_schema
WHERE type = 'table' AND name GLOB 'flow_[0-9][0-9][0-9][0-9]'

-- :name select_small_tables
SELECT name FROM sqlite_schema WHERE type = 'table'
    AND name NOT IN ('packet', 'segment', 'address')
    AND name NOT GLOB 'flow_*' AND name NOT GLOB 'sqlite_*'

-- :name select_packets
SELECT id, first_flow_id, n_flows FROM packet WHERE segment_id = :segment_id

-- :name update_packet
UPDATE packet SET first_flow_id = :first_flow_id, n_flows = :n_flows
WHERE id = :id
