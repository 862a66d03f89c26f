/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the subsystem `cpuacct` share: the state of a container, and its leavers. */
#ifndef CONTAINERFS_CPUACCT_H
#define CONTAINERFS_CPUACCT_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/sched/cputime.h>
#include <linux/types.h>

#include <containerfs/subsys.h>

/* CPU time in nanoseconds. */
struct cpuacct_time {
	s64 user, system;
};

/**
 * struct cpuacct - the CPU time of a container
 * @rc: what the core knows of it
 * @level: how many containers are above it; constant
 * @ref: one until destroy(), one for each child and each leaver
 * @user: what tasks have used in it or below, but for those that are there now
 * @system: likewise
 * @crossings: counts moves across the boundary of the container and those below; written in
 *	attach(), and so by one at a time
 * @shown: the highest that was ever shown; shown_lock
 * @base: what @shown was when usage was reset; shown_lock
 */
struct cpuacct {
	struct rc_state rc;
	unsigned int level;
	refcount_t ref;
	atomic64_t user;
	atomic64_t system;
	unsigned int crossings;
	struct cpuacct_time shown;
	s64 base;
};

static inline struct cpuacct *cpuacct_of(struct rc_state *state)
{
	return container_of(state, struct cpuacct, rc);
}

/* That of the container above; @acct is not a root's. */
static inline struct cpuacct *cpuacct_parent(const struct cpuacct *acct)
{
	return cpuacct_of(acct->rc.parent);
}

static inline struct cpuacct_time task_time(struct task_struct *task)
{
	u64 user, system;

	/* Neither of them ever goes back, whatever it is that the kernel knows of a task's time. */
	task_cputime_adjusted(task, &user, &system);
	return (struct cpuacct_time) { .user = user, .system = system };
}

/* Leavers are hashed by their tasks into so many buckets. */
#define LEAVERS_BUCKETS 64

/**
 * struct walk - a visit to all tasks in a container and below it
 * @acct: the container
 * @time: what they have used
 * @counted: the leavers that are in @time, by their buckets, and by their addresses in each
 * @nr: their number
 * @room: the number that fits
 * @end: where those of each bucket end
 */
struct walk {
	struct cpuacct *acct;
	struct cpuacct_time time;
	struct task_struct **counted;
	size_t nr, room;
	size_t end[LEAVERS_BUCKETS];
};

static inline void walk_add(struct walk *walk, struct task_struct *task)
{
	struct cpuacct_time time = task_time(task);

	walk->time.user += time.user;
	walk->time.system += time.system;
}

void cpuacct_put(struct cpuacct *acct);
void cpuacct_add(struct cpuacct *acct, const struct cpuacct *end, s64 user, s64 system);

void leaver_add(struct task_struct *task, struct cpuacct *acct);
void leavers_wait(const struct cpuacct *top);
int walk_begin(struct walk *walk);
bool walk_skips(const struct walk *walk, struct task_struct *task);
void leavers_end(void);

#endif
