/* SPDX-License-Identifier: ISC */
/* Functions for SQL: see sql_func.h. */
#include "query/sql_func.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query/ast.h"
#include "query/sql_env.h"
#include "query/sql_set.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/base/protocol.h"
#include "schema/base/when.h"

/* Milliseconds of the years 1000 to 9999: four digits. */
static const int64_t MIN_MS = INT64_C(-30610224000000);
static const int64_t MAX_MS = INT64_C(253402300799999);

enum { QUOTED_MAX = 60 }; /* characters of a value in an error */

/* ---- arguments ---- */

static void
fail(sqlite3_context *c, const char *text)
{
	sqlite3_result_error(c, text, -1);
}

/* The value is not what the function takes: say so. */
static void
refuse(sqlite3_context *c, const char *function, sqlite3_value *v,
    const char *want)
{
	bool quoted = sqlite3_value_type(v) == SQLITE_TEXT;
	const char *text = sqlite3_value_type(v) == SQLITE_BLOB
			       ? "a blob"
			       : (const char *)sqlite3_value_text(v);
	char *error =
	    xasprintf("%s(): %s%.*s%s is %s", function, quoted ? "'" : "",
		QUOTED_MAX, text != NULL ? text : "", quoted ? "'" : "", want);

	fail(c, error);
	free(error);
}

/* An integer of min to max; else the result is set, to NULL for NULL. */
static bool
take_int(sqlite3_context *c, const char *function, sqlite3_value *v,
    int64_t min, int64_t max, const char *want, int64_t *out)
{
	int type = sqlite3_value_numeric_type(v);

	if (type == SQLITE_NULL)
		return false;
	*out = sqlite3_value_int64(v);
	if (type == SQLITE_INTEGER && *out >= min && *out <= max)
		return true;
	refuse(c, function, v, want);
	return false;
}

/* Text; else the result is set. */
static const char *
take_text(sqlite3_context *c, const char *function, sqlite3_value *v,
    const char *want)
{
	if (sqlite3_value_type(v) == SQLITE_NULL)
		return NULL;
	if (sqlite3_value_type(v) == SQLITE_TEXT)
		return (const char *)sqlite3_value_text(v);
	refuse(c, function, v, want);
	return NULL;
}

static void
put_text(sqlite3_context *c, const char *text)
{
	sqlite3_result_text(c, text, -1, SQLITE_TRANSIENT);
}

/* ---- addresses ---- */

static const char want_ip4[] =
    "no IPv4 address as a number: want 0 to 4294967295";

static void
do_ip(sqlite3_context *c, int n, sqlite3_value **v)
{
	char text[ADDR_TEXT_LEN];
	int64_t ip4;

	(void)n;
	if (!take_int(c, "ip", v[0], 0, UINT32_MAX, want_ip4, &ip4))
		return;
	ip4_format((uint32_t)ip4, text);
	put_text(c, text);
}

static void
do_inet(sqlite3_context *c, int n, sqlite3_value **v)
{
	static const char want[] = "no IPv4 address: want 192.0.2.1";
	const char *text = take_text(c, "inet", v[0], want);
	struct prefix p;
	uint32_t lo, hi;

	(void)n;
	if (text == NULL)
		return;
	if (!addr_parse(text, &p.addr) || p.addr.family != 4) {
		refuse(c, "inet", v[0], want);
		return;
	}
	p.len = 32;
	prefix_ip4_range(&p, &lo, &hi);
	sqlite3_result_int64(c, lo);
}

/* ---- sets ---- */

/* A set, with its kind, as SQLite keeps it. */
struct kept {
	enum sql_set_kind kind;
	struct ast *set;
};

static void
free_kept(void *arg)
{
	struct kept *k = arg;

	ast_free(k->set);
	free(k);
}

/*
 * The set that argument 1 names, kept by SQLite as long as the argument is the
 * same; NULL: the result is set.
 */
static const struct ast *
take_set(sqlite3_context *c, const char *function, sqlite3_value *v,
    enum sql_set_kind kind)
{
	struct kept *k = sqlite3_get_auxdata(c, 1);
	const char *text;
	struct ast *set;
	struct err err;

	if (k != NULL && k->kind == kind)
		return k->set;
	text = take_text(c, function, v, "no text");
	if (text == NULL)
		return NULL;
	if (sql_set_read(kind, text, &set, &err) != 0) {
		fail(c, err.text);
		return NULL;
	}
	k = xcalloc(1, sizeof *k);
	*k = (struct kept){kind, set};
	sqlite3_set_auxdata(c, 1, k, free_kept);
	/* Without memory for it SQLite has let it go. */
	return sqlite3_get_auxdata(c, 1) == k ? set : NULL;
}

