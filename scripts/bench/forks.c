// SPDX-License-Identifier: GPL-2.0
/* Prints the fewest instructions that fork+exit+wait and vfork+exit+wait have taken. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where virtual time is counted in instructions, so is this. */
static unsigned long long now(void)
{
	unsigned int low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (unsigned long long)high << 32 | low;
}

static unsigned long long once(int vforks)
{
	unsigned long long start = now();
	pid_t pid = vforks ? vfork() : fork();

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		exit(1);
	return now() - start;
}

static unsigned long long fewest(int vforks, int times)
{
	unsigned long long min = ULLONG_MAX, took;

	while (times--) {
		took = once(vforks);
		if (took < min)
			min = took;
	}
	return min;
}

int main(void)
{
	printf("%llu %llu\n", fewest(0, 300), fewest(1, 300));
	return 0;
}
