/* SPDX-License-Identifier: ISC */
/* The table of keys: see keys.h. */
#include "report/keys.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/protocol.h"

static const struct report_key keys[] = {
    {"src", COL_SRC_ADDR, "Source", NULL},
    {"dst", COL_DST_ADDR, "Destination", NULL},
    {"sport", COL_SRC_PORT, "Src port", NULL},
    {"dport", COL_DST_PORT, "Dst port", NULL},
    {"proto", COL_PROTOCOL, "Protocol", protocol_name},
    {"flags", COL_TCP_FLAGS, "Flags", NULL},
    {"tos", COL_TOS, "TOS", NULL},
    {"in_if", COL_INPUT_IF, "In if", NULL},
    {"out_if", COL_OUTPUT_IF, "Out if", NULL},
    {"src_as", COL_SRC_AS, "Src AS", NULL},
    {"dst_as", COL_DST_AS, "Dst AS", NULL},
    {"next_hop", COL_NEXT_HOP, "Next hop", NULL},
    {"exporter", COL_EXPORTER, "Exporter", NULL},
};

static_assert(ARRAY_LEN(keys) <= REPORT_MAX_KEYS, "all keys at once");

void
report_keys_list(struct buf *text)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		buf_printf(text, "%s%s", i > 0 ? " " : "", keys[i].name);
}

int
report_keys_refuse(struct err *err, const char *complaint)
{
	struct buf known;

	buf_init(&known, 400);
	report_keys_list(&known);
	err_set(err, ERR_USAGE, "%s: keys are %s", complaint, buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

static int
refuse_key(struct err *err, const char *name, size_t len)
{
	char complaint[100];

	snprintf(complaint, sizeof complaint, "unknown key \"%.*s\"",
	    len < 60 ? (int)len : 60, name);
	return report_keys_refuse(err, complaint);
}

static const struct report_key *
find_key(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strlen(keys[i].name) == len &&
		    memcmp(keys[i].name, name, len) == 0)
			return &keys[i];
	return NULL;
}

static int
add_key(struct report_keys *to, const char *name, size_t len, struct err *err)
{
	const struct report_key *key = find_key(name, len);

	if (key == NULL)
		return refuse_key(err, name, len);
	for (size_t i = 0; i < to->n; i++)
		if (to->key[i] == key)
			return err_set(err, ERR_USAGE,
			    "key \"%s\" is given twice", key->name);
	to->key[to->n++] = key;
	return 0;
}

int
report_keys_add(struct report_keys *to, const char *list, struct err *err)
{
	for (;;) {
		size_t len = strcspn(list, ",");
		int rc = add_key(to, list, len, err);

		if (rc != 0 || list[len] == '\0')
			return rc;
		list += len + 1;
	}
}