static void
is_text_in_net(sqlite3_context *c, sqlite3_value **v)
{
	const struct ast *set = take_set(c, "in_net", v[1], SET_EXPORTER);
	struct addr a;

	/* "others" of table minutes is no address and in no prefix. */
	if (set != NULL)
		sqlite3_result_int(
		    c, addr_parse((const char *)sqlite3_value_text(v[0]), &a) &&
			   ast_holds_exporter(set, &a));
}

void
sql_func_in_net(sqlite3_context *c, int n, sqlite3_value **v)
{
	const struct ast *set;
	int64_t ip4;

	(void)n;
	if (sqlite3_value_type(v[0]) == SQLITE_TEXT) {
		is_text_in_net(c, v);
		return;
	}
	set = take_set(c, "in_net", v[1], SET_IP4);
	if (set != NULL &&
	    take_int(c, "in_net", v[0], 0, UINT32_MAX,
		"no address: want a number of 0 to 4294967295, or text", &ip4))
		sqlite3_result_int(c, ast_holds(set, ip4));
}

static const char want_flags[] = "no TCP flags byte: want 0 to 255";

void
sql_func_flags_match(sqlite3_context *c, int n, sqlite3_value **v)
{
	const struct ast *set = take_set(c, "flags_match", v[1], SET_FLAGS);
	int64_t flags;

	(void)n;
	if (set != NULL &&
	    take_int(c, "flags_match", v[0], 0, UINT8_MAX, want_flags, &flags))
		sqlite3_result_int(c, ast_holds(set, flags));
}

/* ---- names of numbers ---- */

static void
do_flags(sqlite3_context *c, int n, sqlite3_value **v)
{
	char text[FLAGS_TEXT_LEN];
	int64_t flags;

	(void)n;
	if (!take_int(c, "flags", v[0], 0, UINT8_MAX, want_flags, &flags))
		return;
	flags_format((uint8_t)flags, text);
	put_text(c, text);
}

static const char want_protocol[] = "no protocol: want 0 to 255";

/* The number again where there is no name. */
static void
put_name(sqlite3_context *c, const char *name, int64_t number)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%lld", (long long)number);
	put_text(c, name != NULL ? name : digits);
}

static void
do_proto(sqlite3_context *c, int n, sqlite3_value **v)
{
	int64_t protocol;

	(void)n;
	if (take_int(c, "proto", v[0], 0, UINT8_MAX, want_protocol, &protocol))
		put_name(c, protocol_name((uint64_t)protocol), protocol);
}

/* With a second argument the service of that protocol alone. */
static void
do_service(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct servent entry, *found = NULL;
	const char *of = NULL;
	int64_t port, protocol;
	char buf[4096];

	if (!take_int(c, "service", v[0], 0, UINT16_MAX,
		"no port: want 0 to 65535", &port))
		return;
	if (n > 1) {
		if (!take_int(c, "service", v[1], 0, UINT8_MAX, want_protocol,
			&protocol))
			return;
		of = protocol_name((uint64_t)protocol);
	}
	if ((n == 1 || of != NULL) && getservbyport_r(htons((uint16_t)port), of,
					  &entry, buf, sizeof buf, &found) != 0)
		found = NULL;
	put_name(c, found != NULL ? found->s_name : NULL, port);
}

/* ---- times ---- */

static const char want_ms[] =
    "no time in milliseconds since 1970: want the years 1000 to 9999";

static void
do_iso_time(sqlite3_context *c, int n, sqlite3_value **v)
{
	char text[CLOCK_TEXT_LEN];
	int64_t ms;

	(void)n;
	if (!take_int(c, "iso_time", v[0], MIN_MS, MAX_MS, want_ms, &ms))
		return;
	clock_format_iso(ms, text);
	put_text(c, text);
}

/*
 * In the zone that argument 1 names. What the thread had before is asked for
 * once more: it was in the environment that the host shares.
 */
static bool
format_in_zone(const char *zone, int64_t ms, char out[CLOCK_TEXT_LEN])
{
	char *own = xstrdup(clock_get_zone());
	char ignored[CLOCK_TEXT_LEN];
	bool known = clock_set_zone(zone);

	if (known) {
		clock_format_ms(ms, out);
		(void)clock_set_zone(own);
		clock_format_ms(ms, ignored);
	}
	free(own);
	return known;
}

