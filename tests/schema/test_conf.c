/* SPDX-License-Identifier: ISC */
/* The configuration: what is read, refused where and why, printed, looked
 * up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/base/near.h"
#include "schema/conf.h"
#include "tests/temp.h"

static int
make_folder(void **state)
{
	*state = temp_new();
	return 0;
}

static int
remove_folder(void **state)
{
	temp_remove(*state);
	return 0;
}

/* dir/name with that content; the path is free()d by the caller. */
static char *
put_file(const char *dir, const char *name, const char *content)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fputs(content, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
	return path;
}

static int
open_text(const char *dir, const char *text, struct conf **out, struct err *err)
{
	char *path = put_file(dir, "weir.conf", text);
	const struct conf_options o = {.file = path};
	int rc = conf_open(out, &o, err);

	free(path);
	return rc;
}

static struct conf *
must_open(const char *dir, const char *text)
{
	struct conf *c = NULL;
	struct err err;

	if (open_text(dir, text, &c, &err) != 0)
		fail_msg("%s\n%s", text, err.text);
	return c;
}

/* free() it. */
static char *
print(const struct conf *c, bool explain)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	conf_print(c, explain, &b);
	assert_false(b.overflow);
	text = xstrdup(buf_str(&b));
	buf_release(&b);
	return text;
}

/* ---- what is read ---- */

static const char everything[] =
    "# a comment with { and \" in it\n"
    "data = /var/lib/weir  // one more\n"
    "/* and { a\n"
    "   long one */ user = weir\n"
    "time-zone = Europe/Vienna\n"
    "max-age = 90d max-size = 200G min-free = 512M\n"
    "track-lag = 120\n"
    "unknown-exporters = refuse\n"
    "max-automatic-exporters = 0\n"
    "listen 2055 { }\n"
    "listen [ff02::1]:9995 {\n"
    "	receive-buffer = 65536\n"
    "	interface = lo\n"
    "	source = {fe80::1, \"fe80::2\"}\n"
    "}\n"
    "relay 127.0.0.1:9995 { }\n"
    "relay [::1]:9995 { sample = 10 }\n"
    "exporter core1 {\n"
    "	address = 192.0.2.1\n"
    "	address += 10.1.2.3/16\n"
    "	port = 2055\n"
    "	sampling { interval = 100 until = 2026-03-01T12:00:00.5Z }\n"
    "	sampling { interval = 50 from = 2026-03-01T12:00:00.5Z }\n"
    "	interface 7 { }\n"
    "	interface 3 {\n"
    "		name = 'ge-0/0/3 \\'x\\''\n"
    "		description = \"a \\\"\\\\ \\${}\"\n"
    "		speed = 1544K\n"
    "	}\n"
    "}\n"
    "exporter edge.2 { address = {2001:db8::/32, 10.0.0.0/8} }\n";

static const char everything_printed[] =
    "data = \"/var/lib/weir\"\n"
    "user = \"weir\"\n"
    "time-zone = Europe/Vienna\n"
    "max-age = 90d\n"
    "max-size = 200G\n"
    "min-free = 512M\n"
    "track-lag = 120\n"
    "unknown-exporters = refuse\n"
    "max-automatic-exporters = 0\n"
    "listen 0.0.0.0:2055 {\n"
    "	receive-buffer = 64M\n"
    "}\n"
    "listen [ff02::1]:9995 {\n"
    "	receive-buffer = 64K\n"
    "	interface = \"lo\"\n"
    "	source = {fe80::1, fe80::2}\n"
    "}\n"
    "relay 127.0.0.1:9995 {\n"
    "	sample = 1\n"
    "}\n"
    "relay [::1]:9995 {\n"
    "	sample = 10\n"
    "}\n"
    "exporter core1 {\n"
    "	address = {192.0.2.1, 10.1.0.0/16}\n"
    "	port = 2055\n"
    "	sampling {\n"
    "		interval = 100\n"
    "		until = 2026-03-01T12:00:00.500Z\n"
    "	}\n"
    "	sampling {\n"
    "		interval = 50\n"
    "		from = 2026-03-01T12:00:00.500Z\n"
    "	}\n"
    "	interface 3 {\n"
    "		name = \"ge-0/0/3 'x'\"\n"
    "		description = \"a \\\"\\\\ \\${}\"\n"
    "		speed = 1544K\n"
    "	}\n"
    "	interface 7 {\n"
    "	}\n"
    "}\n"
    "exporter edge.2 {\n"
    "	address = {2001:db8::/32, 10.0.0.0/8}\n"
    "}\n";

