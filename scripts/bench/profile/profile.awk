# SPDX-License-Identifier: GPL-2.0
# Says by function how many instructions more a sample has executed: SYMBOLS, then ADDRESSES.

# Addresses are hexadecimal and of one length, so as text they have the same order.
FILENAME == ARGV[1] {
	if ($2 !~ /^[tTwW]$/)
		next
	start[symbols + 1] = $1
	name[++symbols] = $3 ($4 ? " " $4 : "")
	next
}

# The function that an address is in.
function function_of(address, low, high, middle)
{
	low = 1
	high = symbols
	while (low < high) {
		middle = int((low + high + 1) / 2)
		if (start[middle] "" > address "")
			high = middle - 1
		else
			low = middle
	}
	return address ~ /^ffff/ ? name[low] : "(program)"
}

{ executed[function_of($2), $1] += $3; functions[function_of($2)] = 1 }

# Each request for samples is a phase of forks and one of vforks. The second request is without us,
# the fourth in a container; the others warm up.
END {
	printf "%12s %12s\n", "fork", "vfork"
	for (f in functions)
		printf "%+12.1f %+12.1f  %s\n", (executed[f, 6] - executed[f, 2]) / samples,
			(executed[f, 7] - executed[f, 3]) / samples, f | "sort -k 2 -g -r"
}
