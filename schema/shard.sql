-- The statements of schema/shard.c. Comments inside CREATE statements stay in
-- the database file, for whoever opens it with another tool.

-- :name create_shard
CREATE TABLE source (
	-- Who exports: one row for each combination seen in datagram headers.
	id INTEGER PRIMARY KEY,
	exporter TEXT NOT NULL, -- address the datagrams came from
	engine_type INTEGER NOT NULL,
	engine_id INTEGER NOT NULL,
	sampling INTEGER NOT NULL, -- the header's word: mode << 14 | interval
	UNIQUE (exporter, engine_type, engine_id, sampling)
) STRICT;

CREATE TABLE segment (
	-- One row for each table flow_NNNN. Bounds are of its rows, epoch ms,
	-- kept up to date with every commit; NULL while it is empty.
	id INTEGER PRIMARY KEY,
	sealed INTEGER NOT NULL DEFAULT 0, -- 1: all its indexes are there
	n_flows INTEGER NOT NULL DEFAULT 0,
	min_start_ms INTEGER,
	max_start_ms INTEGER,
	min_end_ms INTEGER,
	max_end_ms INTEGER,
	max_duration_ms INTEGER, -- end_ms < T + this, when start_ms < T
	layout INTEGER NOT NULL DEFAULT 1, -- of the table's columns: 1 or 2
	in_address INTEGER NOT NULL DEFAULT 0 -- 1: table address knows it
) STRICT;

CREATE TABLE address (
	-- Which addresses occur in the flows, as source or destination: see
	-- schema/address.h. Without rows nothing is known.
	block INTEGER PRIMARY KEY,
	bits BLOB NOT NULL
) STRICT;

CREATE TABLE packet (
	-- The header of each datagram. Its flows are the n_flows rows of
	-- table flow_NNNN (NNNN is segment_id) from id first_flow_id on.
	id INTEGER PRIMARY KEY,
	segment_id INTEGER NOT NULL,
	first_flow_id INTEGER NOT NULL,
	n_flows INTEGER NOT NULL,
	source_id INTEGER NOT NULL,
	received_ms INTEGER NOT NULL, -- our clock
	unix_secs INTEGER NOT NULL, -- exporter's clock
	unix_nsecs INTEGER NOT NULL,
	uptime_ms INTEGER NOT NULL,
	sequence INTEGER -- NULL: not known, from a flow-tools file
) STRICT;

