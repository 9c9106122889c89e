-- Shards of version 1 to version 2. Tables of flows stay as they are, whatever
-- their size: their segments are of layout 1. The views are made anew behind
-- this, in the same transaction.

-- :name migrate_shard_2
ALTER TABLE segment ADD COLUMN layout INTEGER NOT NULL DEFAULT 1;
ALTER TABLE segment ADD COLUMN in_address INTEGER NOT NULL DEFAULT 0;
CREATE TABLE address (
	-- Which addresses occur in the flows, as source or destination: see
	-- schema/address.h. Without rows nothing is known.
	block INTEGER PRIMARY KEY,
	bits BLOB NOT NULL
) STRICT;
