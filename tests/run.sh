#!/bin/bash
# SPDX-License-Identifier: ISC
# Run every test: the unit programs, the fuzz corpora, the end-to-end tests of
# tests/e2e. WEIR is the program, BUILD its build folder. The last line is
# "N passed, N failed".
set -u
export TZ=UTC LC_ALL=C
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

for source in tests/schema/*.c tests/collector/*.c tests/query/*.c \
    tests/report/*.c; do
	[ -e "$source" ] || continue
	"$BUILD/${source%.c}" >"$log" 2>&1
	status=$?
	count "$(grep -c '^\[       OK \]' "$log")" \
	    "$(grep -c '^\[  FAILED  \] [a-z]' "$log")" $status "${source%.c}"
done

for source in tests/fuzz/*.c; do
	[ -e "$source" ] || continue
	name=${source##*/fuzz_} name=${name%.c}
	files=(tests/fuzz/corpus/"$name"/*)
	"$BUILD/${source%.c}" "${files[@]}" >"$log" 2>&1
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

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
