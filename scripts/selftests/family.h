/* SPDX-License-Identifier: GPL-2.0 */
/* Families of tasks, for tests in which very many are made in all the ways that there are. */
#ifndef CONTAINERFS_SELFTESTS_FAMILY_H
#define CONTAINERFS_SELFTESTS_FAMILY_H

#include <stdatomic.h>

#include "common.h"

/* A family has two places to be in, which may be the same one. */
struct family {
	const char *places[2];
};

/* What all processes of a test write into */
extern struct ledger {
	atomic_int tasks;	/* made so far */
	atomic_int complaints;
	char complaint[256];	/* the first */
} *ledger;

void ledger_open(void);
__printf(1, 2) void complain(const char *format, ...);

/* Which place of its family the caller is in: 0 or 1, or 2 for none */
int which_place(const struct family *family);

/* Waits for a child whose exit status is that of which_place(). */
int expect_place(const struct family *family, pid_t pid, const char *what);

/*
 * Makes a task, or a few, in the caller's container, in a way chosen by a random number. Each looks
 * for itself where it is, and complains if that is no place of the family.
 */
void make_task(const struct family *family, unsigned int way);

#endif
