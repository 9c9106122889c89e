-- Shards of version 2 to version 3: exporters that are refused, and relays.

-- :name migrate_shard_3
ALTER TABLE minute ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE collector_minute
    ADD COLUMN not_configured INTEGER NOT NULL DEFAULT 0;
ALTER TABLE collector_minute ADD COLUMN no_room INTEGER NOT NULL DEFAULT 0;
CREATE TABLE relay_minute (
	-- Datagrams that were sent on to other collectors in a minute.
	minute_ms INTEGER NOT NULL,
	target TEXT NOT NULL, -- ADDR:PORT
	datagrams INTEGER NOT NULL, -- sent
	dropped INTEGER NOT NULL, -- that could not be sent
	PRIMARY KEY (minute_ms, target)
) STRICT, WITHOUT ROWID;
