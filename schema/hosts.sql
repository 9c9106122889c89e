-- The statements of schema/hosts.c.

-- :name create_hosts
CREATE TABLE IF NOT EXISTS host (
	-- What the DNS said last of an address. This file may be deleted at
	-- any time: what is missing is asked again.
	address TEXT PRIMARY KEY,
	name TEXT, -- NULL: it has none, or nobody answered
	expires_ms INTEGER NOT NULL -- our clock
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS host_expires_ms ON host (expires_ms);

-- :name select_host
SELECT name IS NOT NULL, name FROM host
WHERE address = :address AND expires_ms > :now_ms

-- :name put_host
INSERT OR REPLACE INTO host (address, name, expires_ms)
VALUES (:address, :name, :expires_ms)

-- :name expire_hosts
DELETE FROM host WHERE expires_ms <= :now_ms

-- :name shrink_hosts
DELETE FROM host WHERE address IN (
	SELECT address FROM host ORDER BY expires_ms
	LIMIT max(0, (SELECT count(*) FROM host) - :max))
