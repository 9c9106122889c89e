# SPDX-License-Identifier: ISC
# Turn files into C string constants: NAME.EXT becomes asset_NAME_EXT[], and its
# SHA-256 in base64 asset_NAME_EXT_hash[].

function flush_file() {
	if (name == "")
		return
	printf "const char asset_%s[] =\n%s;\n", name, text
	printf "const char asset_%s_hash[] = \"%s\";\n", name, hash
}

FNR == 1 {
	flush_file()
	name = FILENAME
	sub(/.*\//, "", name)
	gsub(/[^a-z0-9]/, "_", name)
	text = ""
	command = "sha256sum <" FILENAME " | cut -c1-64 | tr a-f A-F | " \
	    "basenc -d --base16 | base64"
	command | getline hash
	close(command)
}

{
	line = $0
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	text = text (text == "" ? "" : "\n") "    \"" line "\\n\""
}

END { flush_file() }
