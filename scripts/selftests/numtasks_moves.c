// SPDX-License-Identifier: GPL-2.0
// Tests that numtasks charges each fork once and in the right place while its task is moved.
#include "numtasks.h"
#include "recorder.h"

#include <stdatomic.h>

#define LIMIT 8

/* A process that makes one child for each order, in the way that is ordered. */
enum way { NONE, FORK, VFORK, THREAD };

struct forker {
	pid_t pid;
	atomic_int order;	/* enum way; NONE when it is done */
	atomic_int error;
};

static void sleep_forever(void)
{
	for (;;)
		pause();
}

static void *do_nothing(void *data)
{
	sleep_forever();
	return data;
}

static void make_child(struct forker *forker)
{
	pthread_t thread;
	pid_t pid = 0;

	errno = 0;
	switch (forker->order) {
	case FORK:
		pid = child();
		if (pid == 0)
			sleep_forever();
		break;
	case VFORK:
		pid = vfork();
		if (pid == 0)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
		break;
	case THREAD:
		errno = pthread_create(&thread, NULL, do_nothing, NULL);
		break;
	}
	forker->error = errno;
}

static void obey(struct forker *forker)
{
	for (;;) {
		if (forker->order) {
			make_child(forker);
			forker->order = NONE;
		}
		usleep(1000);
	}
}

static struct forker *forker_in(const char *container)
{
	struct forker *forker = shared_memory(sizeof(*forker));
	pid_t pid = child();

	if (pid == 0)
		obey(forker);
	forker->pid = pid;
	return enter(container, forker->pid) ? NULL : forker;
}

static int result_of(struct forker *forker)
{
	return wait_until(!forker->order) ? forker->error : -1;
}

static int make_one(struct forker *forker, enum way way)
{
	forker->order = way;
	return result_of(forker);
}

/* Begins, and is held when it has been charged. */
static bool begin_one(struct forker *forker, enum way way)
{
	if (hold_fork(forker->pid))
		return false;
	forker->order = way;
	return fork_is_held(forker->pid);
}

static int end_one(struct forker *forker)
{
	return hold_fork(0) ?: result_of(forker);
}

/* Takes all places but some; the forkers take one each. */
static int fill(struct forker *forker, int left)
{
	int error = 0;

	while (!error && tasks_now(A) < LIMIT - left)
		error = make_one(forker, FORK);
	return error;
}

static int refused_fork(struct forker *forker)
{
	return make_one(forker, FORK) == EAGAIN ? 0 : -EDOM;
}

/* A tree with numtasks, another tree without, and two forkers in /a/x of the former. */
FIXTURE(moves)
{
	struct forker *mover, *other;
};

FIXTURE_VARIANT(moves)
{
	enum way way;
	int stays;	/* how many tasks the fork leaves */
};

FIXTURE_VARIANT_ADD(moves, fork) { .way = FORK, .stays = 1 };
FIXTURE_VARIANT_ADD(moves, vfork) { .way = VFORK, .stays = 0 };
FIXTURE_VARIANT_ADD(moves, thread) { .way = THREAD, .stays = 1 };

FIXTURE_SETUP(moves)
{
	ASSERT_EQ(0, recorder_begin());
	ASSERT_EQ(0, load_subsystems());
	ASSERT_EQ(0, mount_rcfs(ONE, "numtasks"));
	ASSERT_EQ(0, mount_rcfs(TWO, "none,name=x"));
	ASSERT_EQ(0, make_at(A));
	ASSERT_EQ(0, make_at(A "/x"));
	ASSERT_EQ(0, make_at(A "/y"));
	ASSERT_EQ(0, make_at(B));
	ASSERT_EQ(0, make_at(TWO "/c"));
	self->mover = forker_in(A "/x");
	self->other = forker_in(A "/x");
	ASSERT_TRUE(self->mover && self->other);
	ASSERT_EQ(0, set_limit(A, text("%d", LIMIT)));
}

FIXTURE_TEARDOWN(moves)
{
	EXPECT_EQ(0, hold_fork(0));
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_subsystems());
	EXPECT_EQ(0, recorder_end());
}

TEST_F(moves, elsewhere_keeps_the_charge)
{
	ASSERT_EQ(0, fill(self->other, 1));
	ASSERT_TRUE(begin_one(self->mover, variant->way));
	EXPECT_EQ(LIMIT, tasks_now(A));
	EXPECT_EQ(0, enter(TWO "/c", self->mover->pid));
	EXPECT_EQ(LIMIT, tasks_now(A));
	EXPECT_EQ(0, refused_fork(self->other));
	EXPECT_EQ(0, enter(TWO, self->mover->pid));
	EXPECT_EQ(LIMIT, tasks_now(A));
	EXPECT_EQ(0, refused_fork(self->other));
	EXPECT_EQ(0, end_one(self->mover));
	EXPECT_TRUE(wait_until(tasks_now(A) == LIMIT - 1 + variant->stays));
	EXPECT_EQ(tasks_now(A), count_tasks(A "/x"));
	EXPECT_EQ(LIMIT, most_tasks(A));
	EXPECT_EQ(LIMIT, most_tasks(A "/x"));
	EXPECT_EQ(2, refusals(A));
}

