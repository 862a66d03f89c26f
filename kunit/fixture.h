/* SPDX-License-Identifier: GPL-2.0 */
/* What the suites share: the core without a mount and without hooks, tasks, and a subsystem. */
#ifndef CONTAINERFS_KUNIT_FIXTURE_H
#define CONTAINERFS_KUNIT_FIXTURE_H

#include <linux/fs_context.h>

#include <containerfs/subsys.h>

struct container;
struct container_set;
struct hierarchy;
struct kunit;
struct task_struct;

int core_start(struct kunit *test);
void core_stop(struct kunit *test);
void core_settle(void);

struct container *core_mkdir(struct container *parent, const char *name);
void core_rmdir(struct container *c);
struct hierarchy *core_tree(const char *name);

struct task_struct *fake_task(struct kunit *test);
struct task_struct *real_task(struct kunit *test, kuid_t uid, kuid_t suid);
void real_task_end(struct task_struct *task);
int move(struct task_struct *task, struct container *to);
int move_by_another(struct task_struct *task, struct container *to);
int move_with_fault(struct task_struct *task, struct container *to, unsigned int *nth);
struct container_set *set_of(struct task_struct *task);

/**
 * struct recorder - a subsystem that counts what it is asked, and refuses what it is told to
 * @subsys: the subsystem; register it with recorder_register()
 * @log: of all that is called, in its order, one letter each: create C, destroy D, populate P,
 *	can_fork c, charge_fork h, cancel_fork x, move_fork m, fork f, exit e, attach a, bind B,
 *	unbind U
 * @create_error: what create() returns instead of a state
 * @populate_error: what populate() returns
 * @fork_error: what can_fork() returns
 * @attach_error: what can_attach() returns
 * @cancelled: called by cancel_fork(), if it is not NULL
 * @states: how many there are
 * @charges: forks that were allowed, and neither cancelled nor done
 */
struct recorder {
	struct rc_subsys subsys;
	char log[64];
	int create_error;
	int populate_error;
	int fork_error;
	int attach_error;
	void (*cancelled)(void);
	int states;
	int charges;
};

void recorder_init(struct recorder *recorder, const char *name);
void recorder_moves_forks(struct recorder *recorder);

#endif
