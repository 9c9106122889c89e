# SPDX-License-Identifier: ISC
# Turn statements of .sql files into C string constants: each begins at a line
# "-- :name NAME" and becomes `const char sql_NAME[]`. With -v header=1 prints
# the declarations instead. Text before the first name is for readers alone.

function flush_statement() {
	if (name == "")
		return
	if (header)
		printf "extern const char sql_%s[];\n", name
	else
		printf "const char sql_%s[] =\n%s;\n", name, text
}

/^-- :name / {
	flush_statement()
	name = $3
	text = ""
	next
}

name != "" {
	line = $0
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	text = text (text == "" ? "" : "\n") "    \"" line "\\n\""
}

END { flush_statement() }
