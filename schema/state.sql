-- The versions of DIR/state.db: see schema/state.c.

-- :name state_1
CREATE TABLE value_group (
	-- Values under a name, for filter words: src=@servers.
	name TEXT PRIMARY KEY COLLATE NOCASE, -- without the @
	value_list TEXT NOT NULL, -- as in a word: 10.0.0.0/8,-10.1.0.0/16
	comment TEXT NOT NULL,
	changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE saved_filter (
	-- Filter words under a name: weir report @NAME.
	name TEXT PRIMARY KEY COLLATE NOCASE, -- without the @
	words TEXT NOT NULL, -- blank between them
	comment TEXT NOT NULL,
	changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- :name state_2
CREATE TABLE tracking (
	-- A filter whose traffic is written to DIR/rrd/ID.rrd as time goes by.
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
	name TEXT NOT NULL COLLATE NOCASE,
	load TEXT NOT NULL, -- bps, pps, fps, active
	layout TEXT NOT NULL, -- of the file: flowtracker, long
	filter TEXT NOT NULL, -- words, without a span
	scale TEXT NOT NULL, -- as in scale=, '' for none
	late INTEGER NOT NULL, -- last periods that are counted anew each time
	comment TEXT NOT NULL,
	status TEXT NOT NULL, -- active, archived, removed
	created_ms INTEGER NOT NULL,
	changed_ms INTEGER NOT NULL, -- filter, name, comment or status
	start_s INTEGER NOT NULL, -- where its first period begins
	done_s INTEGER NOT NULL -- where the last one that is in ended
) STRICT;
CREATE UNIQUE INDEX tracking_name ON tracking (name)
WHERE status <> 'removed';

CREATE TABLE tracking_change (
	-- What became of a tracking.
	id INTEGER PRIMARY KEY,
	tracking_id INTEGER NOT NULL REFERENCES tracking ON DELETE CASCADE,
	changed_ms INTEGER NOT NULL,
	at_s INTEGER NOT NULL, -- the period that it begins to count with
	who TEXT NOT NULL,
	what TEXT NOT NULL, -- created, revised, renamed, archived, ...
	old TEXT NOT NULL, -- filter or name
	new TEXT NOT NULL,
	comment TEXT NOT NULL,
	mark INTEGER NOT NULL -- 1: graphs show it
) STRICT;
CREATE INDEX tracking_change_of ON tracking_change (tracking_id);

CREATE TABLE tracking_group (
	-- Trackings of one unit, drawn on one graph.
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE COLLATE NOCASE,
	comment TEXT NOT NULL,
	changed_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE tracking_member (
	group_id INTEGER NOT NULL REFERENCES tracking_group ON DELETE CASCADE,
	side INTEGER NOT NULL, -- 0 above the axis, 1 below
	position INTEGER NOT NULL, -- from the axis outwards
	tracking_id INTEGER NOT NULL REFERENCES tracking ON DELETE CASCADE,
	color TEXT NOT NULL, -- #RRGGBB, '' for the next one of the palette
	PRIMARY KEY (group_id, tracking_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tracking_member_of ON tracking_member (tracking_id);

-- :name state_3
CREATE TABLE alert_rule (
	-- When the values of a tracking are an alarm, and how it stands.
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
	tracking_id INTEGER NOT NULL REFERENCES tracking ON DELETE CASCADE,
	kind TEXT NOT NULL, -- above, below, sigma, weeks, no-data
	threshold REAL NOT NULL,
	readings INTEGER NOT NULL,
	k REAL NOT NULL,
	in_a_row INTEGER NOT NULL,
	hold_s INTEGER NOT NULL,
	recovery INTEGER NOT NULL,
	quiet_from INTEGER NOT NULL, -- minutes of the local day
	quiet_to INTEGER NOT NULL,
	target TEXT NOT NULL, -- commas between: where messages go
	comment TEXT NOT NULL,
	changed_ms INTEGER NOT NULL,
	done_s INTEGER NOT NULL, -- end of the last period it has seen
	spoken INTEGER NOT NULL DEFAULT 0,
	n_misses INTEGER NOT NULL DEFAULT 0,
	first_miss_s INTEGER NOT NULL DEFAULT 0,
	last_miss_s INTEGER NOT NULL DEFAULT 0,
	last_message_s INTEGER NOT NULL DEFAULT 0,
	worst REAL NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX alert_rule_of ON alert_rule (tracking_id);

CREATE TABLE alert_log (
	-- What rules said; stays when they are gone.
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	rule_id INTEGER NOT NULL,
	tracking_id INTEGER NOT NULL,
	name TEXT NOT NULL, -- of the tracking, then
	load TEXT NOT NULL,
	filter TEXT NOT NULL, -- of the tracking, then
	rule TEXT NOT NULL, -- in words
	kind TEXT NOT NULL, -- fired, recovered, test
	end_s INTEGER NOT NULL, -- of the period
	value REAL, -- NULL: not known
	limit_value REAL, -- NULL: there is none
	n_misses INTEGER NOT NULL,
	first_miss_s INTEGER NOT NULL,
	worst REAL,
	noted_ms INTEGER NOT NULL,
	acked_ms INTEGER, -- NULL: nobody did yet
	acked_by TEXT
) STRICT;
CREATE INDEX alert_log_of ON alert_log (tracking_id);

CREATE TABLE alert_outbox (
	-- Messages on their way; rows go when they are delivered.
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	log_id INTEGER NOT NULL REFERENCES alert_log ON DELETE CASCADE,
	target TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	next_ms INTEGER NOT NULL, -- not before then
	delivered_ms INTEGER, -- NULL: not yet
	failed TEXT -- why; NULL while there is hope
) STRICT;
CREATE INDEX alert_outbox_of ON alert_outbox (log_id);
