#!/bin/bash
# SPDX-License-Identifier: ISC
# Static checks. lint.sh SOURCE... -- TEST_SOURCE...
set -u
sources=() tests=() bad=0
while [ $# -gt 0 ] && [ "$1" != -- ]; do sources+=("$1"); shift; done
[ $# -eq 0 ] || shift
tests=("$@")
mapfile -t headers < <(git ls-files '*.h' | grep -v '^tests/')
mapfile -t all_headers < <(git ls-files '*.h')
build=build/lint
mkdir -p $build
awk -v header=1 -f schema/embed.awk ./*/*.sql ./schema/migrate/*.sql >$build/sql.h

step() { printf 'lint: %s\n' "$1"; }

step 'clang-format'
clang-format --dry-run -Werror "${sources[@]}" "${tests[@]}" "${all_headers[@]}" ||
    bad=1

step 'banned calls'
# They overflow, keep static state,
# or start a shell.
banned='strcpy|strcat|strncpy|sprintf|vsprintf|strtok|gets|atoi|atol|atof'
banned="$banned|localtime|gmtime|ctime|asctime|system|popen|alloca|tmpnam"
if grep -nE "(^|[^a-zA-Z0-9_>.])($banned) ?\(" "${sources[@]}" "${tests[@]}"; then
	echo 'banned: see tests/lint.sh'
	bad=1
fi

step 'headers compile alone'
for h in "${headers[@]}"; do
	gcc -std=c17 -D_GNU_SOURCE -Wall -Wextra -I. -I$build -fsyntax-only \
	    -x c "$h" || bad=1
done

step 'cppcheck'
cppcheck -q --std=c11 --error-exitcode=1 --inline-suppr -I. -I$build \
    --enable=warning,performance,portability \
    --suppress=missingInclude --suppress=normalCheckLevelMaxBranches \
    -D_GNU_SOURCE '-DWEIR_VERSION=""' "${sources[@]}" || bad=1

step 'clang-tidy'
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 6 sh -c \
    'clang-tidy --quiet "$@" -- -std=c17 -D_GNU_SOURCE \
    -DWEIR_VERSION="\"\"" -I. -Ibuild/lint 2>/dev/null' sh || bad=1

step 'shellcheck'
git ls-files '*.sh' .ci/run | xargs shellcheck || bad=1

step 'mandoc'
# Below warnings: what is not in this machine's index of pages.
git ls-files '*.[1-8]' | xargs mandoc -T lint -W warning || bad=1

[ $bad = 0 ] && echo 'lint: clean'
exit $bad
