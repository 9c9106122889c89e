/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_SQLITE_API_H
#define WEIR_SCHEMA_SQLITE_API_H
/*
 * SQLite itself, for the few files that call it.
 *
 * In the program that is the library it is linked with. In the loadable
 * extension (WEIR_EXTENSION) every call goes through the table which the host
 * hands over, so that there is one SQLite in the process: two that have the
 * same file open drop each other's locks when either closes it (sqlite.org,
 * "How To Corrupt An SQLite Database File", 2.2.1).
 *
 * Files of ours are opened by schema/db.c and nowhere else; db_bulk.c adds to
 * it. query/sql*.c are here for what is no file: tables, functions and an
 * authorizer that SQLite calls, in its own types, which a layer between would
 * only repeat.
 */
#ifdef WEIR_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif

#endif