static void
all_keys_are_read_and_printed_in_one_form(void **state)
{
	const char *text = everything;

	/* As written, as printed, and as explained it is the same. */
	for (int i = 0; i < 3; i++) {
		struct conf *c = must_open(*state, text);
		char *printed = print(c, false);
		char *explained = print(c, true);

		assert_string_equal(printed, everything_printed);
		conf_free(c);
		c = must_open(*state, explained);
		free(printed);
		printed = print(c, false);
		assert_string_equal(printed, everything_printed);
		conf_free(c);
		free(printed);
		free(explained);
		text = everything_printed;
	}
}

static void
what_is_explained_is_what_there_is(void **state)
{
	static const char *const keys[] = {"data", "user", "time-zone",
	    "max-age", "max-size", "min-free", "track-lag", "unknown-exporters",
	    "max-automatic-exporters", "listen 0.0.0.0:2055 {",
	    "receive-buffer", "interface", "source", "relay ADDR:PORT {",
	    "sample", "exporter NAME {", "address", "port", "sampling {",
	    "interval", "from", "until", "interface IFINDEX {", "name",
	    "description", "speed"};
	struct conf *c = must_open(*state, "");
	char *text = print(c, true), *again;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strstr(text, keys[i]) == NULL)
			fail_msg("%s is not explained", keys[i]);
	for (char *line = text, *end; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (end - line > 78 || end[-1] == ' ')
			fail_msg("%.*s", (int)(end - line), line);
	}
	conf_free(c);
	c = must_open(*state, text);
	again = print(c, true);
	assert_string_equal(again, text);
	conf_free(c);
	free(text);
	free(again);
}

static void
without_a_file_there_are_defaults(void **state)
{
	const struct conf_options none = {.dir = "elsewhere"};
	struct conf *c;
	struct err err;
	char *text;

	(void)state;
	assert_int_equal(conf_open(&c, &none, &err), 0);
	text = print(c, false);
	assert_string_equal(text, "data = \"elsewhere\"\n"
				  "track-lag = 1800\n"
				  "unknown-exporters = accept\n"
				  "max-automatic-exporters = 1000\n"
				  "listen 0.0.0.0:2055 {\n"
				  "	receive-buffer = 64M\n"
				  "}\n");
	assert_null(c->file);
	free(text);
	conf_free(c);
}

static void
options_are_stronger_than_the_file(void **state)
{
	static const struct conf_setting settings[] = {
	    {"max-age", "--max-age", "9d"}, {"listen", "-l", "127.0.0.1:0"},
	    {"user", "-u", "nobody"}, {"listen", "-l", "127.0.0.1:0"}};
	char *path = put_file(*state, "weir.conf", everything);
	const struct conf_options o = {.file = path,
	    .dir = "here",
	    .setting = settings,
	    .n_settings = ARRAY_LEN(settings)};
	struct conf *c;
	struct err err;

	assert_int_equal(conf_open(&c, &o, &err), 0);
	assert_string_equal(c->file, path);
	assert_string_equal(c->data, "here");
	assert_string_equal(c->user, "nobody");
	assert_int_equal(c->limits.max_age_days, 9);
	assert_int_equal(c->limits.max_bytes, INT64_C(200) << 30);
	assert_int_equal(c->n_listen, 2);
	assert_int_equal(c->listen[1].receive_buffer, 64 << 20);
	assert_int_equal(c->n_relay, 2);
	conf_free(c);
	free(path);
}

static void
files_include_others(void **state)
{
	char *dir = xasprintf("%s/more", (char *)*state);
	char *sub = xasprintf("%s/more/deep", (char *)*state);
	struct conf *c;

	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(mkdir(sub, 0755), 0);
	free(put_file(dir, "b.conf", "exporter b { address = 10.0.0.2 }"));
	free(put_file(dir, "a.conf",
	    "# x\nexporter a { address = 10.0.0.1 }\ninclude = deep/c.conf"));
	free(put_file(dir, "x.other", "nonsense"));
	free(put_file(sub, "c.conf", "user = c"));
	c = must_open(*state,
	    "include = \"more/*.conf\" include += \"none/*.conf\"\n"
	    "exporter z { address = 10.0.0.26 }\n");
	assert_int_equal(c->n_exporters, 3);
	assert_string_equal(c->user, "c");
	assert_non_null(conf_exporter_by_name(c, "a"));
	assert_non_null(conf_exporter_by_name(c, "b"));
	assert_null(conf_exporter_by_name(c, "c"));
	conf_free(c);
	free(dir);
	free(sub);
}

