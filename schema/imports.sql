-- The statements of schema/imports.c.

-- :name create_imports
CREATE TABLE import (
	-- One row each time that a file is imported. Without this file a
	-- file that is in the store already is imported once more.
	id INTEGER PRIMARY KEY,
	sha256 TEXT NOT NULL, -- of the content
	path TEXT NOT NULL, -- as given
	began_ms INTEGER NOT NULL, -- our clock
	ended_ms INTEGER -- NULL: under way, or interrupted
) STRICT;
CREATE INDEX import_sha256 ON import (sha256);

-- :name select_import_run
SELECT id, began_ms, ended_ms FROM import
WHERE sha256 = :sha256 ORDER BY id DESC LIMIT 1

-- :name begin_import
INSERT INTO import (sha256, path, began_ms)
VALUES (:sha256, :path, :began_ms)

-- :name end_import
UPDATE import SET ended_ms = :ended_ms WHERE id = :id
