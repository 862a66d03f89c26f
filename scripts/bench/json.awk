# SPDX-License-Identifier: GPL-2.0
# The measured numbers as JSON; "added" is what a number is more than without us.

BEGIN { FS = "\t" }

function quoted(text)
{
	gsub(/["\\]/, "\\\\&", text)
	return "\"" text "\""
}

{ line[NR] = $0; number[$1, $2, $3] = $4 }

END {
	print "["
	for (i = 1; i <= NR; i++) {
		split(line[i], part)
		printf "  {\"row\": %s, \"subject\": %s, \"metric\": %s, ", quoted(part[1]),
			quoted(part[2]), quoted(part[3])
		if (part[4] == "n/a")
			printf "\"number\": null, \"reason\": %s", quoted(part[5])
		else
			printf "\"number\": %s", part[4]
		base = number[part[1], "without us", part[3]]
		if (base != "" && part[4] != "n/a")
			printf ", \"added\": %d", part[4] - base
		print i < NR ? "}," : "}"
	}
	print "]"
}
