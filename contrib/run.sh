#!/bin/sh
# SPDX-License-Identifier: ISC
# What `make run` does once weir is built: fill an empty store from a capture,
# print the first report, collect until Ctrl-C.
#   run.sh WEIR DATA_FOLDER CAPTURE [LISTEN]
set -eu
weir=$1 data=$2 capture=$3 listen=${4:-0.0.0.0:2055}

if [ ! -d "$data/shards" ]; then
	echo "$data is empty: filling it from $capture"
	"$weir" import -d "$data" "$capture"
fi
echo
echo "\$ weir report -d $data src,dst lines=10"
"$weir" report -d "$data" src,dst lines=10
echo
echo "point your exporters at UDP port ${listen##*:}; then, from another terminal:"
echo "  $weir report -d $data src dport=443 from=-1h"
echo "  $weir list -d $data flags=S/SA"
echo
exec "$weir" collect -d "$data" -l "$listen"
