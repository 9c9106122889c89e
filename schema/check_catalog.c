/* SPDX-License-Identifier: ISC */
/* Whether the catalog says what the shards say. */
#include "schema/check_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/store.h"

static bool
same_row(const struct catalog_day *a, const struct catalog_day *b)
{
	const struct segment *x = &a->whole, *y = &b->whole;

	return a->n_segments == b->n_segments && x->n_flows == y->n_flows &&
	       x->min_start_ms == y->min_start_ms &&
	       x->max_start_ms == y->max_start_ms &&
	       x->min_end_ms == y->min_end_ms &&
	       x->max_end_ms == y->max_end_ms &&
	       x->max_duration_ms == y->max_duration_ms;
}

/* What is wrong with the row of an open shard, or NULL. */
static const char *
compare_row(
    struct catalog *k, int32_t day, struct shard *s, const struct stat *st)
{
	const struct catalog_day *d = catalog_find(k, day);
	struct catalog_day want;

	if (d == NULL || !catalog_counts(d, st))
		return "has no row that is up to date";
	catalog_describe(&want, day, s, st);
	if (!same_row(d, &want))
		return "has a row with wrong bounds";
	if (d->n_address_blocks != want.n_address_blocks ||
	    !catalog_has_addresses(k, d, s))
		return "has a row with wrong addresses";
	return NULL;
}

/* The same of its file; one that cannot be read is a finding of its own. */
static const char *
compare_shard(struct catalog *k, const struct store_shard *file)
{
	const char *what = NULL;
	struct shard *s = NULL;
	struct stat st;

	if (stat(file->path, &st) != 0 || !catalog_is_finished(&st))
		return NULL;
	if (shard_open_read(&s, file->path, NULL) == 0 &&
	    shard_begin_read(s, NULL) == 0) {
		what = compare_row(k, file->day, s, &st);
		shard_end_read(s);
	}
	shard_close(s);
	return what;
}

static void
report_row(struct check *c, const char *path, int32_t day, const char *what)
{
	char text[CLOCK_DAY_LEN + 100], name[CLOCK_DAY_LEN];

	clock_format_day(day, name);
	snprintf(text, sizeof text, "%s %s", name, what);
	check_report(c, path, text,
	    c->options->repair ? "made anew"
			       : "weir check --repair makes it anew",
	    c->options->repair);
}

static bool
is_listed(const struct store_list *list, int32_t day)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->shard[i].day == day)
			return true;
	return false;
}

static void
check_rows(struct check *c, const char *path, struct catalog *k,
    const struct store_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *what = compare_shard(k, &list->shard[i]);

		if (what != NULL)
			report_row(c, path, list->shard[i].day, what);
	}
	for (size_t i = 0; i < k->n; i++)
		if (!is_listed(list, k->day[i].day))
			report_row(c, path, k->day[i].day,
			    "has a row, but there is no shard");
}

static bool
any_finished(const struct store_list *list)
{
	struct stat st;

	for (size_t i = 0; i < list->n; i++)
		if (stat(list->shard[i].path, &st) == 0 &&
		    catalog_is_finished(&st))
			return true;
	return false;
}

int
check_catalog(struct check *c, const struct store_list *list, struct err *err)
{
	char *path = catalog_path(c->dir);
	size_t before = c->result->n_findings;
	struct catalog k;
	struct err why;
	int rc = 0, read;

	if (c->options->repair &&
	    c->result->n_mended + c->result->n_renewed > 0 &&
	    (rc = catalog_refresh(c->dir, err)) != 0)
		goto out;
	read = catalog_read(&k, c->dir, &why);
	if (read == 0)
		check_rows(c, path, &k, list);
	else if (read == ERR_NEWER)
		check_report(
		    c, path, "is of a newer weir", "upgrade weir", false);
	else if (any_finished(list))
		check_report(c, path,
		    access(path, F_OK) != 0 ? "is missing" : "cannot be read",
		    c->options->repair ? "made anew"
				       : "weir check --repair makes it anew",
		    c->options->repair);
	if (c->options->repair && c->result->n_findings > before &&
	    read != ERR_NEWER)
		rc = catalog_rebuild(c->dir, err);
	catalog_release(&k);
out:
	free(path);
	return rc;
}
