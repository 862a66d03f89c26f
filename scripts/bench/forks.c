// SPDX-License-Identifier: GPL-2.0
/* Prints the fewest instructions that fork+exit+wait and vfork+exit+wait have taken. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where virtual time is counted in instructions, so is this. */
static uint64_t now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static uint64_t once(int vforks)
{
	uint64_t start = now();
	pid_t pid = vforks ? vfork() : fork();

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		exit(1);
	return now() - start;
}

static uint64_t fewest(int vforks, int times)
{
	uint64_t min = UINT64_MAX, took;

	while (times--) {
		took = once(vforks);
		if (took < min)
			min = took;
	}
	return min;
}

int main(void)
{
	printf("%llu %llu\n", (unsigned long long)fewest(0, 300),
	       (unsigned long long)fewest(1, 300));
	return 0;
}
