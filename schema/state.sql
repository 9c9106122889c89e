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