/* ---- what is refused ---- */

#define EXPORTER(x) "exporter x { address = 192.0.2.1\n" x " }"
#define GROUP "listen 239.1.1.1:9995 { "

static const struct {
	const char *text;
	int line;
	const char *want; /* what stands behind FILE:LINE: */
} refused[] = {
    /* the grammar */
    {"dat = x", 1, "dat: is unknown, did you mean data?"},
    {"\n# c\n\n/* c\nc */ // c\ndta = x", 6,
	"dta: is unknown, did you mean data?"},
    {"web-port = 80", 1,
	"web-port: is unknown, want a key that `weir collect -n -v` lists"},
    {EXPORTER("nam = 1"), 2,
	"nam: is unknown in section exporter, want a key that "
	"`weir collect -n -v` lists"},
    {EXPORTER("interface 1 { spede = 1 }"), 2,
	"spede: is unknown in section interface, did you mean speed?"},
    {EXPORTER("include = x"), 2,
	"include: is unknown in section exporter, want a key that "
	"`weir collect -n -v` lists"},
    {"exporter|address = 1", 1,
	"no sub-section title/index for '%s': "
	"exporter"},
    {"data", 1, "premature end of file"},
    {"data /x", 1, "data: has no = behind it, want KEY = VALUE"},
    {"data = x y = z", 1,
	"y: is unknown, want a key that `weir collect -n -v` lists"},
    {"data = = x", 1,
	"=: is not expected here, want KEY = VALUE, KEY = {VALUE, VALUE} or "
	"SECTION { ... }"},
    {"data = {x, y}", 1, "data: \"y\" is one too many, want one value"},
    {"data = x\ndata = y", 1, "data: is given once more, want it once"},
    {"data = x\nuser = u\ndata = {}", 1,
	"data: is given once more, want it once"},
    {"data { }", 1, "data: has no = behind it, want KEY = VALUE"},
    {"exporter { }", 1, "exporter: has no title, want SECTION TITLE { ... }"},
    {"exporter x", 1, "premature end of file"},
    {"exporter x = 1", 1, "exporter: has no { behind it, want SECTION { ... }"},
    {"sampling { }", 1,
	"sampling: is unknown, want a key that "
	"`weir collect -n -v` lists"},
    {EXPORTER("sampling x { }"), 2,
	"sampling: has no { behind it, want SECTION { ... }"},
    {EXPORTER("") " " EXPORTER(""), 2, "x: is there twice, want one section"},
    {"exporter x {\naddress = 192.0.2.1\n", 1,
	"\"{\" is not closed, want a } for it"},
    {"data = x\n}", 2, "\"}\" closes nothing, want a { before it"},
    {"{{{{{{{{{{{{{{{{{", 1, "too many { in each other"},
    {"data = \"x\n\"", 1, "string without end, want a \" on the same line"},
    {"data = 'x\\'", 1, "string without end, want a ' on the same line"},
    {"data = \"x\\", 1, "string without end, want a \" on the same line"},
    {"data = \"${HOME}\"", 1,
	"variables are not known, want \\${ for the characters themselves"},
    {"data = ${HOME}", 1,
	"\"$\" outside of quotes, want it within a \"string\""},
    {"data = /var/*.x", 1,
	"\"*\" outside of quotes, want it within a \"string\""},
    {"data = /var;", 1, "\";\" outside of quotes, want it within a \"string\""},
    {"data + x", 1, "\"+\" outside of quotes, want it within a \"string\""},
    {"data = x\n /* open\n", 2, "comment without end, want a */"},
    {"data = x\001", 1, "character 1, which is no text"},
    {"data = \"\\777\"", 1, "invalid octal number '%s': \\777"},
    {"\"\" = 1", 1, "is not understood here"},
    {"include = none.conf", 1,
	"include: DIR/none.conf: No such file or directory"},
    {"include = .", 1, "include: DIR/.: is no file"},
    {"include = weir.conf", 1,
	"include: DIR/weir.conf: is read already, want it once"},
    /* kinds of values */
    {"data = \"\"", 1,
	"data: \"\" cannot be used, want one line of text, at most 1000 "
	"bytes"},
    {"user = \"a\\nb\"", 1,
	"user: \"a\nb\" cannot be used, want one line of text, at most 64 "
	"bytes"},
    {"time-zone = Mars/Olympus", 1,
	"time-zone: \"Mars/Olympus\" cannot be used, want a time zone, such "
	"as Europe/Vienna"},
    {"time-zone = ../zoneinfo/UTC", 1,
	"time-zone: \"../zoneinfo/UTC\" cannot be used, want a time zone, "
	"such as Europe/Vienna"},
    {"max-age = 90", 1,
	"max-age: \"90\" cannot be used, want days, such as 90d, from 1d to "
	"1000000d"},
    {"max-age = 0d", 1,
	"max-age: \"0d\" cannot be used, want days, such as 90d, from 1d to "
	"1000000d"},
    {"max-age = 1000001d", 1,
	"max-age: \"1000001d\" cannot be used, want days, such as 90d, from "
	"1d to 1000000d"},
    {"max-age = -1d", 1,
	"max-age: \"-1d\" cannot be used, want days, such as 90d, from 1d to "
	"1000000d"},
#define BYTES                                                                  \
	"cannot be used, want bytes, with K, M, G or T behind the number, "    \
	"such as 10G"
    {"max-size = 0", 1, "max-size: \"0\" " BYTES},
    {"max-size = 1.5G", 1, "max-size: \"1.5G\" " BYTES},
    {"max-size = 10GB", 1, "max-size: \"10GB\" " BYTES},
    {"max-size = 10g", 1, "max-size: \"10g\" " BYTES},
    {"max-size = G", 1, "max-size: \"G\" " BYTES},
    {"max-size = 8388608T", 1, "max-size: \"8388608T\" " BYTES},
    {"min-free = 99999999999999999999999999", 1,
	"min-free: \"99999999999999999999999999\" " BYTES},
    {"unknown-exporters = refsue", 1,
	"unknown-exporters: \"refsue\" cannot be used, did you mean refuse? "
	"(want accept or refuse)"},
    {"unknown-exporters = 1", 1,
	"unknown-exporters: \"1\" cannot be used, want accept or refuse"},
    {"max-automatic-exporters = 3001", 1,
	"max-automatic-exporters: \"3001\" cannot be used, want a number, "
	"from 0 to 3000"},
    {"max-automatic-exporters = many", 1,
	"max-automatic-exporters: \"many\" cannot be used, want a number, "
	"from 0 to 3000"},
    /* sections */
    {"listen x { }", 1,
	"listen x: \"x\" cannot be used, want PORT, ADDR:PORT or "
	"[V6ADDR]:PORT"},
    {"listen 1 { receive-buffer = 1K }", 1,
	"receive-buffer: \"1K\" cannot be used, want bytes, with K, M, G or "
	"T behind the number, such as 10G, from 64K to 1G"},
    {"listen 1 { interface = lo }", 1,
	"listen 1: interface: is for multicast groups, want none here"},
    {"listen 1 { source = ::1 }", 1,
	"listen 1: source: is for multicast groups, want none here"},
    {GROUP "source = ::1 }", 1,
	"listen 239.1.1.1:9995: source: is of the other IP version, want "
	"that of the group"},
    {GROUP "source = 192.0.2.0/24 }", 1,
	"source: \"192.0.2.0/24\" cannot be used, want an IPv4 or IPv6 "
	"address"},
    {"listen 2055 { }\nlisten 0.0.0.0:2055 { }", 2,
	"listen 0.0.0.0:2055: is there twice, want one section"},
    {"relay 9995 { }", 1,
	"relay 9995: is no place to send to, want ADDR:PORT or "
	"[V6ADDR]:PORT"},
    {"relay [::]:9995 { }", 1,
	"relay [::]:9995: is no place to send to, want ADDR:PORT or "
	"[V6ADDR]:PORT"},
    {"relay 192.0.2.1:0 { }", 1,
	"relay 192.0.2.1:0: is no place to send to, want ADDR:PORT or "
	"[V6ADDR]:PORT"},
    {"relay 192.0.2.1:1 { sample = 0 }", 1,
	"sample: \"0\" cannot be used, want a number, from 1 to 1000000"},
    {"relay [::1]:9 { }\nrelay [0::1]:9 { }", 2,
	"relay [::1]:9: is there twice, want one section"},
    {"exporter \"a b\" { }", 1,
	"exporter a b: \"a b\" cannot be used, want a name of letters, "
	"digits and . _ - that is no address"},
    {"exporter 192.0.2.1 { }", 1,
	"exporter 192.0.2.1: \"192.0.2.1\" cannot be used, want a name of "
	"letters, digits and . _ - that is no address"},
    {"exporter \"\" { }", 1,
	"exporter: \"\" cannot be used, want a name of letters, digits and "
	". _ - that is no address"},
    {"exporter x { }", 1,
	"exporter x: has no address, want address = ADDR or PREFIX"},
    {"exporter x { address = 10.1 }", 1,
	"address: \"10.1\" cannot be used, want an address, or a prefix such "
	"as 192.0.2.0/24"},
    {"exporter x { address = 10.0.0.0/33 }", 1,
	"address: \"10.0.0.0/33\" cannot be used, want an address, or a "
	"prefix such as 192.0.2.0/24"},
    {EXPORTER("port = 0"), 2,
	"port: \"0\" cannot be used, want a number, from 1 to 65535"},
    {EXPORTER("interface 65536 { }"), 2,
	"interface 65536: \"65536\" cannot be used, want a number, from 0 to "
	"65535"},
    {EXPORTER("interface 1 { } interface 0x1 { }"), 2,
	"exporter x: interface 1 is there twice, want one section"},
    {EXPORTER("interface 1 { speed = fast }"), 2,
	"speed: \"fast\" cannot be used, want bits a second, such as 10G or "
	"1544K, from 1 to 1000T"},
    {EXPORTER("sampling { }"), 2,
	"sampling: has no interval, want interval = NUMBER"},
    {EXPORTER("sampling { interval = 1 from = -1d }"), 2,
	"from: \"-1d\" cannot be used, want a time, such as "
	"2026-03-01T12:00"},
    {EXPORTER("sampling { interval = 1 from = 2026-13-01 }"), 2,
	"from: \"2026-13-01\" cannot be used, want a time, such as "
	"2026-03-01T12:00"},
    {EXPORTER("sampling {\ninterval = 1\nfrom = 2026-02-01\n"
	      "until = 2026-01-01 }"),
	5, "sampling: until: is not after from, want a later time"},
    {"exporter a { address = 10.0.0.0/8 }\n"
     "exporter b { address = {10.0.0.1, 10.9.9.9/8} }",
	2,
	"exporter b: address 10.0.0.0/8 is exporter a's as well, want it in "
	"one section"},
};