static void
do_local_time(sqlite3_context *c, int n, sqlite3_value **v)
{
	static const char want_zone[] = "no time zone: want Europe/Rome or UTC";
	char text[CLOCK_TEXT_LEN];
	const char *zone = NULL;
	int64_t ms;

	if (n > 1 &&
	    (zone = take_text(c, "local_time", v[1], want_zone)) == NULL)
		return;
	if (!take_int(c, "local_time", v[0], MIN_MS, MAX_MS, want_ms, &ms))
		return;
	if (zone == NULL)
		clock_format_ms(ms, text);
	else if (!format_in_zone(zone, ms, text)) {
		refuse(c, "local_time", v[1], want_zone);
		return;
	}
	put_text(c, text);
}

static int
read_time(const char *text, int64_t now_ms, int64_t *out, struct complaint *why)
{
	struct when w;
	int rc = when_read(&w, text, why);

	if (rc == 0 && (rc = when_settle(&w, WHEN_ASK, why)) == 0)
		*out = when_resolve(&w, now_ms);
	return rc;
}

/* Called once for a constant argument (it is SQLITE_DETERMINISTIC), so that
 * "now" is one moment within a statement. */
static void
do_time_ms(sqlite3_context *c, int n, sqlite3_value **v)
{
	const struct sql_env *env = sqlite3_user_data(c);
	int64_t now_ms = env->now_ms != 0 ? env->now_ms : clock_now_ms();
	const char *text = take_text(c, "time_ms", v[0],
	    "no text: want 2024-03-01T12:00, -90m, now or @1709295056");
	struct complaint why = {0};
	char *error;
	int64_t ms;

	(void)n;
	if (text == NULL)
		return;
	if (read_time(text, now_ms, &ms, &why) == 0) {
		sqlite3_result_int64(c, ms);
		return;
	}
	error = xasprintf("time_ms(): %s%s%s", why.what,
	    why.hint[0] != '\0' ? ": " : "", why.hint);
	fail(c, error);
	free(error);
}

/* ---- all of them ---- */

/*
 * None has side effects or tells what is secret. service() and local_time()
 * depend on files of the system: an index must not hold their answers.
 */
enum {
	PURE = SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC,
	IMPURE = SQLITE_UTF8 | SQLITE_INNOCUOUS,
};

static const struct {
	const char *name;
	int min, max; /* arguments */
	int flags;
	void (*call)(sqlite3_context *c, int n, sqlite3_value **v);
} functions[] = {
    {"ip", 1, 1, PURE, do_ip},
    {"inet", 1, 1, PURE, do_inet},
    {"in_net", 2, 2, PURE, sql_func_in_net},
    {"flags", 1, 1, PURE, do_flags},
    {"flags_match", 2, 2, PURE, sql_func_flags_match},
    {"proto", 1, 1, PURE, do_proto},
    {"service", 1, 2, IMPURE, do_service},
    {"iso_time", 1, 1, PURE, do_iso_time},
    {"local_time", 1, 2, IMPURE, do_local_time},
    {"time_ms", 1, 1, PURE, do_time_ms},
};

const struct sql_func_info sql_funcs[] = {
    {"ip(NUMBER)", "an address as text: ip(src_addr) is '192.0.2.1'"},
    {"inet('ADDRESS')",
	"the number of an address: src_addr = inet('192.0.2.1')"},
    {"in_net(ADDRESS, 'PREFIX,...')",
	"1 if a number or text lies in one of the prefixes"},
    {"flags(NUMBER)", "TCP flags as letters: 27 is '...AP.SF'"},
    {"flags_match(NUMBER, 'FLAGS')",
	"1 if they match, as in flags=: 'S/SA' is SYN without ACK"},
    {"proto(NUMBER)", "a protocol's name: 6 is 'tcp'"},
    {"service(PORT[, PROTOCOL])", "a port's name: 443 is 'https'"},
    {"iso_time(MS)", "a time as text, UTC: '2024-03-01T12:00:00.000Z'"},
    {"local_time(MS[, 'ZONE'])",
	"the same in the local zone, or another: '2024-03-01 13:00:00.000'"},
    {"time_ms('TIME')",
	"milliseconds of what from= takes: '2024-03-01T12:00', '-90m'"},
};
const size_t n_sql_funcs = ARRAY_LEN(sql_funcs);

int
sql_func_register(sqlite3 *db, struct sql_env *env)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		for (int n = functions[i].min; n <= functions[i].max; n++)
			if (rc == SQLITE_OK)
				rc = sqlite3_create_function_v2(db,
				    functions[i].name, n, functions[i].flags,
				    env, functions[i].call, NULL, NULL, NULL);
	return rc;
}

int
sql_func_knows(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return 1;
	return 0;
}
