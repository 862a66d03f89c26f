/* SPDX-License-Identifier: GPL-2.0 */
/* What the measuring programs share: a clock that counts instructions, and the fewest of many. */
#ifndef CONTAINERFS_BENCH_H
#define CONTAINERFS_BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute((__format__(printf, 1, 2), noreturn))
static inline void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

/* Where virtual time is counted in instructions, as with scripts/vm -i, so is this. */
static inline unsigned long long now(void)
{
#if defined(__x86_64__)
	unsigned int low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (unsigned long long)high << 32 | low;
#elif defined(__aarch64__)
	unsigned long long ticks, hz;

	/* It ticks more slowly than instructions are executed: one takes a nanosecond. */
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	return ticks * 1000000 / (hz / 1000);
#else
#error "This architecture has no clock here yet."
#endif
}

/* What one sample takes; it may prepare itself before it looks at the clock. */
typedef unsigned long long (*sample_t)(void *arg);

/* An interrupt only ever adds something, so the fewest are what the thing itself takes. */
static inline unsigned long long fewest(unsigned int times, sample_t sample, void *arg)
{
	unsigned long long min = ULLONG_MAX, took;

	while (times--) {
		took = sample(arg);
		if (took < min)
			min = took;
	}
	return min;
}

#endif