/* want, with DIR for the folder. */
static char *
expected(const char *dir, int line, const char *want)
{
	const char *at = strstr(want, "DIR");

	if (at == NULL)
		return xasprintf("%s/weir.conf:%d: %s", dir, line, want);
	return xasprintf("%s/weir.conf:%d: %.*s%s%s", dir, line,
	    (int)(at - want), want, dir, at + 3);
}

static void
errors_say_where_what_and_what_would_be_right(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct conf *c = NULL;
		struct err err = {0};
		int rc = open_text(*state, refused[i].text, &c, &err);
		char *want = expected(*state, refused[i].line, refused[i].want);

		if (rc != ERR_USAGE || strcmp(err.text, want) != 0)
			fail_msg("%s\ngot  %d %s\nwant %s", refused[i].text, rc,
			    err.text, want);
		free(want);
	}
}

static void
errors_of_an_included_file_name_it(void **state)
{
	char *path =
	    put_file(*state, "other.conf", "exporter x {\naddress = 10 }");
	struct conf *c;
	struct err err;
	char *want;

	assert_int_equal(
	    open_text(*state, "data = x\ninclude = other.conf", &c, &err),
	    ERR_USAGE);
	want = xasprintf("%s:2: address: \"10\" cannot be used, want an "
			 "address, or a prefix such as 192.0.2.0/24",
	    path);
	assert_string_equal(err.text, want);
	free(want);
	/* One that stands in both names the first. */
	free(put_file(*state, "other.conf", "\n\ndata = y"));
	assert_int_equal(
	    open_text(*state, "data = x\ninclude = other.conf", &c, &err),
	    ERR_USAGE);
	want = xasprintf("%s/weir.conf:1: data: is given once more, "
			 "want it once",
	    (char *)*state);
	assert_string_equal(err.text, want);
	free(want);
	free(path);
}

