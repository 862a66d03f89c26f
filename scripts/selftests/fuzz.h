/* SPDX-License-Identifier: GPL-2.0 */
/* The fuzzer: random system calls with random arguments on the files of all trees and of /proc. */
#ifndef CONTAINERFS_SELFTESTS_FUZZ_H
#define CONTAINERFS_SELFTESTS_FUZZ_H

#include "rcfs.h"

#include <stdatomic.h>
#include <sys/uio.h>

#define FUZZ_TREES 4
#define FUZZ_NAMES 64
#define FUZZ_WORKERS 4
#define FUZZ_PIDS 64
#define FUZZ_SLOTS 6
#define FUZZ_ROOM 65536
#define FUZZ_GUARD 64

/* What a file takes decides what is written to it. */
enum fuzz_kind {
	FUZZ_DIRECTORY,
	FUZZ_TASKS,	/* takes ids of tasks */
	FUZZ_AGENT,	/* takes the path of a program that the kernel runs as root */
	FUZZ_CONTROL,	/* any other control file */
	FUZZ_RAW,	/* one whose subsystem may take a part of what is written */
	FUZZ_PROC,
};

struct fuzz_target {
	enum fuzz_kind kind;
	char path[PATH_MAX];
};

struct fuzz_slot {
	int fd;		/* -1: not open */
	struct fuzz_target target;
};

/* A tree, and the names of the control files that its containers have */
struct fuzz_tree {
	const char *root;
	const char *label;
	unsigned int names;
	char name[FUZZ_NAMES][NAME_MAX + 1];
};

/* What a process reports; all in shared memory */
struct fuzz_report {
	unsigned long long seed;
	pid_t pid;
	atomic_ulong calls;
	const char *call;	/* the current one */
	atomic_bool idle;		/* it has seen @pause */
};

extern struct fuzz_shared {
	struct fuzz_tree trees[FUZZ_TREES];
	struct fuzz_report workers[FUZZ_WORKERS];
	atomic_int pids[FUZZ_PIDS];	/* children that may be moved; 0: none */
	atomic_int pause;
} *fuzz;

struct fuzz_ring {
	int fd;		/* a negative error if there is none */
	unsigned int *tail, *mask, *array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

struct fuzzer {
	unsigned long long random;
	struct fuzz_report *report;
	struct fuzz_slot slots[FUZZ_SLOTS];
	struct fuzz_slot *slot;		/* that of the current call */
	struct fuzz_ring ring;
	int data;			/* a file of its own, for calls with two files */
	int inotify;
	size_t length;			/* of @value */
	char value[FUZZ_ROOM];		/* what is written */
	char buffer[FUZZ_ROOM + FUZZ_GUARD];	/* what is read */
};

/* Prepares a worker, whose report has its seed. */
void fuzz_begin(struct fuzzer *f, struct fuzz_report *report);
/* Makes one random system call, or a few that belong together. */
void fuzz_step(struct fuzzer *f);
__printf(2, 3) void fuzz_complain(struct fuzzer *f, const char *format, ...);

/* random numbers */

unsigned int fuzz_below(struct fuzzer *f, unsigned int limit);
bool fuzz_one_in(struct fuzzer *f, unsigned int count);
#define fuzz_pick(f, array) ((array)[fuzz_below(f, sizeof(array) / sizeof(*(array)))])

/* random arguments */

size_t fuzz_size(struct fuzzer *f);
off_t fuzz_offset(struct fuzzer *f);
/* A directory that is a container, or could be one */
void fuzz_place(struct fuzzer *f, char *path);
void fuzz_target(struct fuzzer *f, struct fuzz_target *target);
int fuzz_open_flags(struct fuzzer *f);
/* A value that a file of a kind may be given */
void fuzz_value(struct fuzzer *f, enum fuzz_kind kind);
/* Cuts bytes into at most four segments, some of them empty; returns their number. */
int fuzz_segments(struct fuzzer *f, struct iovec *segments, void *bytes, size_t length);
/* The same bytes for two files: the file @data holds @value, from its begin. */
int fuzz_fill_data(struct fuzzer *f);

/* Fills @buffer before a read, and checks afterwards that no more was read than asked for. */
void fuzz_guard(struct fuzzer *f, size_t asked);
void fuzz_check_read(struct fuzzer *f, ssize_t got, size_t asked);
/* Checks that a write was one: all of @value or nothing. */
void fuzz_check_write(struct fuzzer *f, ssize_t written);

struct fuzz_call {
	const char *name;
	void (*make)(struct fuzzer *f);
};

/* Calls on the file of @slot, and calls on paths; the arrays end with an empty element. */
extern const struct fuzz_call fuzz_file_calls[];
extern const struct fuzz_call fuzz_path_calls[];

void fuzz_ring_open(struct fuzzer *f);
void fuzz_ring_call(struct fuzzer *f);

#endif
