#!/bin/sh
# SPDX-License-Identifier: ISC
# Install the Debian packages named that are missing; silent when none is.
set -eu

missing=
for package in "$@"; do
	dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
	    grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "weir needs these Debian packages; as root run:" >&2
		echo "  apt-get install$missing" >&2
		exit 1
	fi
	sudo=sudo
fi
echo "installing Debian packages:$missing"
# Word splitting is meant: a list of packages.
# shellcheck disable=SC2086
{
	$sudo apt-get update -qq
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends $missing </dev/null >/dev/null
}