static void
files_that_cannot_be_read_are_refused(void **state)
{
	const struct conf_options folder = {.file = *state};
	const struct conf_options none = {.file = "/nonexistent/weir.conf"};
	char *path = put_file(*state, "weir.conf", "user = x\n");
	const struct conf_options o = {.file = path};
	struct conf *c;
	struct err err;
	char *want =
	    xasprintf("configuration %s: Is a directory", (char *)*state);
	FILE *f;

	assert_int_equal(conf_open(&c, &folder, &err), ERR_USAGE);
	assert_string_equal(err.text, want);
	assert_int_equal(conf_open(&c, &none, &err), ERR_USAGE);
	assert_string_equal(err.text,
	    "configuration /nonexistent/weir.conf: No such file or directory");
	f = fopen(path, "a");
	assert_non_null(f);
	assert_int_equal(fwrite("\0", 1, 1, f), 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(conf_open(&c, &o, &err), ERR_USAGE);
	assert_non_null(strstr(err.text, "holds NUL, so it is no text"));
	free(want);
	free(path);
}

static void
options_are_refused_by_their_name(void **state)
{
	static const struct {
		struct conf_setting setting;
		const char *want;
	} rows[] = {
	    {{"max-age", "--max-age", "9"},
		"--max-age: \"9\" cannot be used, want days, such as 90d, "
		"from 1d to 1000000d"},
	    {{"listen", "-l", "localhost:2055"},
		"-l: \"localhost:2055\" cannot be used, want PORT, ADDR:PORT "
		"or [V6ADDR]:PORT"},
	    {{"user", "-u", ""},
		"-u: \"\" cannot be used, want one line of text, at most 64 "
		"bytes"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct conf_options o = {
		    .dir = "x", .setting = &rows[i].setting, .n_settings = 1};
		struct conf *c;
		struct err err;

		assert_int_equal(conf_open(&c, &o, &err), ERR_USAGE);
		assert_string_equal(err.text, rows[i].want);
	}
}

/* ---- names ---- */

static const char names[] =
    "exporter all { address = {0.0.0.0/0, 2001:db8::/32} }\n"
    "exporter ten { address = 10.0.0.0/8 port = 9995\n"
    "	interface 5 { name = five } interface 1 { description = d }\n"
    "	interface 65535 { name = last } }\n"
    "exporter host {\n"
    "	address = {10.1.2.3, 2001:db8::1}\n"
    "	sampling { interval = 10 }\n"
    "	sampling { interval = 20 from = @1000 until = @3000 }\n"
    "	sampling { interval = 30 from = @2000 until = @2500 }\n"
    "}\n";

static void
the_longest_prefix_is_the_exporter(void **state)
{
	static const struct {
		const char *addr;
		uint16_t port;
		const char *want;
	} rows[] = {
	    {"10.1.2.3", 0, "host"},
	    {"10.1.2.3", 2055, "host"},
	    {"10.1.2.4", 0, "ten"},
	    {"10.1.2.4", 9995, "ten"},
	    {"10.1.2.4", 2055, "all"},
	    {"192.0.2.1", 0, "all"},
	    {"2001:db8::1", 1, "host"},
	    {"2001:db8::2", 1, "all"},
	    {"2001:db9::2", 1, NULL},
	};
	struct conf *c = must_open(*state, names);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct conf_exporter *e;
		struct addr a;

		assert_true(addr_parse(rows[i].addr, &a));
		e = conf_exporter(c, &a, rows[i].port);
		if (strcmp(e != NULL ? e->name : "-",
			rows[i].want != NULL ? rows[i].want : "-") != 0)
			fail_msg("%s port %u: %s", rows[i].addr, rows[i].port,
			    e != NULL ? e->name : "none");
	}
	conf_free(c);
}

static void
interfaces_have_names(void **state)
{
	struct conf *c = must_open(*state, names);
	struct addr ten, none;

	assert_true(addr_parse("10.9.9.9", &ten));
	assert_true(addr_parse("2001:db9::1", &none));
	assert_string_equal(conf_exporter_name(c, &ten), "ten");
	assert_null(conf_exporter_name(c, &none));
	assert_string_equal(conf_interface_name(c, &ten, 5), "five");
	assert_string_equal(conf_interface_name(c, &ten, 65535), "last");
	assert_null(conf_interface_name(c, &ten, 1)); /* has no name */
	assert_string_equal(
	    conf_interface(conf_exporter(c, &ten, 0), 1)->description, "d");
	assert_null(conf_interface_name(c, &ten, 2));
	assert_null(conf_interface_name(c, &none, 5));
	conf_free(c);
}

static void
sampling_is_that_of_the_time(void **state)
{
	static const struct {
		int64_t at_s;
		uint32_t want;
	} rows[] = {{0, 10}, {999, 10}, {1000, 20}, {1999, 20}, {2000, 30},
	    {2499, 30}, {2500, 20}, {2999, 20}, {3000, 10}};
	struct conf *c = must_open(*state, names);
	struct addr a;

	assert_true(addr_parse("10.1.2.3", &a));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
		    conf_sampling(c, &a, rows[i].at_s * 1000), rows[i].want);
	assert_true(addr_parse("10.1.2.4", &a));
	assert_int_equal(conf_sampling(c, &a, 0), 0);
	conf_free(c);
}

