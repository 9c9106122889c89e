#!/bin/bash
# SPDX-License-Identifier: ISC
# Dependencies between folders point one way; prints each include that does not.
#   collector -> schema, query -> schema, report -> query -> schema
# collector/main.c is the one exception: it holds the command table.
set -u
bad=0

forbid() { # FOLDER REGEX-OF-FORBIDDEN-PARTS
	local found
	found=$(grep -rnE "^#include \"($2)/" "$1" --include='*.[ch]' |
	    grep -v '^collector/main\.c:')
	if [ -n "$found" ]; then
		echo "$1 must not include $2:"
		echo "$found"
		bad=1
	fi
}
forbid schema 'collector|query|report|tests'
forbid schema/base 'collector|query|report|tests'
forbid collector 'query|report|tests'
forbid query 'collector|report|tests'
forbid report 'collector|tests'

# Each library stays behind its file.
behind() { # SYMBOL-REGEX FILE...
	local regex=$1 found
	shift
	found=$(grep -rlE "$regex" schema collector query report \
	    --include='*.[ch]' | grep -vxF "$(printf '%s\n' "$@")")
	if [ -n "$found" ]; then
		echo "$regex is only for $*, but also in:" "$found"
		bad=1
	fi
}
# What SQLite calls, or what has no file: see schema/sqlite_api.h.
behind '\bsqlite3_[a-z]' schema/db.c schema/db_bulk.c schema/db_state.h \
    schema/db.h query/sql_*.[ch] query/ext.c
# One thread at a time has its zone in TZ.
behind '\b(localtime_r|mktime) ?\(' schema/base/clock.c
behind '\bpcap_[a-z]' collector/reader_pcap.c
behind '\bSHA256[A-Z]' collector/import.c
behind '\bcfg_[a-z]' schema/conf_read.c
behind '<nettle/' report/pan.c
behind '\byajl_[a-z]' report/out_json.c
behind '<csv\.h>' report/group_csv.c
behind '<zlib\.h>' collector/reader_flowtools.c report/export_flowtools.c
exit $bad
