#!/bin/bash
# SPDX-License-Identifier: ISC
# Run every test of each build folder named, as many at a time as there are
# cores: the end-to-end tests of tests/e2e, which take longest, the unit
# programs, the fuzz corpora. The last line is "N passed, N failed".
set -u
export TZ=UTC LC_ALL=C LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
results=$(mktemp -d)
export results
trap 'rm -rf "$results"' EXIT

# count PASSED FAILED STATUS LOG NAME: a program that dies counts as one
# failure.
count() {
	local ok=$1 bad=$2
	[ "$3" = 0 ] || [ "$bad" -gt 0 ] || bad=1
	(
		flock 9
		echo "$ok $bad" >>"$results/counts"
		if [ "$bad" = 0 ]; then
			printf 'ok    %-52s %4d %4d s\n' "$5" "$ok" $SECONDS
		else
			printf 'FAIL  %-52s %4d of %d failed\n' "$5" "$bad" \
			    $((ok + bad))
			cat "$4"
		fi
	) 9>"$results/lock"
}

unit() { # BUILD_FOLDER SOURCE
	local status log
	log=$(mktemp -p "$results")
	"$1/${2%.c}" >"$log" 2>&1
	status=$?
	# cmocka exits with the number of tests that failed.
	count "$(grep -c '^\[       OK \]' "$log")" \
	    $((status < 128 ? status : 1)) $status "$log" "$1: ${2%.c}"
}

fuzz() { # BUILD_FOLDER SOURCE
	local status log name=${2##*/fuzz_} files
	log=$(mktemp -p "$results")
	files=(tests/fuzz/corpus/"${name%.c}"/*)
	"$1/${2%.c}" "${files[@]}" >"$log" 2>&1
	status=$?
	count $((status == 0 ? ${#files[@]} : 0)) 0 $status "$log" \
	    "$1: ${2%.c}"
}

e2e() { # BUILD_FOLDER SCRIPT
	local status log ran bad
	log=$(mktemp -p "$results")
	WEIR=$PWD/$1/weir python3 -B "$2" -v >"$log" 2>&1
	status=$?
	ran=$(sed -n 's/^Ran \([0-9]*\) test.*/\1/p' "$log")
	bad=$(sed -n 's/^FAILED (\(.*\))/\1/p' "$log" | tr -dc '0-9=,' |
	    tr , '\n' | awk -F= '{n += $2} END {print n + 0}')
	count $((${ran:-0} - bad)) "$bad" $status "$log" "$1: $2"
}
export -f count unit fuzz e2e

jobs() { # BUILD_FOLDER...
	local build file
	for build in "$@"; do
		for file in tests/e2e/test_*.py; do
			printf '%s\0' e2e "$build" "$file"
		done
	done
	for build in "$@"; do
		for file in tests/{schema,collector,query,report}/*.c; do
			printf '%s\0' unit "$build" "$file"
		done
		for file in tests/fuzz/*.c; do
			printf '%s\0' fuzz "$build" "$file"
		done
	done
}

# shellcheck disable=SC2016 # the inner shell expands it
jobs "$@" | xargs -0 -n 3 -P "$(nproc)" bash -c '"$@"' job
awk '{ok += $1; bad += $2}
     END {printf "%d passed, %d failed\n", ok, bad; exit bad > 0 || !ok}' \
    "$results/counts"
