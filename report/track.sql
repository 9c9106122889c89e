-- The statements of report/track.c; the tables are in schema/state.sql.

-- :name select_trackings
SELECT id, name, load, layout, filter, scale, late, comment, status,
    created_ms, changed_ms, start_s, done_s
FROM tracking ORDER BY name, id

-- :name insert_tracking
INSERT INTO tracking (name, load, layout, filter, scale, late, comment,
    status, created_ms, changed_ms, start_s, done_s)
VALUES (:name, :load, :layout, :filter, :scale, :late, :comment,
    'active', :changed_ms, :changed_ms, :start_s, :done_s)

-- :name update_tracking
UPDATE tracking SET name = :name, filter = :filter, scale = :scale,
    late = :late, comment = :comment, status = :status,
    changed_ms = :changed_ms
WHERE id = :id

-- :name update_tracking_done
UPDATE tracking SET done_s = :done_s WHERE id = :id

-- :name update_tracking_start
UPDATE tracking SET start_s = :start_s, done_s = :done_s WHERE id = :id

-- :name delete_tracking
DELETE FROM tracking WHERE id = :id

-- :name insert_tracking_change
INSERT INTO tracking_change (tracking_id, changed_ms, at_s, who, what, old,
    new, comment, mark)
VALUES (:tracking_id, :changed_ms, :at_s, :who, :what, :old, :new, :comment,
    :mark)

-- :name select_tracking_changes
SELECT changed_ms, at_s, who, what, old, new, comment, mark
FROM tracking_change WHERE tracking_id = :tracking_id ORDER BY id

-- :name select_tracking_groups
SELECT id, name, comment, changed_ms FROM tracking_group ORDER BY name

-- :name select_tracking_members
SELECT tracking_id, side, color FROM tracking_member
WHERE group_id = :group_id ORDER BY side, position

-- :name insert_tracking_group
INSERT INTO tracking_group (name, comment, changed_ms)
VALUES (:name, :comment, :changed_ms)

-- :name update_tracking_group
UPDATE tracking_group SET name = :name, comment = :comment,
    changed_ms = :changed_ms
WHERE id = :id

-- :name delete_tracking_group
DELETE FROM tracking_group WHERE id = :id

-- :name delete_tracking_members
DELETE FROM tracking_member WHERE group_id = :group_id

-- :name insert_tracking_member
INSERT INTO tracking_member (group_id, side, position, tracking_id, color)
VALUES (:group_id, :side, :position, :tracking_id, :color)
