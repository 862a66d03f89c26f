// SPDX-License-Identifier: GPL-2.0
// What the tests of faults share: the nth allocation of a thread fails, and nothing may be left.
#include "faults.h"

#define DEBUGFS "/sys/kernel/debug/"

/* What all tests of a program together have done */
static struct totals {
	unsigned int faults;
	unsigned int errors;
} *totals;

static __attribute__((destructor)) void say_totals(void)
{
	if (totals && totals->faults)
		printf("# %u faults, %u of them errors\n", totals->faults, totals->errors);
}

bool injectable(void)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc" };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (write_file(text(DEBUGFS "%s/verbose", kinds[i]), "0") ||
		    write_file(text(DEBUGFS "%s/ignore-gfp-wait", kinds[i]), "N"))
			return false;
	}
	write_file(DEBUGFS "fail_page_alloc/min-order", "0");
	return exists("/proc/thread-self/fail-nth");
}

static __attribute__((constructor)) void count_for_all_tests(void)
{
	if (exists("/proc/thread-self/fail-nth"))
		totals = shared_memory(sizeof(*totals));
}

/* Let the next allocations of this thread succeed but for the @nth; 0: all succeed. */
static void fail_nth(int fd, unsigned int nth)
{
	const char *line = text("%u", nth);

	if (pwrite(fd, line, strlen(line), 0) < 0)
		abort();
}

static bool has_failed(int fd)
{
	char left[16] = "";

	return pread(fd, left, sizeof(left) - 1, 0) > 0 && atoi(left) == 0;
}

/* One round: the operation, undone after it; @failed tells whether it has met the fault. */
static const char *with_fault(const struct operation *operation, const char *before, int fd,
			      unsigned int nth, bool *failed)
{
	int error;

	fail_nth(fd, nth);
	error = operation->run();
	*failed = has_failed(fd);
	fail_nth(fd, 0);
	totals->faults += *failed;
	totals->errors += !!error;
	if (error && !*failed)
		return text("error %d without a fault", error);
	if (error && error != -ENOMEM && error != -EAGAIN)
		return text("allocation %u: error %d", nth, error);
	if (error && !wait_until(!strcmp(before, operation->state())))
		return text("allocation %u has left: %s, not: %s", nth, operation->state(), before);
	/* Now there is memory. */
	error = (error ? operation->run() : 0) ?: operation->undo();
	if (error)
		return text("error %d after the fault of allocation %u", error, nth);
	if (!wait_until(!strcmp(before, operation->state())))
		return text("after allocation %u: %s, not: %s", nth, operation->state(), before);
	return NULL;
}

const char *with_each_fault(const struct operation *operation)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	const int step = operation->slow && scaled(100) < 100 ? 100 / scaled(100) : 1;
	const char *problem = NULL;
	char before[4096];
	bool failed = true;
	unsigned int nth;

	if (fd < 0)
		return "no fail-nth";
	snprintf(before, sizeof(before), "%s", operation->state());
	for (nth = 1; failed && !problem; nth += step)
		problem = with_fault(operation, before, fd, nth, &failed);
	close(fd);
	return problem;
}

void fail_later(unsigned int nth)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		abort();
	fail_nth(fd, nth);
}

int undo_nothing(void)
{
	return 0;
}

static pid_t last_child;

int run_fork(void)
{
	/* Not that of the C library, which has allocations of its own. */
	last_child = syscall(SYS_fork);
	if (last_child < 0)
		return -errno;
	if (last_child == 0)
		_exit(0);
	return 0;
}

int undo_fork(void)
{
	return reap(last_child);
}
