/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_CHECK_STATE_H
#define WEIR_SCHEMA_CHECK_STATE_H
/* What the parts of check.h share: check.c walks the store, check_shard.c looks
 * at one shard, check_repair.c mends it, check_catalog.c does both for the
 * catalog. */
#include "schema/check.h"

struct shard;
struct store_list;
struct store_shard;

/* What can be done about a shard's findings; the worst one decides. */
enum remedy {
	REMEDY_NONE,   /* nothing found */
	REMEDY_RENEW,  /* nothing found, but it is of an earlier version */
	REMEDY_FINISH, /* seal and close the day */
	REMEDY_MEND,   /* recount, build indexes */
	REMEDY_SAVE,   /* save what can be read, set the file aside */
	REMEDY_USER,   /* not ours to do */
};

struct check {
	const char *dir;
	const struct check_options *options;
	check_fn *fn;
	void *arg;
	struct check_result *result;
	bool writer; /* a process writes to the store */
	bool silent; /* looking again after mending: only remedy counts */
	struct shard *shard;
	enum remedy remedy; /* of the shard */
	bool old;           /* it is of an earlier version */
	size_t n_pending;   /* its findings, not reported yet */
	char **pending;     /* where, what, in turns */
	size_t cap_pending;
};

/* Tell a finding that has nothing to wait for. */
void check_report(struct check *c, const char *where, const char *what,
    const char *todo, bool mended);

/* Of the shard being looked at: told when it is known what comes of it. */
void check_find(
    struct check *c, enum remedy remedy, const char *where, const char *what);
/* Now. mended: what was done, NULL when nothing was. */
void check_tell(struct check *c, const char *mended);

/* What is wrong with a shard: findings, and the remedy for all of them. */
int check_look_at(struct check *c, const struct store_shard *file) MUST_CHECK;
/* Mend, and look again; what did not help is done more thoroughly. */
int check_repair(struct check *c, const struct store_shard *file,
    struct err *err) MUST_CHECK;

/* When shards were mended their rows are old: no finding. */
int check_catalog(
    struct check *c, const struct store_list *list, struct err *err) MUST_CHECK;

#endif
