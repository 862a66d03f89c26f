# SPDX-License-Identifier: GPL-2.0
# The rows about growth as SVG: what is added to a fork and exit, over how many there are of what.

BEGIN {
	FS = "\t"
	width = 420
	height = 260
	split("#0b62a4 #c8471c #4b8b3b #7a4b9c", colour, " ")
}

$1 ~ /, by / && !($1 in metrics) { rows[++nr_rows] = $1 }
$1 ~ /, by / && !(($1, $3) in seen) { seen[$1, $3] = 1; metric[$1, ++metrics[$1]] = $3 }
$1 ~ /, by / && $2 != "without us" && !($2 in index_of) { index_of[$2] = ++subjects; subject[subjects] = $2 }
$1 ~ /, by / { number[$1, $2, $3] = $4 }

function added(row, name, what)
{
	return number[row, name, what] - number[row, "without us", what]
}

function highest(r, i, j, max)
{
	max = 100
	for (r = 1; r <= nr_rows; r++)
		for (i = 1; i <= subjects; i++)
			for (j = 1; j <= metrics[rows[r]]; j++)
				if (added(rows[r], subject[i], metric[rows[r], j]) > max)
					max = added(rows[r], subject[i], metric[rows[r], j])
	return max
}

function x_of(what)
{
	return 60 + log(what) / log(30000) * (width - 90)
}

function y_of(value)
{
	return height - 40 - value / top * (height - 80)
}

function text(x, y, anchor, what)
{
	printf "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, what
}

function axes(row, j, k, value)
{
	text(60, 24, "start", row)
	for (k = 0; k <= 4; k++) {
		value = top * k / 4
		printf "<path d=\"M60 %.0fH%d\" stroke=\"#ddd\"/>\n", y_of(value), width - 20
		text(54, y_of(value) + 4, "end", sprintf("%+d", value))
	}
	for (j = 1; j <= metrics[row]; j++)
		text(x_of(metric[row, j]), height - 22, "middle", metric[row, j])
}

function curve(row, i, j, points, x, y)
{
	for (j = 1; j <= metrics[row]; j++) {
		x = x_of(metric[row, j])
		y = y_of(added(row, subject[i], metric[row, j]))
		points = points sprintf(" %.0f,%.0f", x, y)
		printf "<circle cx=\"%.0f\" cy=\"%.0f\" r=\"3\" fill=\"%s\"/>\n", x, y, colour[i]
	}
	printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\"/>\n", points, colour[i]
}

END {
	# Up to the next multiple of 400.
	top = (int(highest() / 400) + 1) * 400
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" " \
		"font-family=\"sans-serif\" font-size=\"12\">\n", 2 * width, 2 * height + 40
	print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
	text(60, 24, "start", "Instructions that are added to a fork and exit")
	for (i = 1; i <= subjects; i++)
		printf "<text x=\"%d\" y=\"24\" fill=\"%s\">%s</text>\n", 300 + 130 * i, colour[i],
			subject[i]
	for (r = 1; r <= nr_rows; r++) {
		printf "<g transform=\"translate(%d,%d)\">\n", (r - 1) % 2 * width,
			int((r - 1) / 2) * height + 40
		axes(rows[r])
		for (i = 1; i <= subjects; i++)
			curve(rows[r], i)
		print "</g>"
	}
	print "</svg>"
}
