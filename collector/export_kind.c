/* SPDX-License-Identifier: ISC */
/*
 * Which export protocol a UDP payload speaks: see export_kind.h. A version word
 * alone proves nothing in a capture (TFTP, STUN and DNS begin alike), so each
 * protocol has a test of its lengths here.
 */
#include "collector/export_kind.h"

#include <stdbool.h>

#include "schema/base/num.h"

/*
 * v1: 16 + 48 * count, at most 24 records. Some exporters send 52 bytes a
 * record: Cisco's table ends with pad bytes that were read in two ways.
 */
static bool
is_netflow1(const uint8_t *p, size_t len)
{
	size_t count;

	if (len < 16)
		return false;
	count = get_be16(p + 2);
	return count >= 1 && count <= 24 &&
	       (len == 16 + count * 48 || len == 16 + count * 52);
}

/* v7: 24 + 52 * count, at most 28 records, padded by less than a record. */
static bool
is_netflow7(const uint8_t *p, size_t len)
{
	size_t count, need;

	if (len < 24)
		return false;
	count = get_be16(p + 2);
	need = 24 + count * 52;
	return count >= 1 && count <= 28 && len >= need && len < need + 52;
}

/* v8: a 28-byte header that names one of 14 aggregations in its version 2,
 * then records of one length, which is 28 to 44 by aggregation. */
static bool
is_netflow8(const uint8_t *p, size_t len)
{
	size_t count, record;

	if (len < 28)
		return false;
	count = get_be16(p + 2);
	if (count == 0 || (len - 28) % count != 0)
		return false;
	record = (len - 28) / count;
	return p[22] >= 1 && p[22] <= 14 && p[23] == 2 && record >= 28 &&
	       record <= 44;
}

/*
 * The sets of v9 and IPFIX: id, length with these four bytes, content. Ids
 * below 256 are templates, of which each protocol has two. True when one or
 * more sets fill p up to padding of less than a set's header.
 */
static bool
are_sets(const uint8_t *p, size_t len, unsigned template_id)
{
	size_t at = 0;

	while (len - at >= 4) {
		unsigned id = get_be16(p + at);
		size_t set_len = get_be16(p + at + 2);

		if (id < 256 && id != template_id && id != template_id + 1)
			return false;
		if (set_len < 4 || set_len > len - at)
			return false;
		at += set_len;
	}
	return at > 0;
}

static bool
is_netflow9(const uint8_t *p, size_t len)
{
	return len >= 20 && get_be16(p + 2) >= 1 &&
	       are_sets(p + 20, len - 20, 0);
}

static bool
is_ipfix(const uint8_t *p, size_t len)
{
	size_t message_len;

	if (len < 16)
		return false;
	message_len = get_be16(p + 2);
	return message_len >= 16 && message_len <= len &&
	       are_sets(p + 16, message_len - 16, 2);
}

/* sFlow: the agent's address (1: IPv4, 2: IPv6), sub agent, sequence, uptime,
 * number of samples; then each sample as type, length, content. */
static bool
is_sflow5(const uint8_t *p, size_t len)
{
	uint32_t agent, n_samples;
	size_t at;

	if (len < 8)
		return false;
	agent = get_be32(p + 4);
	at = 8 + (agent == 1 ? 4u : 16u) + 12;
	if ((agent != 1 && agent != 2) || len < at + 4)
		return false;
	n_samples = get_be32(p + at);
	at += 4;
	for (; n_samples > 0; n_samples--) {
		if (len - at < 8 || get_be32(p + at + 4) > len - at - 8)
			return false;
		at += 8 + get_be32(p + at + 4);
	}
	return true;
}

static const struct {
	const char *name;
	uint16_t version;
	bool (*fits)(const uint8_t *p, size_t len);
} kinds[N_EXPORT_KINDS] = {
    [EXPORT_NETFLOW5] = {"NetFlow v5", 5, NULL},
    [EXPORT_NETFLOW1] = {"NetFlow v1", 1, is_netflow1},
    [EXPORT_NETFLOW7] = {"NetFlow v7", 7, is_netflow7},
    [EXPORT_NETFLOW8] = {"NetFlow v8", 8, is_netflow8},
    [EXPORT_NETFLOW9] = {"NetFlow v9", 9, is_netflow9},
    [EXPORT_IPFIX] = {"IPFIX", 10, is_ipfix},
    [EXPORT_SFLOW5] = {"sFlow v5", 0, is_sflow5},
    [EXPORT_UNKNOWN] = {"unknown", 0, NULL},
};

enum export_kind
export_kind(const uint8_t *payload, size_t len)
{
	unsigned version;

	if (len < 2)
		return EXPORT_UNKNOWN;
	version = get_be16(payload);
	if (version == 5)
		return EXPORT_NETFLOW5;
	/* sFlow's version is a word of 32 bits: its first half is 0. */
	if (version == 0 && (len < 4 || get_be32(payload) != 5))
		return EXPORT_UNKNOWN;
	for (unsigned k = 0; k < EXPORT_UNKNOWN; k++)
		if (kinds[k].version == version && kinds[k].fits != NULL &&
		    kinds[k].fits(payload, len))
			return (enum export_kind)k;
	return EXPORT_UNKNOWN;
}

const char *
export_kind_name(enum export_kind kind)
{
	return kinds[kind].name;
}
