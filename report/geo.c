/* SPDX-License-Identifier: ISC */
/* MaxMind's files through libmaxminddb: see geo.h. */
#include "report/geo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema/base/mem.h"

struct geo {
	MMDB_s country, as;
	bool has_country, has_as;
};

static int
open_file(MMDB_s *db, bool *has, const char *path, struct err *err)
{
	int status;

	if (path == NULL)
		return 0;
	if (access(path, R_OK) != 0)
		return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
	status = MMDB_open(path, MMDB_MODE_MMAP, db);
	if (status != MMDB_SUCCESS)
		return err_set(err, ERR_USAGE, "%s: no MaxMind database: %s",
		    path, MMDB_strerror(status));
	*has = true;
	return 0;
}

int
geo_open(struct geo **out, const char *country_file, const char *as_file,
    struct err *err)
{
	struct geo *g = xcalloc(1, sizeof *g);
	int rc = open_file(&g->country, &g->has_country, country_file, err);

	if (rc == 0)
		rc = open_file(&g->as, &g->has_as, as_file, err);
	if (rc != 0) {
		geo_close(g);
		return rc;
	}
	*out = g;
	return 0;
}

void
geo_close(struct geo *g)
{
	if (g == NULL)
		return;
	if (g->has_country)
		MMDB_close(&g->country);
	if (g->has_as)
		MMDB_close(&g->as);
	free(g);
}

/* A string's first bytes, whole characters, as a C string. */
static void
copy_text(const char *text, size_t len, char out[GEO_TEXT_LEN])
{
	if (len >= GEO_TEXT_LEN) {
		len = GEO_TEXT_LEN - 1;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, text, len);
	out[len] = '\0';
}

static const char *
look_up(const MMDB_s *db, uint32_t ip4, const char *const *path,
    char out[GEO_TEXT_LEN])
{
	const struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip4)};
	MMDB_lookup_result_s found;
	MMDB_entry_data_s data;
	int status;

	found =
	    MMDB_lookup_sockaddr(db, (const struct sockaddr *)&sin, &status);
	if (status != MMDB_SUCCESS || !found.found_entry ||
	    MMDB_aget_value(&found.entry, &data, path) != MMDB_SUCCESS ||
	    !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return NULL;
	copy_text(data.utf8_string, data.data_size, out);
	return out;
}

const char *
geo_country(const struct geo *g, uint32_t ip4, char out[GEO_TEXT_LEN])
{
	static const char *const path[] = {"country", "iso_code", NULL};

	return g->has_country ? look_up(&g->country, ip4, path, out) : NULL;
}

const char *
geo_as_name(const struct geo *g, uint32_t ip4, char out[GEO_TEXT_LEN])
{
	static const char *const path[] = {
	    "autonomous_system_organization", NULL};

	return g->has_as ? look_up(&g->as, ip4, path, out) : NULL;
}
