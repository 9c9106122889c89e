#!/bin/sh
# SPDX-License-Identifier: ISC
# What a router calls its interfaces, as a section of weir's configuration:
#
#   snmpwalk -v2c -c COMMUNITY ROUTER ifXTable |
#       sh interfaces.sh core1 192.0.2.1 > /etc/weir/exporters.d/core1.conf
#
# with `include = "exporters.d/*.conf"` in /etc/weir/weir.conf. Reads what
# snmpwalk prints, with and without MIBs, and lines ADDRESS:INDEX:NAME or
# NAME:INDEX:NAME, as FlowViewer's NamedInterfaces files have them, of this
# address or name.
set -eu
[ $# -eq 2 ] || {
	echo "usage: interfaces.sh NAME ADDRESS <WALK" >&2
	exit 2
}

exec awk -v name="$1" -v address="$2" '
# The text of a value of snmpwalk, without the quotes it may have.
function value_of(line) {
	sub(/^[^=]*= */, "", line)
	sub(/^[A-Za-z0-9]+: */, "", line)
	sub(/[ \r]+$/, "", line)
	if (line ~ /^".*"$/)
		line = substr(line, 2, length(line) - 2)
	return line
}

# In double quotes, for the configuration.
function quoted(text) {
	gsub(/[[:cntrl:]]/, " ", text)
	gsub(/[\\"$]/, "\\\\&", text)
	return "\"" text "\""
}

function note(index_, what, text) {
	if (!(index_ in seen)) {
		seen[index_] = 1
		order[++n] = index_
	}
	if (text != "")
		known[index_, what] = text
}

BEGIN {
	# IF-MIB (RFC 2863), by name and by number.
	column["ifName"] = column["31.1.1.1.1"] = "name"
	column["ifAlias"] = column["31.1.1.1.18"] = "description"
	column["ifHighSpeed"] = column["31.1.1.1.15"] = "speed"
	column["ifDescr"] = column["2.2.1.2"] = "descr"
}

/=/ {
	oid = $1
	if (!sub(/^IF-MIB::/, "", oid) &&
	    !sub(/^(iso|\.?1)\.3\.6\.1\.2\.1\./, "", oid))
		next
	index_ = oid
	sub(/.*\./, "", index_)
	sub(/\.[0-9]+$/, "", oid)
	if (oid in column && index_ ~ /^[0-9]+$/)
		note(index_ + 0, column[oid], value_of($0))
	next
}

{
	sub(/[ \r]+$/, "")
	part = split($0, field, ":")
	if (/^#/ || part < 3)
		next
	label = $0
	# An IPv6 address has colons of its own.
	if (index($0, address ":") == 1)
		label = substr($0, length(address) + 2)
	else if (index($0, name ":") == 1)
		label = substr($0, length(name) + 2)
	else
		next
	index_ = label
	sub(/:.*/, "", index_)
	sub(/^[0-9]+:/, "", label)
	if (index_ ~ /^[0-9]+$/)
		note(index_ + 0, "name", label)
}

END {
	printf "exporter %s {\n\taddress = %s\n", name, address
	for (i = 1; i <= n; i++) {
		index_ = order[i]
		called = known[index_, "name"]
		if (called == "")
			called = known[index_, "descr"]
		printf "\tinterface %d {\n", index_
		if (called != "")
			printf "\t\tname = %s\n", quoted(substr(called, 1, 64))
		if (known[index_, "description"] != "")
			printf "\t\tdescription = %s\n",
			    quoted(substr(known[index_, "description"], 1, 255))
		if (known[index_, "speed"] + 0 > 0)
			printf "\t\tspeed = %dM\n", known[index_, "speed"]
		print "\t}"
	}
	print "}"
}'
