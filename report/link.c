/* SPDX-License-Identifier: ISC */
/*
 * URLs that differ in one word: see link.h.
 * Source: RFC 3986; WHATWG URL, application/x-www-form-urlencoded.
 */
#include "report/link.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "report/sink.h"

/* All but what no URL nor attribute needs to have escaped. */
static void
put_encoded(struct sink *s, const char *text, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (isalnum(c) || strchr("-._/:,@", c) != NULL) {
			sink_putc(s, (char)c);
			continue;
		}
		sink_putc(s, '%');
		sink_putc(s, hex[c >> 4]);
		sink_putc(s, hex[c & 15]);
	}
}

/* What is an URL already, in an attribute. */
static void
put_url(struct sink *s, const char *url, size_t len)
{
	for (size_t i = 0; i < len; i++)
		switch (url[i]) {
		case '&': sink_puts(s, "&amp;"); break;
		case '"': sink_puts(s, "%22"); break;
		case '<': sink_puts(s, "%3C"); break;
		case '>': sink_puts(s, "%3E"); break;
		default: sink_putc(s, url[i]);
		}
}

/* The value of a parameter, p up to n bytes on, if its key is this; or NULL. */
static const char *
value_of(const char *p, size_t n, const char *key, size_t *len)
{
	size_t key_len = strlen(key);

	if (n <= key_len || strncmp(p, key, key_len) != 0 || p[key_len] != '=')
		return NULL;
	*len = n - key_len - 1;
	return p + key_len + 1;
}

bool
link_has(const char *base, const char *key)
{
	size_t len;

	for (base += strcspn(base, "?"); *base != '\0';) {
		size_t n = strcspn(++base, "&");

		if (value_of(base, n, key, &len) != NULL && len > 0)
			return true;
		base += n;
	}
	return false;
}

void
link_put(struct sink *s, const char *base, enum link_change change,
    const char *key, const char *value, size_t len)
{
	size_t path_len = strcspn(base, "?"), was_len = 0;
	const char *p = base + path_len, *was = NULL;
	const char *between = "?";

	put_url(s, base, path_len);
	while (*p != '\0') {
		size_t n = strcspn(++p, "&");
		const char *found = value_of(p, n, key, &was_len);

		if (found != NULL) {
			was = found;
		} else if (n > 0) {
			sink_puts(s, between);
			put_url(s, p, n);
			between = "&amp;";
		}
		p += n;
	}
	sink_puts(s, between);
	sink_puts(s, key);
	sink_putc(s, '=');
	if (change == LINK_WITHOUT && was != NULL && was_len > 0) {
		put_url(s, was, was_len);
		sink_putc(s, ',');
	}
	if (change == LINK_WITHOUT)
		sink_putc(s, '-');
	put_encoded(s, value, len);
}
