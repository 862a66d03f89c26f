// SPDX-License-Identifier: GPL-2.0
/* Measures fork+exit+wait and vfork+exit+wait, when a line with a number of samples comes in. */
#include "bench.h"
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * One process measures all rows, for then its own memory is the same in all of them. What else
 * differs in a kernel that does the same:
 * - Whom the scheduler lets run first. SCHED_BATCH leaves the child running when its end wakes us.
 * - From pid 4096 on the tree of pids has one more level, for as long as there is such a pid.
 * - Which lists of free pages are empty. So we go on from another state after each batch.
 */
#define PIDS 4096
#define BATCH 50

/*
 * On some kernels one sample in thousands takes a way that is much shorter, whatever is measured.
 * So what counts is the fewest that so many batches agree about, to within 1 %.
 */
#define AGREE 3
#define BATCHES_MAX 1000

static pid_t new_process(unsigned long flags)
{
	/* Not the C library's: it writes to pages that are then to be copied. */
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static unsigned long long sample_fork(void *none)
{
	unsigned long long start = now();
	pid_t pid = new_process(0);

	(void)none;
	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("fork");
	return now() - start;
}

static unsigned long long sample_vfork(void *none)
{
	unsigned long long start = now();
	pid_t pid = vfork();

	(void)none;
	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("vfork");
	return now() - start;
}

static pid_t sleeping_child(void)
{
	pid_t pid = new_process(0);

	if (pid < 0)
		die("fork");
	while (!pid)
		pause();
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int compare(const void *a, const void *b)
{
	unsigned long long first = *(const unsigned long long *)a;
	unsigned long long second = *(const unsigned long long *)b;

	return first < second ? -1 : first > second;
}

static unsigned long long agreed(unsigned long long *numbers, unsigned int nr)
{
	unsigned int i;

	qsort(numbers, nr, sizeof(*numbers), compare);
	for (i = 0; i + AGREE <= nr; i++)
		if (numbers[i + AGREE - 1] - numbers[i] <= numbers[i] / 100)
			return numbers[i];
	return numbers[0];
}

static unsigned long long fewest_shaken(unsigned int times, sample_t sample)
{
	/* Not from the heap, which may grow: the more memory there is, the more a fork takes. */
	static unsigned long long batches[BATCHES_MAX];
	unsigned int i, nr = times / BATCH;
	pid_t child[8] = {};

	if (nr < AGREE)
		nr = AGREE;
	if (nr > BATCHES_MAX)
		nr = BATCHES_MAX;
	for (i = 0; i < nr; i++) {
		pid_t *other = &child[i % 8];

		if (*other)
			end(*other);
		*other = *other ? 0 : sleeping_child();
		batches[i] = fewest(BATCH, sample, NULL);
	}
	for (i = 0; i < 8; i++)
		if (child[i])
			end(child[i]);
	return agreed(batches, nr);
}

int main(void)
{
	const struct sched_param none = {};
	unsigned int count;
	char line[80];
	pid_t high;

	if (sched_setscheduler(0, SCHED_BATCH, &none))
		die("scheduler");
	do {
		high = sleeping_child();
		if (high < PIDS)
			end(high);
	} while (high < PIDS);
	while (fgets(line, sizeof(line), stdin)) {
		count = strtoul(line, NULL, 10);
		printf("%llu ", fewest_shaken(count, sample_fork));
		printf("%llu\n", fewest_shaken(count, sample_vfork));
		fflush(stdout);
	}
	end(high);
	return 0;
}
