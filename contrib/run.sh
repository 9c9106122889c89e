#!/bin/sh
# SPDX-License-Identifier: ISC
# What `make run` does once weir is built: fill an empty store from a capture,
# print the first report, then collect, follow trackings and serve pages, all
# until Ctrl-C.
#   run.sh WEIR DATA_FOLDER CAPTURE [LISTEN [SERVE]]
set -eu
weir=$1 data=$2 capture=$3 listen=${4:-0.0.0.0:2055} serve=${5:-127.0.0.1:8080}

if [ ! -d "$data/shards" ]; then
	echo "$data is empty: filling it from $capture"
	"$weir" import -d "$data" "$capture"
fi
echo
echo "\$ weir report -d $data src,dst lines=10"
"$weir" report -d "$data" src,dst lines=10
echo
echo "open http://$serve/, and point your exporters at UDP port ${listen##*:};"
echo "or, from another terminal:"
echo "  $weir report -d $data src dport=443 from=-1h"
echo "  $weir list -d $data flags=S/SA"
echo

# In the background all of them, as a shell that waits for one in the
# foreground runs no trap; each ends cleanly on SIGTERM.
"$weir" collect -d "$data" -l "$listen" &
collect=$!
"$weir" track run -d "$data" &
track=$!
"$weir" serve -d "$data" -l "$serve" &
web=$!
trap 'kill "$collect" 2>/dev/null || :' HUP INT TERM
trap 'kill "$track" "$web" 2>/dev/null || :; wait' EXIT
status=0
wait "$collect" || status=$?
# A signal to this shell ends its waiting, not yet the collector.
while kill -0 "$collect" 2>/dev/null; do
	status=0
	wait "$collect" || status=$?
done
exit "$status"
