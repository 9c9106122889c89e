-- The statements of schema/catalog.c.

-- :name create_catalog
CREATE TABLE shard (
	-- Bounds of the flows of each finished shard, to leave it out of a
	-- query without opening it. Nothing is lost with this file: it is made
	-- again from the shards. A row counts while bytes and mtime_ns are
	-- those of the file.
	day INTEGER PRIMARY KEY, -- days since the epoch, UTC: its name
	bytes INTEGER NOT NULL,
	mtime_ns INTEGER NOT NULL,
	n_segments INTEGER NOT NULL, -- that hold flows
	n_flows INTEGER NOT NULL,
	min_start_ms INTEGER NOT NULL, -- all bounds 0 without flows
	max_start_ms INTEGER NOT NULL,
	min_end_ms INTEGER NOT NULL,
	max_end_ms INTEGER NOT NULL,
	max_duration_ms INTEGER NOT NULL,
	n_address_blocks INTEGER NOT NULL DEFAULT 0 -- 0: nothing is known
) STRICT;

CREATE TABLE address (
	-- Table address of each shard, as of its mtime_ns.
	day INTEGER NOT NULL,
	mtime_ns INTEGER NOT NULL,
	block INTEGER NOT NULL,
	bits BLOB NOT NULL,
	PRIMARY KEY (day, mtime_ns, block)
) STRICT, WITHOUT ROWID;

-- :name select_catalog
SELECT day, bytes, mtime_ns, n_segments, n_flows, min_start_ms, max_start_ms,
    min_end_ms, max_end_ms, max_duration_ms, n_address_blocks
FROM shard ORDER BY day

-- The same of a catalog of version 1.
-- :name select_catalog_1
SELECT day, bytes, mtime_ns, n_segments, n_flows, min_start_ms, max_start_ms,
    min_end_ms, max_end_ms, max_duration_ms, 0
FROM shard ORDER BY day

-- :name replace_catalog
INSERT OR REPLACE INTO shard (day, bytes, mtime_ns, n_segments, n_flows,
    min_start_ms, max_start_ms, min_end_ms, max_end_ms, max_duration_ms,
    n_address_blocks)
VALUES (:day, :bytes, :mtime_ns, :n_segments, :n_flows,
    :min_start_ms, :max_start_ms, :min_end_ms, :max_end_ms, :max_duration_ms,
    :n_address_blocks)

-- :name delete_catalog
DELETE FROM shard WHERE day = :day

-- :name insert_catalog_address
INSERT INTO address (block, bits, day, mtime_ns)
VALUES (?, ?, :day, :mtime_ns)

-- :name select_catalog_address
SELECT bits FROM address
WHERE day = :day AND mtime_ns = :mtime_ns AND block = :block

-- :name delete_catalog_address
DELETE FROM address WHERE day = :day