TEST_F(moves, between_siblings_transfers_the_charge)
{
	ASSERT_EQ(0, fill(self->other, 1));
	ASSERT_TRUE(begin_one(self->mover, variant->way));
	EXPECT_EQ(0, enter(A "/y", self->mover->pid));
	EXPECT_EQ(LIMIT, tasks_now(A));
	EXPECT_EQ(LIMIT - 2, tasks_now(A "/x"));
	EXPECT_EQ(2, tasks_now(A "/y"));
	EXPECT_EQ(0, refused_fork(self->other));
	EXPECT_EQ(0, end_one(self->mover));
	EXPECT_TRUE(wait_until(tasks_now(A "/y") == 1 + variant->stays));
	EXPECT_EQ(tasks_now(A "/y"), count_tasks(A "/y"));
	EXPECT_EQ(tasks_now(A), LIMIT - 2 + tasks_now(A "/y"));
	EXPECT_EQ(LIMIT, most_tasks(A));
	EXPECT_EQ(2, most_tasks(A "/y"));
	EXPECT_EQ(1, refusals(A));
}

TEST_F(moves, up_and_down_transfers_the_charge)
{
	ASSERT_EQ(0, fill(self->other, 1));
	ASSERT_TRUE(begin_one(self->mover, variant->way));
	EXPECT_EQ(0, enter(A, self->mover->pid));
	EXPECT_EQ(LIMIT, tasks_now(A));
	EXPECT_EQ(LIMIT - 2, tasks_now(A "/x"));
	EXPECT_EQ(0, refused_fork(self->other));
	EXPECT_EQ(0, enter(A "/x", self->mover->pid));
	EXPECT_EQ(LIMIT, tasks_now(A));
	EXPECT_EQ(LIMIT, tasks_now(A "/x"));
	EXPECT_EQ(0, refused_fork(self->other));
	EXPECT_EQ(0, end_one(self->mover));
	EXPECT_TRUE(wait_until(tasks_now(A "/x") == LIMIT - 1 + variant->stays));
	EXPECT_EQ(LIMIT, most_tasks(A));
	EXPECT_EQ(2, refusals(A));
}

TEST_F(moves, in_brings_the_charge)
{
	ASSERT_EQ(0, enter(B, self->mover->pid));
	ASSERT_EQ(0, fill(self->other, 2));
	ASSERT_TRUE(begin_one(self->mover, variant->way));
	EXPECT_EQ(2, tasks_now(B));
	EXPECT_EQ(0, enter(A "/y", self->mover->pid));
	EXPECT_EQ(0, tasks_now(B));
	EXPECT_EQ(LIMIT, tasks_now(A));
	EXPECT_EQ(0, refused_fork(self->other));
	EXPECT_EQ(0, end_one(self->mover));
	EXPECT_TRUE(wait_until(tasks_now(A) == LIMIT - 1 + variant->stays));
	EXPECT_EQ(LIMIT, most_tasks(A));
	EXPECT_EQ(2, most_tasks(B));
}

TEST_F(moves, out_takes_the_charge_away)
{
	ASSERT_EQ(0, fill(self->other, 1));
	ASSERT_TRUE(begin_one(self->mover, variant->way));
	EXPECT_EQ(0, enter(B, self->mover->pid));
	EXPECT_EQ(2, tasks_now(B));
	EXPECT_EQ(LIMIT - 2, tasks_now(A));
	EXPECT_EQ(0, make_one(self->other, FORK));
	EXPECT_EQ(0, make_one(self->other, FORK));
	EXPECT_EQ(0, refused_fork(self->other));
	EXPECT_EQ(0, end_one(self->mover));
	EXPECT_TRUE(wait_until(tasks_now(B) == 1 + variant->stays));
	EXPECT_EQ(LIMIT, tasks_now(A));
	EXPECT_EQ(LIMIT, most_tasks(A));
	EXPECT_EQ(2, most_tasks(B));
}

TEST_F(moves, to_the_root_and_back_keeps_the_charge)
{
	/* The other tree has it all the time. */
	ASSERT_EQ(0, enter(TWO "/c", self->mover->pid));
	ASSERT_EQ(0, fill(self->other, 1));
	ASSERT_TRUE(begin_one(self->mover, variant->way));
	EXPECT_EQ(0, enter(ONE, self->mover->pid));
	EXPECT_EQ(LIMIT - 2, tasks_now(A));
	EXPECT_EQ(0, enter(A "/y", self->mover->pid));
	EXPECT_EQ(LIMIT, tasks_now(A));
	EXPECT_EQ(0, refused_fork(self->other));
	EXPECT_EQ(0, end_one(self->mover));
	EXPECT_TRUE(wait_until(tasks_now(A) == LIMIT - 1 + variant->stays));
	EXPECT_EQ(LIMIT, most_tasks(A));
}

