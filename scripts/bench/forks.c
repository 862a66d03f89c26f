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

static unsigned long long fewest_shaken(unsigned int times, sample_t sample)
{
	unsigned long long min = ULLONG_MAX, batch;
	pid_t child[8] = {};
	unsigned int i;

	for (i = 0; i < times; i += BATCH) {
		pid_t *other = &child[i / BATCH % 8];

		if (*other)
			end(*other);
		*other = *other ? 0 : sleeping_child();
		batch = fewest(BATCH, sample, NULL);
		if (batch < min)
			min = batch;
	}
	for (i = 0; i < 8; i++)
		if (child[i])
			end(child[i]);
	return min;
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
