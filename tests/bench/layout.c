/* SPDX-License-Identifier: ISC */
/*
 * How fast flows go into a file, with nothing but the store at work.
 *   layout segments|naive FILE.db DATAGRAMS
 * segments: a shard as weir writes it. naive: one table with the six indexes
 * kept up to date. Both: the same flows, 30,000 a transaction, decoded from raw
 * v5 datagrams. Prints "flows seconds" after each million and at the end, with
 * everything indexed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/nf5.h"
#include "schema/base/clock.h"
#include "schema/db.h"
#include "schema/shard.h"

enum { PER_TRANSACTION = 30000 };

static const char naive_schema[] =
    "CREATE TABLE flow (id INTEGER PRIMARY KEY, source_id INTEGER, "
    "src_addr INTEGER, dst_addr INTEGER, next_hop INTEGER, input_if INTEGER, "
    "output_if INTEGER, packets INTEGER, octets INTEGER, duration_ms INTEGER, "
    "end_ms INTEGER, src_port INTEGER, dst_port INTEGER, tcp_flags INTEGER, "
    "protocol INTEGER, tos INTEGER, src_as INTEGER, dst_as INTEGER, "
    "src_mask INTEGER, dst_mask INTEGER, quirks INTEGER);"
    "CREATE INDEX i1 ON flow (end_ms); CREATE INDEX i2 ON flow (src_addr);"
    "CREATE INDEX i3 ON flow (dst_addr); CREATE INDEX i4 ON flow (src_port);"
    "CREATE INDEX i5 ON flow (dst_port); CREATE INDEX i6 ON flow (tcp_flags);";

struct target {
	struct shard *shard; /* segments */
	struct db *db;       /* naive */
	struct stmt *insert;
	bool in_transaction;
};

static void
check(int rc, const struct err *err)
{
	if (rc < 0) {
		fprintf(stderr, "layout: %s\n", err->text);
		exit(1);
	}
}

static void
open_target(struct target *t, bool naive, const char *path)
{
	struct err err;

	if (!naive) {
		check(shard_open_write(&t->shard, path, 0, &err), &err);
		return;
	}
	check(db_open(&t->db, path, DB_CREATE, &err), &err);
	/* Its indexes are written all over: it gets the cache it asks for. */
	check(db_exec(t->db, "PRAGMA cache_size = -65536", &err), &err);
	check(db_exec(t->db, naive_schema, &err), &err);
	check(db_prepare(t->db,
		  "INSERT INTO flow VALUES (NULL, 1, ?, ?, ?, ?, ?, ?, ?, ?, "
		  "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		  &t->insert, &err),
	    &err);
}

static void
add(struct target *t, const struct packet *p, const struct flow *flows)
{
	struct err err;

	if (t->shard != NULL) {
		check(shard_append(t->shard, p, flows, &err), &err);
		return;
	}
	if (!t->in_transaction)
		check(db_exec(t->db, "BEGIN", &err), &err);
	t->in_transaction = true;
	for (const struct flow *f = flows; f < flows + p->n_flows; f++) {
		const int64_t values[] = {f->src_addr, f->dst_addr, f->next_hop,
		    f->input_if, f->output_if, f->packets, f->octets,
		    f->end_ms - f->start_ms, f->end_ms, f->src_port,
		    f->dst_port, f->tcp_flags, f->protocol, f->tos, f->src_as,
		    f->dst_as, f->src_mask, f->dst_mask, f->quirks};

		for (size_t i = 0; i < ARRAY_LEN(values); i++)
			stmt_set_int(t->insert, (int)i + 1, values[i]);
		check(stmt_run(t->insert, &err), &err);
	}
}

static void
commit(struct target *t)
{
	struct err err;
	int rc;

	if (t->shard != NULL) {
		check(shard_commit(t->shard, &err), &err);
		while ((rc = shard_seal_step(t->shard, &err)) == 1)
			continue;
		check(rc, &err);
	} else if (t->in_transaction) {
		check(db_exec(t->db, "COMMIT", &err), &err);
		t->in_transaction = false;
	}
}

static void
close_target(struct target *t)
{
	struct err err;

	commit(t);
	if (t->shard != NULL) {
		check(shard_finish(t->shard, &err), &err);
		shard_close(t->shard);
	} else {
		stmt_finalize(t->insert);
		db_close(t->db);
	}
}

static size_t
read_datagram(FILE *f, uint8_t *out)
{
	size_t rest;

	if (fread(out, NF5_HEADER_LEN, 1, f) != 1)
		return 0;
	rest = (size_t)out[3] * NF5_RECORD_LEN;
	if (rest + NF5_HEADER_LEN > NF5_MAX_LEN ||
	    fread(out + NF5_HEADER_LEN, rest, 1, f) != 1)
		return 0;
	return NF5_HEADER_LEN + rest;
}

static void
print_time(uint64_t n, int64_t since_ms)
{
	printf("%llu %.3f\n", (unsigned long long)n,
	    (double)(clock_monotonic_ms() - since_ms) / MS_PER_S);
	fflush(stdout);
}

static void
run(struct target *t, FILE *f)
{
	uint8_t datagram[NF5_MAX_LEN];
	struct flow flows[NF5_MAX_RECORDS];
	struct packet p;
	uint64_t n = 0, committed = 0, shown = 0;
	int64_t start_ms = clock_monotonic_ms();
	size_t len;

	while ((len = read_datagram(f, datagram)) > 0) {
		if (nf5_decode(datagram, len, &p, flows) < 0)
			continue;
		p.source.exporter = addr_from_ip4(0xc0000201);
		p.received_ms = (int64_t)p.unix_secs * MS_PER_S;
		add(t, &p, flows);
		n += p.n_flows;
		if (n - committed >= PER_TRANSACTION) {
			commit(t);
			committed = n;
		}
		if (n / 1000000 > shown) {
			shown = n / 1000000;
			print_time(n, start_ms);
		}
	}
	close_target(t);
	print_time(n, start_ms);
}

int
main(int argc, char **argv)
{
	struct target t = {0};
	FILE *f = argc == 4 ? fopen(argv[3], "rb") : NULL;

	if (f == NULL) {
		fputs(
		    "usage: layout segments|naive FILE.db DATAGRAMS\n", stderr);
		return 2;
	}
	open_target(&t, strcmp(argv[1], "naive") == 0, argv[2]);
	run(&t, f);
	fclose(f);
	return 0;
}
