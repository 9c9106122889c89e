-- The catalog of version 1 to version 2. All rows are made anew from the shards.

-- :name migrate_catalog_2
DELETE FROM shard;
ALTER TABLE shard ADD COLUMN n_address_blocks INTEGER NOT NULL DEFAULT 0;
CREATE TABLE address (
	-- Table address of each shard, as of its mtime_ns.
	day INTEGER NOT NULL,
	mtime_ns INTEGER NOT NULL,
	block INTEGER NOT NULL,
	bits BLOB NOT NULL,
	PRIMARY KEY (day, mtime_ns, block)
) STRICT, WITHOUT ROWID;
