/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_GEO_H
#define WEIR_REPORT_GEO_H
/*
 * Countries and organisations of addresses, from files in MaxMind's format
 * (GeoLite2, DB-IP, IPinfo and others have it). Nobody is asked.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct geo;

enum { GEO_TEXT_LEN = 128 }; /* what is longer is cut */

/* Files with country.iso_code, and with autonomous_system_organization; NULL:
 * none. ERR_USAGE: one that cannot be read or is something else. */
int geo_open(struct geo **out, const char *country_file, const char *as_file,
    struct err *err) MUST_CHECK;
void geo_close(struct geo *g); /* accepts NULL */

/* Both return out, or NULL when the file does not know the address. */
const char *geo_country(
    const struct geo *g, uint32_t ip4, char out[GEO_TEXT_LEN]);
const char *geo_as_name(
    const struct geo *g, uint32_t ip4, char out[GEO_TEXT_LEN]);

#endif