static void
many_exporters_are_found(void **state)
{
	struct conf *c;
	struct buf text;

	buf_init(&text, 1 << 20);
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&text, "exporter r%u { address = 10.%u.%u.%u/%u }\n",
		    i, i >> 8, i & 255, i % 3, 32 - i % 3);
	c = must_open(*state, buf_str(&text));
	for (unsigned i = 0; i < 5000; i++) {
		struct addr a = addr_from_ip4(
		    0x0a000000 | i << 8 | (i % 3 == 0 ? 0 : i % 3));
		char want[16];

		snprintf(want, sizeof want, "r%u", i);
		assert_string_equal(conf_exporter_name(c, &a), want);
	}
	conf_free(c);
	buf_release(&text);
}

static void
so_many_addresses_can_be_given(void **state)
{
	struct conf *c = NULL;
	struct err err;
	struct buf text;

	buf_init(&text, 1 << 20);
	for (unsigned i = 0; i < CONF_MAX_ADDRESSES; i++)
		buf_printf(&text, "exporter r%u { address = 10.0.%u.%u }\n", i,
		    i >> 8, i & 255);
	conf_free(must_open(*state, buf_str(&text)));
	buf_puts(&text, "exporter more { address = 192.0.2.1/32 }\n");
	assert_int_equal(
	    open_text(*state, buf_str(&text), &c, &err), ERR_USAGE);
	assert_non_null(strstr(err.text,
	    "weir.conf:4001: exporter more: address: one too many, want at "
	    "most 4000 in all, or prefixes"));
	buf_release(&text);
}