CREATE TABLE minute (
	-- What each exporter's engine sent in a minute, and what its sequence
	-- numbers tell about loss. Counts of flows but for what is called
	-- datagrams. lost and restarts may be below zero: a late datagram takes
	-- back what an earlier minute counted, so that sums are right.
	minute_ms INTEGER NOT NULL, -- start of the minute, our clock
	exporter TEXT NOT NULL, -- address, or 'others' past the maximum
	engine_type INTEGER NOT NULL,
	engine_id INTEGER NOT NULL,
	datagrams INTEGER NOT NULL, -- sound ones
	flows INTEGER NOT NULL,
	packets INTEGER NOT NULL,
	octets INTEGER NOT NULL,
	padded INTEGER NOT NULL, -- datagrams
	lost INTEGER NOT NULL,
	late INTEGER NOT NULL, -- datagrams
	duplicates INTEGER NOT NULL, -- datagrams
	duplicate_flows INTEGER NOT NULL,
	restarts INTEGER NOT NULL, -- times
	malformed INTEGER NOT NULL, -- datagrams; of the address, any engine
	"foreign" INTEGER NOT NULL, -- the same: of other protocols than v5
	last_ms INTEGER NOT NULL, -- when its last datagram arrived
	-- Of the last sound one; NULL when there was none:
	clock_skew_ms INTEGER, -- exporter's clock minus ours
	uptime_ms INTEGER,
	sampling INTEGER, -- the header's word: mode << 14 | interval
	refused INTEGER NOT NULL DEFAULT 0, -- datagrams, for whom they are from
	PRIMARY KEY (minute_ms, exporter, engine_type, engine_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE collector_minute (
	-- What the collector itself lost or refused in a minute, datagrams by
	-- kind. A minute without anything received has no row.
	minute_ms INTEGER PRIMARY KEY,
	queue_dropped_datagrams INTEGER NOT NULL, -- the writer was behind
	queue_dropped_flows INTEGER NOT NULL, -- in them
	kernel_dropped INTEGER NOT NULL, -- the sockets' buffers were full
	queue_high_water INTEGER NOT NULL, -- chunks waiting, at most
	malformed_short INTEGER NOT NULL,
	malformed_count INTEGER NOT NULL,
	netflow1 INTEGER NOT NULL,
	netflow7 INTEGER NOT NULL,
	netflow8 INTEGER NOT NULL,
	netflow9 INTEGER NOT NULL,
	ipfix INTEGER NOT NULL,
	sflow5 INTEGER NOT NULL,
	unknown INTEGER NOT NULL,
	-- of exporters that must be configured, and are not:
	not_configured INTEGER NOT NULL DEFAULT 0,
	no_room INTEGER NOT NULL DEFAULT 0 -- of more exporters than may be
) STRICT;

CREATE TABLE relay_minute (
	-- Datagrams that were sent on to other collectors in a minute.
	minute_ms INTEGER NOT NULL,
	target TEXT NOT NULL, -- ADDR:PORT
	datagrams INTEGER NOT NULL, -- sent
	dropped INTEGER NOT NULL, -- that could not be sent
	PRIMARY KEY (minute_ms, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE import (
	-- How much of each imported file is in: of its sound datagrams, in
	-- order, all of this day up to number n_datagrams. Committed with
	-- their flows, so that an interrupted import goes on where it was.
	key TEXT PRIMARY KEY, -- content and time, see imports.db
	n_datagrams INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- :name create_segment
CREATE TABLE flow_NNNN (
	-- Flows in order of arrival. Addresses are IPv4 as integers, times
	-- epoch milliseconds UTC, counters as sent (not scaled by sampling).
	-- View flows has all as plain columns.
	id INTEGER PRIMARY KEY,
	src_addr INTEGER NOT NULL,
	dst_addr INTEGER NOT NULL,
	octets INTEGER NOT NULL,
	packets INTEGER NOT NULL,
	end_ms INTEGER NOT NULL,
	duration_ms INTEGER NOT NULL,
	src_port INTEGER NOT NULL,
	dst_port INTEGER NOT NULL,
	protocol INTEGER NOT NULL,
	tcp_flags INTEGER NOT NULL,
	source_id INTEGER NOT NULL,
	-- What is seldom asked for is packed, fewer columns being smaller and
	-- faster: next_hop << 32 | input_if << 16 | output_if
	route INTEGER NOT NULL,
	-- src_as << 45 | dst_as << 29 | src_mask << 21 | dst_mask << 13 |
	-- tos << 5 | quirks
	labels INTEGER NOT NULL,
	-- not stored, costs no room
	start_ms INTEGER GENERATED ALWAYS AS (end_ms - duration_ms) VIRTUAL
) STRICT;
INSERT INTO segment (id, layout) VALUES (CAST('NNNN' AS INTEGER), 2);

-- :name insert_flows
INSERT INTO flow_NNNN SELECT NULL, v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10,
    v11, v12
FROM give

-- :name insert_packet
INSERT INTO packet VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :name insert_source
INSERT INTO source (exporter, engine_type, engine_id, sampling)
VALUES (:exporter, :engine_type, :engine_id, :sampling)

-- :name select_import
SELECT n_datagrams FROM import WHERE key = :key

-- :name upsert_import
INSERT INTO import (key, n_datagrams) VALUES (:key, :n_datagrams)
ON CONFLICT (key) DO UPDATE SET n_datagrams = excluded.n_datagrams

-- :name select_sources
SELECT id, exporter, engine_type, engine_id, sampling FROM source ORDER BY id

-- :name select_segments
SELECT id, n_flows, min_start_ms, max_start_ms, min_end_ms, max_end_ms,
    max_duration_ms, sealed, layout, in_address
FROM segment ORDER BY id

-- The same of a shard of version 1.
-- :name select_segments_1
SELECT id, n_flows, min_start_ms, max_start_ms, min_end_ms, max_end_ms,
    max_duration_ms, sealed, 1, 0
FROM segment ORDER BY id

-- :name update_segment
UPDATE segment SET sealed = :sealed, n_flows = :n_flows,
    min_start_ms = :min_start_ms, max_start_ms = :max_start_ms,
    min_end_ms = :min_end_ms, max_end_ms = :max_end_ms,
    max_duration_ms = :max_duration_ms, in_address = :in_address
WHERE id = :id

-- :name count_segment
SELECT count(*), min(start_ms), max(start_ms), min(end_ms), max(end_ms),
    max(duration_ms)
FROM flow_NNNN

-- :name create_index
CREATE INDEX IF NOT EXISTS flow_NNNN_COLUMN ON flow_NNNN (COLUMN)

-- :name create_flows_text
DROP VIEW IF EXISTS flows_text;
CREATE VIEW flows_text AS
-- View flows for people: dotted addresses, ISO times in UTC, flag letters.
SELECT exporter, engine_type, engine_id, sampling,
    printf('%d.%d.%d.%d', src_addr >> 24, src_addr >> 16 & 255,
	src_addr >> 8 & 255, src_addr & 255) AS src_addr,
    printf('%d.%d.%d.%d', dst_addr >> 24, dst_addr >> 16 & 255,
	dst_addr >> 8 & 255, dst_addr & 255) AS dst_addr,
    printf('%d.%d.%d.%d', next_hop >> 24, next_hop >> 16 & 255,
	next_hop >> 8 & 255, next_hop & 255) AS next_hop,
    input_if, output_if, packets, octets,
    strftime('%Y-%m-%dT%H:%M:%fZ', start_ms / 1000.0, 'unixepoch')
	AS start_time,
    strftime('%Y-%m-%dT%H:%M:%fZ', end_ms / 1000.0, 'unixepoch')
	AS end_time,
    duration_ms, src_port, dst_port,
    substr('.C', 1 + (tcp_flags >> 7 & 1), 1) ||
    substr('.E', 1 + (tcp_flags >> 6 & 1), 1) ||
    substr('.U', 1 + (tcp_flags >> 5 & 1), 1) ||
    substr('.A', 1 + (tcp_flags >> 4 & 1), 1) ||
    substr('.P', 1 + (tcp_flags >> 3 & 1), 1) ||
    substr('.R', 1 + (tcp_flags >> 2 & 1), 1) ||
    substr('.S', 1 + (tcp_flags >> 1 & 1), 1) ||
    substr('.F', 1 + (tcp_flags & 1), 1) AS tcp_flags,
    protocol, tos, src_as, dst_as, src_mask, dst_mask,
    ltrim(iif(quirks & 1, '+start-after-end', '') ||
	iif(quirks & 2, '+end-after-export', '') ||
	iif(quirks & 4, '+uptime-wrapped', '') ||
	iif(quirks & 8, '+clock-absurd', '') ||
	iif(quirks & 16, '+duration-clamped', ''), '+') AS quirks
FROM flows;
