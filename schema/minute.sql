-- The statements of schema/minute.c; the tables are in shard.sql.

-- :name add_minute
INSERT INTO minute VALUES (:minute_ms, :exporter, :engine_type, :engine_id,
    :datagrams, :flows, :packets, :octets, :padded, :lost, :late, :duplicates,
    :duplicate_flows, :restarts, :malformed, :foreign,
    :last_ms, iif(:datagrams > 0, :clock_skew_ms, NULL),
    iif(:datagrams > 0, :uptime_ms, NULL),
    iif(:datagrams > 0, :sampling, NULL), :refused)
ON CONFLICT DO UPDATE SET
    datagrams = datagrams + excluded.datagrams,
    flows = flows + excluded.flows,
    packets = packets + excluded.packets,
    octets = octets + excluded.octets,
    padded = padded + excluded.padded,
    lost = lost + excluded.lost,
    late = late + excluded.late,
    duplicates = duplicates + excluded.duplicates,
    duplicate_flows = duplicate_flows + excluded.duplicate_flows,
    restarts = restarts + excluded.restarts,
    malformed = malformed + excluded.malformed,
    "foreign" = "foreign" + excluded."foreign",
    refused = refused + excluded.refused,
    last_ms = max(last_ms, excluded.last_ms),
    clock_skew_ms = coalesce(excluded.clock_skew_ms, clock_skew_ms),
    uptime_ms = coalesce(excluded.uptime_ms, uptime_ms),
    sampling = coalesce(excluded.sampling, sampling)

-- :name add_collector_minute
INSERT INTO collector_minute VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    queue_dropped_datagrams =
	queue_dropped_datagrams + excluded.queue_dropped_datagrams,
    queue_dropped_flows = queue_dropped_flows + excluded.queue_dropped_flows,
    kernel_dropped = kernel_dropped + excluded.kernel_dropped,
    queue_high_water = max(queue_high_water, excluded.queue_high_water),
    malformed_short = malformed_short + excluded.malformed_short,
    malformed_count = malformed_count + excluded.malformed_count,
    netflow1 = netflow1 + excluded.netflow1,
    netflow7 = netflow7 + excluded.netflow7,
    netflow8 = netflow8 + excluded.netflow8,
    netflow9 = netflow9 + excluded.netflow9,
    ipfix = ipfix + excluded.ipfix,
    sflow5 = sflow5 + excluded.sflow5,
    unknown = unknown + excluded.unknown,
    not_configured = not_configured + excluded.not_configured,
    no_room = no_room + excluded.no_room

-- Columns beside max() are of the row that has the maximum: SQLite's SELECT
-- page, "Bare columns in an aggregate query".
-- :name sum_minutes
SELECT exporter, engine_type, engine_id, sum(datagrams), sum(flows),
    sum(packets), sum(octets), sum(padded), sum(lost), sum(late),
    sum(duplicates), sum(duplicate_flows), sum(restarts), sum(malformed),
    sum("foreign"), sum(refused), max(last_ms), clock_skew_ms, uptime_ms,
    sampling
FROM minute WHERE minute_ms >= :from_ms AND minute_ms < :to_ms
GROUP BY exporter, engine_type, engine_id

-- The same of a shard before version 3.
-- :name sum_minutes_2
SELECT exporter, engine_type, engine_id, sum(datagrams), sum(flows),
    sum(packets), sum(octets), sum(padded), sum(lost), sum(late),
    sum(duplicates), sum(duplicate_flows), sum(restarts), sum(malformed),
    sum("foreign"), 0, max(last_ms), clock_skew_ms, uptime_ms,
    sampling
FROM minute WHERE minute_ms >= :from_ms AND minute_ms < :to_ms
GROUP BY exporter, engine_type, engine_id

-- :name sum_collector_minutes
SELECT coalesce(sum(queue_dropped_datagrams), 0),
    coalesce(sum(queue_dropped_flows), 0), coalesce(sum(kernel_dropped), 0),
    coalesce(max(queue_high_water), 0), coalesce(sum(malformed_short), 0),
    coalesce(sum(malformed_count), 0), coalesce(sum(netflow1), 0),
    coalesce(sum(netflow7), 0), coalesce(sum(netflow8), 0),
    coalesce(sum(netflow9), 0), coalesce(sum(ipfix), 0),
    coalesce(sum(sflow5), 0), coalesce(sum(unknown), 0),
    coalesce(sum(not_configured), 0), coalesce(sum(no_room), 0)
FROM collector_minute WHERE minute_ms >= :from_ms AND minute_ms < :to_ms

-- The same of a shard before version 3.
-- :name sum_collector_minutes_2
SELECT coalesce(sum(queue_dropped_datagrams), 0),
    coalesce(sum(queue_dropped_flows), 0), coalesce(sum(kernel_dropped), 0),
    coalesce(max(queue_high_water), 0), coalesce(sum(malformed_short), 0),
    coalesce(sum(malformed_count), 0), coalesce(sum(netflow1), 0),
    coalesce(sum(netflow7), 0), coalesce(sum(netflow8), 0),
    coalesce(sum(netflow9), 0), coalesce(sum(ipfix), 0),
    coalesce(sum(sflow5), 0), coalesce(sum(unknown), 0),
    0, 0
FROM collector_minute WHERE minute_ms >= :from_ms AND minute_ms < :to_ms

-- :name add_relay_minute
INSERT INTO relay_minute
VALUES (:minute_ms, :target, :datagrams, :dropped)
ON CONFLICT DO UPDATE SET
    datagrams = datagrams + excluded.datagrams,
    dropped = dropped + excluded.dropped

-- :name sum_relay_minutes
SELECT target, sum(datagrams), sum(dropped)
FROM relay_minute WHERE minute_ms >= :from_ms AND minute_ms < :to_ms
GROUP BY target ORDER BY target

-- What each minute holds that has anything at all.
-- :name each_minute
SELECT minute_ms, sum(received), sum(lost) FROM (
    SELECT minute_ms, flows - duplicate_flows AS received, lost FROM minute
    WHERE minute_ms >= :from_ms AND minute_ms < :to_ms
    UNION ALL
    SELECT minute_ms, 0, 0 FROM collector_minute
    WHERE minute_ms >= :from_ms AND minute_ms < :to_ms)
GROUP BY minute_ms ORDER BY minute_ms

-- :name has_minutes
SELECT EXISTS (SELECT 1 FROM minute) OR EXISTS (SELECT 1 FROM collector_minute)
