// SPDX-License-Identifier: GPL-2.0
// What the stress tests share: families of tasks, made in every way, that look where they are.
#include "family.h"

#include <stdarg.h>

struct ledger *ledger;

void ledger_open(void)
{
	ledger = shared_memory(sizeof(*ledger));
}

void complain(const char *format, ...)
{
	va_list args;

	if (ledger->complaints++)
		return;
	va_start(args, format);
	vsnprintf(ledger->complaint, sizeof(ledger->complaint), format, args);
	va_end(args);
}

int which_place(const struct family *family)
{
	const char *where = where_am_i();
	int place;

	for (place = 0; place < 2; place++)
		if (!strcmp(where, family->places[place]))
			break;
	return place;
}

/* What every new task does */
static void arrive(const struct family *family, const char *what)
{
	ledger->tasks++;
	if (which_place(family) == 2)
		complain("%s of %s is in %s", what, family->places[0], where_am_i());
}

/* What this program does when a test executes it: PROGRAM --check PLACE PLACE */
static __attribute__((constructor)) void check(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--check"))
		_exit(which_place(&(struct family) { { argv[2], argv[3] } }));
}

static void execute(const struct family *family)
{
	execl("/proc/thread-self/exe", "family", "--check", family->places[0], family->places[1],
	      NULL);
	_exit(127);
}

static void expect_end(const struct family *family, pid_t pid, const char *what)
{
	int status = reap(pid);

	if (status)
		complain("%s of %s ended with %d", what, family->places[0], status);
}

int expect_place(const struct family *family, pid_t pid, const char *what)
{
	int place = reap(pid);

	if (place > 1)
		complain("%s of %s ended with %d", what, family->places[0], place);
	return place;
}

static void make_by_fork(const struct family *family)
{
	pid_t pid = child();

	if (pid == 0) {
		arrive(family, "a child");
		/* Its own child outlives it. */
		if (fork() == 0)
			arrive(family, "an orphan");
		_exit(0);
	}
	expect_end(family, pid, "a child");
}

static void make_by_vfork(const struct family *family)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(which_place(family));
	ledger->tasks++;
	expect_place(family, pid, "a child by vfork");
}

static void make_by_exec(const struct family *family)
{
	pid_t pid = vfork();

	if (pid == 0)
		execute(family);
	ledger->tasks++;
	expect_place(family, pid, "a program");
}

static void *thread_of(void *family)
{
	pid_t pid;

	arrive(family, "a thread");
	pid = fork();
	if (pid == 0) {
		arrive(family, "a thread's child");
		_exit(0);
	}
	expect_end(family, pid, "a thread's child");
	return NULL;
}

/* A process that ends while its threads still run, which may be forking */
static void make_by_threads(const struct family *family)
{
	pid_t pid = child();
	pthread_t threads[4];
	int i;

	if (pid == 0) {
		arrive(family, "a process");
		for (i = 0; i < 4; i++)
			if (pthread_create(&threads[i], NULL, thread_of, (void *)family))
				_exit(1);
		for (i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		_exit(0);
	}
	expect_end(family, pid, "a process with threads");
}

static void *execute_in_thread(void *family)
{
	ledger->tasks++;
	execute(family);
	return NULL;
}

/* A process that is replaced by a program that a thread of it calls */
static void make_by_exec_in_thread(const struct family *family)
{
	pid_t pid = child();
	pthread_t thread;

	if (pid == 0) {
		arrive(family, "a process");
		if (pthread_create(&thread, NULL, execute_in_thread, (void *)family))
			_exit(127);
		for (;;)
			pause();
	}
	expect_place(family, pid, "a thread's program");
}

#define WAYS 5

static void (* const ways[WAYS])(const struct family *family) = {
	make_by_fork, make_by_vfork, make_by_exec, make_by_threads, make_by_exec_in_thread,
};

void make_task(const struct family *family, unsigned int way)
{
	ways[way % WAYS](family);
}