static void
words_near_a_mistyped_one_are_found(void **state)
{
	static const struct {
		const char *word, *want;
	} rows[] = {
	    {"data", "data"},
	    {"dta", "data"},
	    {"adta", "data"},
	    {"dataa", "data"},
	    {"max_age", "max-age"},
	    {"maxage", "max-age"},
	    {"unknown-exporter", "unknown-exporters"},
	    {"web", NULL},
	    {"", NULL},
	    {"x", NULL},
	    {"a-word-that-is-longer-than-any-key-is-likely-to-be", NULL},
	};
	static const char *const known[] = {
	    "data", "max-age", "unknown-exporters"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct near n = {.word = rows[i].word};

		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			near_offer(&n, known[k]);
		if (strcmp(n.best != NULL ? n.best : "-",
			rows[i].want != NULL ? rows[i].want : "-") != 0)
			fail_msg("\"%s\": %s", rows[i].word,
			    n.best != NULL ? n.best : "none");
	}
}

#define IN_FOLDER(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(all_keys_are_read_and_printed_in_one_form),
	    IN_FOLDER(what_is_explained_is_what_there_is),
	    cmocka_unit_test(without_a_file_there_are_defaults),
	    IN_FOLDER(options_are_stronger_than_the_file),
	    IN_FOLDER(files_include_others),
	    IN_FOLDER(errors_say_where_what_and_what_would_be_right),
	    IN_FOLDER(errors_of_an_included_file_name_it),
	    IN_FOLDER(files_that_cannot_be_read_are_refused),
	    cmocka_unit_test(options_are_refused_by_their_name),
	    IN_FOLDER(the_longest_prefix_is_the_exporter),
	    IN_FOLDER(interfaces_have_names),
	    IN_FOLDER(sampling_is_that_of_the_time),
	    IN_FOLDER(many_exporters_are_found),
	    IN_FOLDER(so_many_addresses_can_be_given),
	    cmocka_unit_test(words_near_a_mistyped_one_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
