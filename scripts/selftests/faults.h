/* SPDX-License-Identifier: GPL-2.0 */
/* Operations whose allocations fail in turn: each must succeed or fail as a whole. */
#ifndef CONTAINERFS_SELFTESTS_FAULTS_H
#define CONTAINERFS_SELFTESTS_FAULTS_H

#include "common.h"

/**
 * struct operation - something that must succeed or fail as a whole
 * @run: does it; 0 or a negative errno
 * @undo: undoes it, with memory enough
 * @state: describes all that it may change; lives as text() does
 * @slow: it takes seconds: below 100, CONTAINERFS_SCALE is how many of its faults are tried
 */
struct operation {
	int (*run)(void);
	int (*undo)(void);
	const char *(*state)(void);
	bool slow;
};

/* May allocations fail here at will, all kinds of them, and without a word in the log? */
bool injectable(void);

/*
 * Lets each allocation of an operation fail, one at a time, until all of it is done. Returns what
 * was wrong, or NULL, and adds to what is printed at the end of the program.
 */
const char *with_each_fault(const struct operation *operation);

/* The same, in a test */
#define EXPECT_ALL_OR_NOTHING_OF(...) do {				\
	const struct operation __operation = { __VA_ARGS__ };		\
	const char *__problem = with_each_fault(&__operation);		\
									\
	EXPECT_EQ(NULL, __problem) TH_LOG("%s", __problem);		\
} while (0)

#define EXPECT_ALL_OR_NOTHING(run, undo, state) \
	EXPECT_ALL_OR_NOTHING_OF(run, undo, state, false)

/* For what is slow */
#define EXPECT_ALL_OR_NOTHING_SLOWLY(run, undo, state) \
	EXPECT_ALL_OR_NOTHING_OF(run, undo, state, true)

/* Let the @nth allocation of this thread from now on fail; nobody will know whether it did. */
void fail_later(unsigned int nth);

/* An operation that leaves nothing to be undone */
int undo_nothing(void);

/* A child that exits at once */
int run_fork(void);
int undo_fork(void);

#endif
