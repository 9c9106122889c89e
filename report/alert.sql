-- The statements of report/alert.c; the tables are in schema/state.sql.

-- :name select_alert_rules
SELECT r.id, r.tracking_id, r.kind, r.threshold, r.readings, r.k, r.in_a_row,
    r.hold_s, r.recovery, r.quiet_from, r.quiet_to, r.target, r.comment,
    r.changed_ms, r.done_s, r.spoken, r.n_misses, r.first_miss_s,
    r.last_miss_s, r.last_message_s, r.worst
FROM alert_rule AS r JOIN tracking AS t ON t.id = r.tracking_id
WHERE t.status <> 'removed'
ORDER BY r.tracking_id, r.id

-- :name insert_alert_rule
INSERT INTO alert_rule (tracking_id, kind, threshold, readings, k, in_a_row,
    hold_s, recovery, quiet_from, quiet_to, target, comment, changed_ms,
    done_s)
VALUES (:tracking_id, :kind, :threshold, :readings, :k, :in_a_row, :hold_s,
    :recovery, :quiet_from, :quiet_to, :target, :comment, :changed_ms, :done_s)

-- :name update_alert_state
UPDATE alert_rule SET done_s = :done_s, spoken = :spoken,
    n_misses = :n_misses, first_miss_s = :first_miss_s,
    last_miss_s = :last_miss_s, last_message_s = :last_message_s,
    worst = :worst
WHERE id = :id

-- :name reset_alert_state
UPDATE alert_rule SET spoken = 0, n_misses = 0, first_miss_s = 0,
    last_miss_s = 0, last_message_s = 0, worst = 0
WHERE tracking_id = :tracking_id

-- :name delete_alert_rule
DELETE FROM alert_rule WHERE id = :id

-- :name insert_alert_log
INSERT INTO alert_log (rule_id, tracking_id, name, load, filter, rule, kind,
    end_s, value, limit_value, n_misses, first_miss_s, worst, noted_ms)
VALUES (:rule_id, :tracking_id, :name, :load, :filter, :rule, :kind, :end_s,
    :value, :limit_value, :n_misses, :first_miss_s, :worst, :noted_ms)

-- :name select_alert_log
SELECT l.id, l.rule_id, l.tracking_id, l.name, l.load, l.filter, l.rule,
    l.kind, l.end_s, l.value, l.limit_value, l.n_misses, l.first_miss_s,
    l.worst, l.noted_ms, l.acked_ms, l.acked_by,
    count(o.id) FILTER (WHERE o.delivered_ms IS NOT NULL),
    count(o.id) FILTER (WHERE o.delivered_ms IS NULL AND o.failed IS NULL),
    count(o.id) FILTER (WHERE o.failed IS NOT NULL),
    max(coalesce(o.failed, ''))
FROM alert_log AS l LEFT JOIN alert_outbox AS o ON o.log_id = l.id
WHERE (:tracking_id = 0 OR l.tracking_id = :tracking_id)
    AND l.end_s > :from_s AND l.end_s <= :to_s
    AND (:id = 0 OR l.id = :id)
GROUP BY l.id ORDER BY l.id

-- :name acknowledge_alert
UPDATE alert_log SET acked_ms = :acked_ms, acked_by = :acked_by
WHERE acked_ms IS NULL AND (:id = 0 OR id = :id)

-- :name insert_alert_outbox
INSERT INTO alert_outbox (log_id, target, attempts, next_ms)
VALUES (:log_id, :target, 0, :next_ms)

-- :name select_alert_outbox
SELECT id, log_id, target, attempts, next_ms FROM alert_outbox
WHERE delivered_ms IS NULL AND failed IS NULL AND next_ms <= :now_ms
ORDER BY id LIMIT 100

-- :name update_alert_outbox
UPDATE alert_outbox SET attempts = attempts + 1, next_ms = :next_ms,
    delivered_ms = :delivered_ms, failed = :failed
WHERE id = :id
