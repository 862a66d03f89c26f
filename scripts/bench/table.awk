# SPDX-License-Identifier: GPL-2.0
# The measured numbers as tables for people, one for each row; what is known without us is taken off.

BEGIN { FS = "\t" }

# The order in which they come is that of rows, and within a row of subjects and of metrics.
!($1 in subjects) { rows[++nr_rows] = $1 }
!(($1, $2) in seen) { seen[$1, $2] = 1; subject[$1, ++subjects[$1]] = $2 }
!(($1, "", $3) in seen) { seen[$1, "", $3] = 1; metric[$1, ++metrics[$1]] = $3 }
{ number[$1, $2, $3] = $4 }
NF == 5 { reason[$1, $2] = $5 }

function cell(row, subject, metric, value, base)
{
	value = number[row, subject, metric]
	base = number[row, "without us", metric]
	if (base == "" || subject == "without us" || value !~ /^[0-9]/)
		return value
	return sprintf("%+d", value - base)
}

function column(name, text)
{
	printf "  %" (length(name) > 14 ? length(name) : 14) "s", text
}

function table(row, i, j, name)
{
	printf "\n%-43s", row
	for (j = 1; j <= metrics[row]; j++)
		column(metric[row, j], metric[row, j])
	print ""
	for (i = 1; i <= subjects[row]; i++) {
		name = subject[row, i]
		printf "  %-41s", name
		for (j = 1; j <= metrics[row]; j++)
			column(metric[row, j], cell(row, name, metric[row, j]))
		print (row, name) in reason ? "  (" reason[row, name] ")" : ""
	}
}

END {
	print "Instructions, the fewest of all samples; with a sign: added to \"without us\"."
	for (r = 1; r <= nr_rows; r++)
		table(rows[r])
}
