/* SPDX-License-Identifier: ISC */
/* Temporary files in memory, as a VFS of SQLite's: see sql_temp.h. */
#include "query/sql_temp.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/mem.h"

enum { CHUNK = 65536 }; /* bytes */

struct sql_temp {
	sqlite3_vfs vfs;
	char name[32];
};

/* What SQLite allocates for an open file. */
struct file {
	sqlite3_file base;
	char **chunk;
	size_t n_chunks, cap_chunks;
	int64_t size;
};

/* ---- a file ---- */

static int
close_file(sqlite3_file *base)
{
	struct file *f = (struct file *)base;

	for (size_t i = 0; i < f->n_chunks; i++)
		sqlite3_free(f->chunk[i]);
	sqlite3_free(f->chunk);
	return SQLITE_OK;
}

/* Whether there is a chunk number i. */
static bool
reach(struct file *f, size_t i)
{
	if (f->cap_chunks <= i) {
		size_t cap = f->cap_chunks > 0 ? f->cap_chunks : 8;
		char **more;

		while (cap <= i)
			cap *= 2;
		more = sqlite3_realloc64(f->chunk, cap * sizeof(char *));
		if (more == NULL)
			return false;
		f->chunk = more;
		f->cap_chunks = cap;
	}
	while (f->n_chunks <= i) {
		char *chunk = sqlite3_malloc(CHUNK);

		if (chunk == NULL)
			return false;
		memset(chunk, 0, CHUNK);
		f->chunk[f->n_chunks++] = chunk;
	}
	return true;
}

/* The bytes of a file at a place, as far as one chunk goes. */
struct part {
	char *at;
	size_t len;
};

static struct part
part_at(const struct file *f, int64_t offset, size_t len)
{
	size_t within = (size_t)(offset % CHUNK);
	size_t room = CHUNK - within;

	return (struct part){
	    f->chunk[offset / CHUNK] + within, len < room ? len : room};
}

static int
read_file(sqlite3_file *base, void *to, int len, sqlite3_int64 offset)
{
	struct file *f = (struct file *)base;
	char *out = to;
	size_t left = (size_t)len;

	if (offset + len > f->size) {
		memset(to, 0, (size_t)len);
		left = offset < f->size ? (size_t)(f->size - offset) : 0;
	}
	while (left > 0) {
		struct part p = part_at(f, offset, left);

		memcpy(out, p.at, p.len);
		out += p.len;
		offset += (int64_t)p.len;
		left -= p.len;
	}
	return out == (char *)to + len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
write_file(sqlite3_file *base, const void *from, int len, sqlite3_int64 offset)
{
	struct file *f = (struct file *)base;
	const char *in = from;
	size_t left = (size_t)len;

	if (len > 0 && !reach(f, (size_t)((offset + len - 1) / CHUNK)))
		return SQLITE_NOMEM;
	while (left > 0) {
		struct part p = part_at(f, offset, left);

		memcpy(p.at, in, p.len);
		in += p.len;
		offset += (int64_t)p.len;
		left -= p.len;
	}
	if (offset > f->size)
		f->size = offset;
	return SQLITE_OK;
}

/* What is cut off reads as zero when the file grows again. */
static int
truncate_file(sqlite3_file *base, sqlite3_int64 size)
{
	struct file *f = (struct file *)base;
	size_t keep = (size_t)((size + CHUNK - 1) / CHUNK);

	if (size >= f->size)
		return SQLITE_OK;
	while (f->n_chunks > keep)
		sqlite3_free(f->chunk[--f->n_chunks]);
	if (size % CHUNK != 0)
		memset(f->chunk[keep - 1] + size % CHUNK, 0,
		    (size_t)(CHUNK - size % CHUNK));
	f->size = size;
	return SQLITE_OK;
}

static int
size_of_file(sqlite3_file *base, sqlite3_int64 *size)
{
	*size = ((struct file *)base)->size;
	return SQLITE_OK;
}

static int
nothing(sqlite3_file *base, int flags)
{
	(void)base;
	(void)flags;
	return SQLITE_OK;
}

static int
is_not_reserved(sqlite3_file *base, int *out)
{
	(void)base;
	*out = 0;
	return SQLITE_OK;
}

static int
control(sqlite3_file *base, int op, void *arg)
{
	(void)base;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int
sector_size(sqlite3_file *base)
{
	(void)base;
	return 4096;
}

static int
characteristics(sqlite3_file *base)
{
	(void)base;
	return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = nothing,
    .xFileSize = size_of_file,
    .xLock = nothing,
    .xUnlock = nothing,
    .xCheckReservedLock = is_not_reserved,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

/* ---- the VFS ---- */

static int
open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
    int *out_flags)
{
	struct file *f = (struct file *)base;

	(void)vfs;
	(void)name;
	*f = (struct file){.base.pMethods = &methods};
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static int
delete_file(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	(void)name;
	(void)sync;
	return SQLITE_OK;
}

static int
access_file(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	(void)vfs;
	(void)name;
	(void)flags;
	*out = 0;
	return SQLITE_OK;
}

/* The clock and random numbers stay the system's; no extension is loaded. */
struct sql_temp *
sql_temp_new(void)
{
	struct sql_temp *t = xcalloc(1, sizeof *t);

	snprintf(t->name, sizeof t->name, "weir-%p", (void *)t);
	t->vfs = *sqlite3_vfs_find(NULL);
	t->vfs.iVersion = 2;
	t->vfs.szOsFile = sizeof(struct file);
	t->vfs.pNext = NULL;
	t->vfs.zName = t->name;
	t->vfs.xOpen = open_file;
	t->vfs.xDelete = delete_file;
	t->vfs.xAccess = access_file;
	t->vfs.xDlOpen = NULL;
	t->vfs.xDlError = NULL;
	t->vfs.xDlSym = NULL;
	t->vfs.xDlClose = NULL;
	(void)sqlite3_vfs_register(&t->vfs, 0);
	return t;
}

const char *
sql_temp_name(const struct sql_temp *t)
{
	return t->name;
}

void
sql_temp_free(struct sql_temp *t)
{
	if (t == NULL)
		return;
	(void)sqlite3_vfs_unregister(&t->vfs);
	free(t);
}
