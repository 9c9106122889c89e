#!/bin/bash
# SPDX-License-Identifier: ISC
# Run every test of each build folder named: the unit programs, the fuzz
# corpora, the end-to-end tests of tests/e2e. The last line is
# "N passed, N failed".
set -u
export TZ=UTC LC_ALL=C LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# count PASSED FAILED STATUS NAME: a program that dies counts as one failure.
count() {
	local ok=$1 bad=$2
	[ "$3" = 0 ] || [ "$bad" -gt 0 ] || bad=1
	passed=$((passed + ok)) failed=$((failed + bad))
	if [ "$bad" = 0 ]; then
		printf 'ok    %-40s %4d\n' "$4" "$ok"
	else
		printf 'FAIL  %-40s %4d of %d failed\n' "$4" "$bad" $((ok + bad))
		cat "$log"
	fi
}

run_all() { # BUILD_FOLDER
	local build=$1 source name files status script ran bad
	export WEIR=$PWD/$build/weir
	for source in tests/schema/*.c tests/collector/*.c tests/query/*.c \
	    tests/report/*.c; do
		[ -e "$source" ] || continue
		"$build/${source%.c}" >"$log" 2>&1
		status=$?
		# cmocka exits with the number of tests that failed.
		bad=$((status < 128 ? status : 1))
		count "$(grep -c '^\[       OK \]' "$log")" $bad $status \
		    "${source%.c}"
	done

	for source in tests/fuzz/*.c; do
		[ -e "$source" ] || continue
		name=${source##*/fuzz_} name=${name%.c}
		files=(tests/fuzz/corpus/"$name"/*)
		"$build/${source%.c}" "${files[@]}" >"$log" 2>&1
		status=$?
		count $((status == 0 ? ${#files[@]} : 0)) 0 $status "${source%.c}"
	done

	for script in tests/e2e/test_*.py; do
		[ -e "$script" ] || continue
		python3 -B "$script" -v >"$log" 2>&1
		status=$?
		ran=$(sed -n 's/^Ran \([0-9]*\) test.*/\1/p' "$log")
		bad=$(sed -n 's/^FAILED (\(.*\))/\1/p' "$log" | tr -dc '0-9=,' |
		    tr , '\n' | awk -F= '{n += $2} END {print n + 0}')
		count $((${ran:-0} - bad)) "$bad" $status "$script"
	done
}

for build in "$@"; do
	echo "$build:"
	run_all "$build"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
