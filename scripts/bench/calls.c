// SPDX-License-Identifier: GPL-2.0
/*
 * Measures system calls on the files of a group, in instructions: calls COUNT
 *   mkdir DIRECTORY          making and removing it
 *   read FILE                opening, reading and closing it
 *   list DIRECTORY           opening, listing and closing it
 *   newborn                  opening and closing /proc/PID/stat of a new process
 *   ps                       what "ps -e" does in /proc where twenty processes are new
 *   attach TID FILE OTHER    writing the id to one, then to the other; also how long that waits
 */
#include "bench.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned long long sample_mkdir(void *name)
{
	unsigned long long start = now();

	if (mkdir(name, 0755) || rmdir(name))
		die("%s", (char *)name);
	return now() - start;
}

static unsigned long long sample_read(void *name)
{
	static char buffer[1 << 16];
	unsigned long long start = now();
	int fd = open(name, O_RDONLY);
	ssize_t length;

	if (fd < 0)
		die("%s", (char *)name);
	do
		length = read(fd, buffer, sizeof(buffer));
	while (length > 0);
	close(fd);
	if (length)
		die("%s", (char *)name);
	return now() - start;
}

static unsigned long long sample_list(void *name)
{
	unsigned long long start = now();
	DIR *dir = opendir(name);

	if (!dir)
		die("%s", (char *)name);
	while (readdir(dir))
		;
	closedir(dir);
	return now() - start;
}

#define NEWBORNS 20

static pid_t newborn[NEWBORNS];

static void bear(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		newborn[i] = fork();
		if (newborn[i] < 0)
			die("fork");
		if (!newborn[i])
			for (;;)
				pause();
	}
	/* They have run, and sleep. */
	usleep(20000);
}

static void bury(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		kill(newborn[i], SIGKILL);
		waitpid(newborn[i], NULL, 0);
	}
}

static unsigned long long sample_newborn(void *none)
{
	unsigned long long start, took;
	char name[40];
	int fd;

	(void)none;
	bear(1);
	sprintf(name, "/proc/%d/stat", newborn[0]);
	start = now();
	fd = open(name, O_RDONLY);
	if (fd < 0)
		die("%s", name);
	close(fd);
	took = now() - start;
	bury(1);
	return took;
}

/* A process may be gone before it is looked at. */
static void look_at(const char *pid, const char *file)
{
	static char buffer[4096];
	char name[300];
	int fd;

	snprintf(name, sizeof(name), "/proc/%s/%s", pid, file);
	fd = open(name, O_RDONLY);
	if (fd < 0)
		return;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
}

static unsigned long long sample_ps(void *none)
{
	unsigned long long start, took;
	struct dirent *entry;
	DIR *proc;

	(void)none;
	bear(NEWBORNS);
	start = now();
	proc = opendir("/proc");
	if (!proc)
		die("/proc");
	while ((entry = readdir(proc))) {
		if (!isdigit(*entry->d_name))
			continue;
		look_at(entry->d_name, "stat");
		look_at(entry->d_name, "status");
	}
	closedir(proc);
	took = now() - start;
	bury(NEWBORNS);
	return took;
}

/* What this thread has executed, in nanoseconds, each of which is an instruction. */
static unsigned long long cpu_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static long sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

struct write {
	int fd;
	const char *text;
	unsigned long long instructions;
	unsigned long long wait;
};

/* Those before may have made the next one cheaper, as long as they are not forgotten. */
static void sample_write(struct write *w)
{
	unsigned long long start, busy;
	long slept;

	usleep(100000);
	slept = sleeps();
	start = now();
	busy = cpu_time();
	if (w->fd >= 0 && write(w->fd, w->text, strlen(w->text)) < 0)
		die("writing %s", w->text);
	w->instructions = cpu_time() - busy;
	/* Who has only been interrupted has not waited. */
	if (sleeps() != slept)
		w->wait = now() - start - w->instructions;
}

/* The fewest instructions and the median of the waits. */
static struct write writes(unsigned int times, const char *text, int fd, int other)
{
	struct write best = { .instructions = ULLONG_MAX }, w;
	unsigned long long wait[times];
	unsigned int i, j;

	for (i = 0; i < times; i++) {
		w = (struct write){ .fd = i % 2 ? other : fd, .text = text };
		sample_write(&w);
		if (w.instructions < best.instructions)
			best.instructions = w.instructions;
		for (j = i; j && wait[j - 1] > w.wait; j--)
			wait[j] = wait[j - 1];
		wait[j] = w.wait;
	}
	best.wait = wait[times / 2];
	return best;
}

static void attach(unsigned int times, char **argv)
{
	int fd = open(argv[1], O_WRONLY), other = open(argv[2], O_WRONLY);
	struct write nothing = writes(times, "", -1, -1), w;

	if (fd < 0 || other < 0)
		die("%s or %s", argv[1], argv[2]);
	w = writes(times, argv[0], fd, other);
	/* Without what looking at the clock takes. */
	printf("%llu %llu\n", w.instructions - nothing.instructions, w.wait);
}

int main(int argc, char **argv)
{
	unsigned int times = argc > 1 ? atoi(argv[1]) : 0;

	if (times && argc == 4 && !strcmp(argv[2], "mkdir"))
		printf("%llu\n", fewest(times, sample_mkdir, argv[3]));
	else if (times && argc == 4 && !strcmp(argv[2], "read"))
		printf("%llu\n", fewest(times, sample_read, argv[3]));
	else if (times && argc == 4 && !strcmp(argv[2], "list"))
		printf("%llu\n", fewest(times, sample_list, argv[3]));
	else if (times && argc == 3 && !strcmp(argv[2], "newborn"))
		printf("%llu\n", fewest(times, sample_newborn, NULL));
	else if (times && argc == 3 && !strcmp(argv[2], "ps"))
		printf("%llu\n", fewest(times, sample_ps, NULL));
	else if (times && argc == 6 && !strcmp(argv[2], "attach"))
		attach(times, argv + 3);
	else
		die("calls COUNT mkdir DIRECTORY | read FILE | list DIRECTORY | newborn | ps | %s",
		    "attach TID FILE OTHER");
	return 0;
}