TEST_F(moves, out_of_all_trees_and_back_counts_the_child)
{
	ASSERT_EQ(0, fill(self->other, 1));
	ASSERT_TRUE(begin_one(self->mover, variant->way));
	EXPECT_EQ(0, enter(ONE, self->mover->pid));
	EXPECT_EQ(LIMIT - 2, tasks_now(A));
	EXPECT_EQ(0, enter(A "/y", self->mover->pid));
	EXPECT_EQ(0, end_one(self->mover));
	EXPECT_TRUE(wait_until(tasks_now(A) == LIMIT - 1 + variant->stays));
	EXPECT_EQ(LIMIT, most_tasks(A));
	EXPECT_EQ(tasks_now(A "/y"), count_tasks(A "/y"));
}

/* A move is not refused, and takes along the child of a fork that began in the roots. */
TEST_F(moves, in_from_all_roots_brings_the_child)
{
	ASSERT_EQ(0, enter(ONE, self->mover->pid));
	ASSERT_EQ(0, fill(self->other, 0));
	ASSERT_TRUE(begin_one(self->mover, variant->way));
	EXPECT_EQ(LIMIT, tasks_now(A));
	EXPECT_EQ(0, enter(A "/y", self->mover->pid));
	EXPECT_EQ(0, end_one(self->mover));
	EXPECT_TRUE(wait_until(tasks_now(A "/y") == 1 + variant->stays));
	EXPECT_EQ(LIMIT + 2, most_tasks(A));
	EXPECT_EQ(0, refusals(A));
}

TEST_F(moves, killed_fork_is_uncharged_where_its_task_is)
{
	ASSERT_EQ(0, fill(self->other, 1));
	ASSERT_TRUE(begin_one(self->mover, variant->way));
	EXPECT_EQ(0, enter(A "/y", self->mover->pid));
	EXPECT_EQ(0, enter(TWO "/c", self->mover->pid));
	EXPECT_EQ(2, tasks_now(A "/y"));
	EXPECT_EQ(0, kill(self->mover->pid, SIGKILL));
	EXPECT_EQ(0, hold_fork(0));
	EXPECT_EQ(128 + SIGKILL, reap(self->mover->pid));
	EXPECT_EQ(0, tasks_now(A "/y"));
	EXPECT_EQ(LIMIT - 2, tasks_now(A));
	EXPECT_EQ(LIMIT, most_tasks(A));
}

static void fork_for_ever(void)
{
	pid_t pid;

	for (;;) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

/* Moves a task to one place after the other, all the time. */
static pid_t start_mover(const char *const *places, size_t nr, const pid_t *pids, size_t nr_pids)
{
	pid_t pid = child();
	size_t i;

	if (pid == 0)
		for (i = 0;; i++)
			if (enter(places[i / nr_pids % nr], pids[i % nr_pids]))
				_exit(1);
	return pid;
}

FIXTURE(storm)
{
};

FIXTURE_SETUP(storm)
{
	ASSERT_EQ(0, clear_trees());
	ASSERT_EQ(0, load_subsystems());
	ASSERT_EQ(0, mount_rcfs(ONE, "numtasks"));
	ASSERT_EQ(0, mount_rcfs(TWO, "none,name=x"));
	ASSERT_EQ(0, make_at(A));
	ASSERT_EQ(0, make_at(A "/x"));
	ASSERT_EQ(0, make_at(A "/y"));
	ASSERT_EQ(0, make_at(TWO "/c"));
	ASSERT_EQ(0, make_at(TWO "/d"));
}

FIXTURE_TEARDOWN(storm)
{
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_subsystems());
}

/* Six forkers, of which two at a time may have a child, in two trees at once */
TEST_F(storm, no_fork_passes_the_limit_whatever_moves)
{
	static const char * const here[] = { A "/x", A "/y", A };
	static const char * const there[] = { TWO "/c", TWO "/d", TWO };
	pid_t forkers[6], movers[2];
	int i;

	/* None may fork until all are there. */
	ASSERT_EQ(0, set_limit(A, "0"));
	for (i = 0; i < 6; i++) {
		forkers[i] = child();
		if (forkers[i] == 0) {
			if (enter(A, 0))
				_exit(1);
			fork_for_ever();
		}
	}
	ASSERT_TRUE(wait_until(tasks_now(A) == 6));
	ASSERT_EQ(0, set_limit(A, text("%d", LIMIT)));
	movers[0] = start_mover(here, 3, forkers, 6);
	movers[1] = start_mover(there, 3, forkers, 6);
	for (i = 0; i < scaled(5000); i++)
		ASSERT_GE(LIMIT, tasks_now(A));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, end(movers[i]));
	for (i = 0; i < 6; i++)
		EXPECT_EQ(0, end(forkers[i]));
	EXPECT_TRUE(wait_until(count_tasks(A) + count_tasks(A "/x") + count_tasks(A "/y") == 0));
	EXPECT_EQ(0, tasks_now(A));
	EXPECT_EQ(0, tasks_now(A "/x"));
	EXPECT_EQ(0, tasks_now(A "/y"));
	EXPECT_EQ(LIMIT, most_tasks(A));
	EXPECT_LT(0, refusals(A));
}

TEST_HARNESS_MAIN
