/* SPDX-License-Identifier: GPL-2.0 */
/* What the selftests share: files, processes, the tree at /dev/container and the module. */
#ifndef CONTAINERFS_SELFTESTS_COMMON_H
#define CONTAINERFS_SELFTESTS_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TREE "/dev/container"
#define NOBODY 65534
#define SOMEBODY 1000

#define __printf(string, first) __attribute((__format__(printf, string, first)))

/* Where nothing else is said, a function returns 0 or a negative errno. */

/* Evaluates a condition until it holds; false if it does not for so long that it never will. */
#define wait_until(condition) ({					\
	unsigned int __left = 200000;					\
	while (!(condition) && --__left)				\
		usleep(1000);						\
	__left != 0;							\
})

/* A number of rounds, or of tasks, that is to be so many percent: CONTAINERFS_SCALE, or 100 */
int scaled(int count);
/* The same for something that must not be more than @most. */
int up_to(int most);

/* files */

/* Both write with a single write(2). */
int write_bytes(const char *path, const void *bytes, size_t length);
__printf(2, 3) int write_file(const char *path, const char *format, ...);

/* Reads a whole file, in pieces of a size; puts a NUL after it; returns its length. */
ssize_t read_pieces(int fd, char *buffer, size_t size, size_t piece);
ssize_t read_file(const char *path, char *buffer, size_t size);

/* A printf whose result lives until the thread has called it sixteen times more. */
__printf(1, 2) const char *text(const char *format, ...);

/* The content of a small file without its last newline, or "error N"; lives as text() does. */
const char *content(const char *path);

/* The error of a system call: its result, or -errno if that is -1. */
long result(long value);

/* Drops what the caches have of files that are not in use. */
void forget_caches(void);
bool exists(const char *path);
bool file_has(const char *path, const char *word);
/* Whether one line has the word and not the mark; NULL for no mark. */
bool file_has_without(const char *path, const char *word, const char *mark);
unsigned int entries_named(const char *directory, const char *name);
int copy_program(const char *to);

/* A set of thread ids, ascending if read from a file that is. */
struct ids {
	size_t count;
	size_t room;
	pid_t *id;
};

void ids_add(struct ids *ids, pid_t id);
void ids_sort(struct ids *ids);
bool ids_have(const struct ids *ids, pid_t id);
void ids_free(struct ids *ids);
/* Ids, one a line and nothing else, else EBADMSG. */
int ids_read(struct ids *ids, const char *path);
/* All threads of all processes that /proc lists. */
int ids_of_system(struct ids *ids);

/* containers of any tree, named by the path of their directory */

/* Moves a thread there; 0 is the caller. */
int enter(const char *directory, pid_t tid);
bool has_task(const char *directory, pid_t tid);
int count_tasks(const char *directory);
/* Moves all tasks to the root, which is mounted there, removes all containers, unmounts. */
int clear_mounted(const char *root);

/* the tree at TREE; its containers are named by their path from its root, as in "/a/b" */

int mount_tree(void);
int remount_tree(void);
int clear_tree(void);
int make(const char *container);
int make_removed(const char *container, const char *file, int flags);
int drop(const char *container);
/* Containers in one another with names of 255 bytes, too deep to be named; leads into the last. */
int make_deep(int depth);
/* Leads out again. */
int drop_deep(int depth);
int attach(const char *container, pid_t tid);
bool listed(const char *container, pid_t tid);
/* The number of tasks in a container */
int population(const char *container);
/* A thread's container as /proc has it; lives as text() does. */
const char *where_is(pid_t tid);
const char *where_am_i(void);
/* From the line of the default hierarchy in /proc/containers */
int count_containers(void);
int count_tracked(void);

/* processes */

/* A fork whose child dies with its parent */
pid_t child(void);
/* The exit status of a child, or 128 and the signal that ended it */
int reap(pid_t pid);
int end(pid_t pid);
/* A child that does nothing, in a container */
pid_t sleeper(const char *container);
/* Waits until the child is a zombie; does not reap it. */
int wait_zombie(pid_t pid);
/* A child that is a zombie */
pid_t zombie(void);
/* Becomes a user for good, with no group and no capability. */
int become(uid_t uid);
int drop_capability(int capability);
int enter_user_namespace(void);
/* clone(2) with fork's way of returning twice */
pid_t fork_with(unsigned long flags);
/* A thread that does nothing until it is stopped */
struct thread {
	pthread_t thread;
	pid_t tid;
	sem_t started;
	sem_t stop;
};

int thread_start(struct thread *thread);
/* Returns when the thread is gone for the kernel, too. */
void thread_stop(struct thread *thread);

/* What a clock shows, in nanoseconds */
long long clock_of(clockid_t clock);
/* The processor time that this process has used, in nanoseconds */
long long own_time(void);

/* Memory that children share */
void *shared_memory(size_t size);

/* Evaluates an expression that gives 0 or a negative errno in a child process. */
#define forked(expression) ({						\
	pid_t __pid = child();						\
									\
	if (__pid == 0)							\
		_exit(-(expression));					\
	-reap(__pid);							\
})

/* modules and the kernel's log */

/* Of those that the guest was given */
int load(const char *module, const char *parameters);
int unload(const char *module);
/* Unloads it as soon as whatever still uses it is done. */
int unload_patiently(const char *module);
bool loaded(const char *module);

/* containerfs itself */
int module_load(const char *parameters);
int module_load_image(const void *image, size_t length, const char *parameters);
int module_unload(void);
int module_unload_patiently(void);
bool module_loaded(void);
void *module_image(size_t *length);
/* The parameters that the whole run is about */
const char *module_parameters(void);
bool hooked(const char *function);

/* A place in the kernel's log, and whether a line after it has both words */
int log_mark(void);
bool log_has(int mark, const char *word, const char *other);

#endif
