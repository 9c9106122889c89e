-- The statements of query/saved.c; the tables are in schema/state.sql.

-- :name select_group
SELECT name, value_list, comment, changed_ms FROM value_group
WHERE name = :name

-- :name select_filter
SELECT name, words, comment, changed_ms FROM saved_filter WHERE name = :name

-- :name select_groups
SELECT name, value_list, comment, changed_ms FROM value_group ORDER BY name

-- :name select_filters
SELECT name, words, comment, changed_ms FROM saved_filter ORDER BY name

-- :name upsert_group
INSERT INTO value_group (name, value_list, comment, changed_ms)
VALUES (:name, :text, :comment, :changed_ms)
ON CONFLICT (name) DO UPDATE SET name = excluded.name,
    value_list = excluded.value_list, comment = excluded.comment,
    changed_ms = excluded.changed_ms

-- :name upsert_filter
INSERT INTO saved_filter (name, words, comment, changed_ms)
VALUES (:name, :text, :comment, :changed_ms)
ON CONFLICT (name) DO UPDATE SET name = excluded.name,
    words = excluded.words, comment = excluded.comment,
    changed_ms = excluded.changed_ms

-- :name delete_group
DELETE FROM value_group WHERE name = :name

-- :name delete_filter
DELETE FROM saved_filter WHERE name = :name
