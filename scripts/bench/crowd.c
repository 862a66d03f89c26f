// SPDX-License-Identifier: GPL-2.0
/* Many sleeping threads; what to do with them comes in as lines, which are answered by "done":
 *   grow NUMBER    to be so many
 *   move FILE      write the id of each of them to the file
 *   spread PREFIX FILE   write that of the first to PREFIX1/FILE, of the second to PREFIX2/FILE ...
 */
#include "bench.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX 100000
#define STACK 1024

static pid_t thread[MAX];
static unsigned int nr = 1;
static char *stacks;

static int sleep_for_ever(void *none)
{
	(void)none;
	for (;;)
		pause();
	return 0;
}

static void grow(unsigned int number)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM;

	for (; nr < number && nr < MAX; nr++) {
		thread[nr] = clone(sleep_for_ever, stacks + (nr + 1) * STACK, flags, NULL);
		if (thread[nr] < 0)
			die("thread %u", nr);
	}
}

static void move_one(pid_t tid, int fd)
{
	char text[16];

	if (write(fd, text, sprintf(text, "%d", tid)) < 0)
		die("moving %d", tid);
}

static int open_file(const char *name)
{
	int fd = open(name, O_WRONLY);

	if (fd < 0)
		die("%s", name);
	return fd;
}

static void move(const char *file)
{
	int fd = open_file(file);
	unsigned int i;

	for (i = 0; i < nr; i++)
		move_one(thread[i], fd);
	close(fd);
}

static void spread(const char *prefix, const char *file)
{
	char name[300];
	unsigned int i;
	int fd;

	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "%s%u/%s", prefix, i + 1, file);
		fd = open_file(name);
		move_one(thread[i], fd);
		close(fd);
	}
}

int main(void)
{
	char line[200], first[100], second[100];
	unsigned int number;

	thread[0] = getpid();
	stacks = mmap(NULL, (MAX + 1) * STACK, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stacks == MAP_FAILED)
		die("memory for %d stacks", MAX);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "grow %u", &number) == 1)
			grow(number);
		else if (sscanf(line, "move %99s", first) == 1)
			move(first);
		else if (sscanf(line, "spread %99s %99s", first, second) == 2)
			spread(first, second);
		puts("done");
		fflush(stdout);
	}
	return 0;
}
