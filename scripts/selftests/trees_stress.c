// SPDX-License-Identifier: GPL-2.0
// Tests with many trees, tasks that are moved in all of them, and subsystems that come and go.
#include "rcfstest.h"
#include "recorder.h"

#include <stdatomic.h>

#define FORKERS 4
#define KEPT 6

/* What all processes of a test share */
static struct storm {
	atomic_int stop;	/* let all be as it is */
	atomic_int made;
	atomic_int moved;
	atomic_int wrong;	/* the first error that should not have been */
	atomic_int forkers[FORKERS];
} *storm;

static void note(int error)
{
	int none = 0;

	if (error)
		atomic_compare_exchange_strong(&storm->wrong, &none, error);
}

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

/* What a child is: alone, with a child of its own, or with threads; some have had a child. */
static void live(unsigned int way)
{
	static struct thread threads[2];
	pid_t pid = 0;

	switch (way % 4) {
	case 0:
		pid = child();
		break;
	case 1:
		note(thread_start(&threads[0]));
		note(thread_start(&threads[1]));
		break;
	case 2:
		pid = vfork();
		if (pid == 0)
			_exit(0);
		reap(pid);
	}
	note(pid < 0 ? -errno : 0);
	sleep_for_ever();
}

/* Makes children and kills them again. */
static void fork_and_kill(void)
{
	pid_t kept[KEPT] = { 0 }, *slot;
	unsigned int seed = getpid();

	while (!atomic_load(&storm->stop)) {
		slot = &kept[rand_r(&seed) % KEPT];
		if (*slot > 0)
			note(end(*slot));
		*slot = child();
		if (*slot == 0)
			live(rand_r(&seed));
		note(*slot < 0 ? -errno : 0);
		atomic_fetch_add(&storm->made, 1);
	}
	sleep_for_ever();
}

static pid_t start_forker(int which)
{
	pid_t pid = child();

	if (pid == 0)
		fork_and_kill();
	atomic_store(&storm->forkers[which], pid);
	return pid;
}

/* Four trees, one of them the default one, with the same containers */
static const char * const roots[] = { TREE, ONE, TWO, THREE };
static const char * const labels[] = { "", "debug,name=one", "cpuacct,numtasks", "name=three" };
static const char * const places[] = { "", "/x", "/y", "/x/z" };

#define TREES ARRAY_SIZE(roots)
#define PLACES ARRAY_SIZE(places)

static const char *place(size_t tree, size_t which)
{
	return text("%s%s", roots[tree], places[which]);
}

/* Moves whoever forks, or whoever is found in a container, to anywhere. */
static void move_anyone(unsigned int *seed)
{
	size_t tree = rand_r(seed) % TREES, from = 1 + rand_r(seed) % (PLACES - 1);
	pid_t pid = atomic_load(&storm->forkers[rand_r(seed) % FORKERS]);
	struct ids ids;
	int error;

	if (rand_r(seed) % 2 && ids_read(&ids, text("%s/tasks", place(tree, from))) == 0) {
		if (ids.count)
			pid = ids.id[rand_r(seed) % ids.count];
		ids_free(&ids);
	}
	error = enter(place(tree, rand_r(seed) % PLACES), pid);
	/* It may be dead, and its id may be that of a thread of the kernel, not to be moved. */
	if (error != -ESRCH && error != -EINVAL)
		note(error);
	atomic_fetch_add(&storm->moved, !error);
}

static pid_t start_mover(void)
{
	pid_t pid = child();
	unsigned int seed = getpid();

	if (pid == 0) {
		while (!atomic_load(&storm->stop))
			move_anyone(&seed);
		_exit(0);
	}
	return pid;
}

/* Are all lists of a tree, of those that it has, together exactly the tasks that there are? */
static bool lists_are_exact(size_t tree)
{
	struct ids all = { 0 }, ids, system;
	bool exact = true;
	size_t i, j;

	for (i = 0; i < PLACES; i++) {
		if (!exists(place(tree, i)))
			continue;
		exact &= ids_read(&ids, text("%s/tasks", place(tree, i))) == 0;
		for (j = 0; j < ids.count; j++)
			ids_add(&all, ids.id[j]);
		ids_free(&ids);
	}
	ids_sort(&all);
	ids_of_system(&system);
	exact &= all.count == system.count &&
		 !memcmp(all.id, system.id, all.count * sizeof(*all.id));
	ids_free(&all);
	ids_free(&system);
	return exact;
}

/* Do the lists say the same as /proc says of each task that is listed in a container? */
static bool proc_agrees(size_t tree)
{
	struct ids ids;
	bool agrees = true;
	size_t i, j;

	for (i = 1; i < PLACES; i++) {
		agrees &= ids_read(&ids, text("%s/tasks", place(tree, i))) == 0;
		for (j = 0; j < ids.count; j++)
			agrees &= !strcmp(path_in(labels[tree], ids.id[j]), places[i]);
		ids_free(&ids);
	}
	return agrees;
}

FIXTURE(trees_stress)
{
};

FIXTURE_SETUP(trees_stress)
{
	size_t i, j;

	storm = shared_memory(sizeof(*storm));
	ASSERT_EQ(0, clear_trees());
	ASSERT_EQ(0, load_subsystems());
	ASSERT_EQ(0, remount_tree());
	ASSERT_EQ(0, mount_rcfs(ONE, "debug,name=one"));
	ASSERT_EQ(0, mount_rcfs(TWO, "numtasks,cpuacct"));
	ASSERT_EQ(0, mount_rcfs(THREE, "none,name=three"));
	for (i = 0; i < TREES; i++)
		for (j = 1; j < PLACES; j++)
			ASSERT_EQ(0, make_at(place(i, j)));
}

FIXTURE_TEARDOWN(trees_stress)
{
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_subsystems());
}

TEST_F(trees_stress, each_tree_lists_exactly_the_live_tasks_after_a_storm)
{
	int tasks = scaled(3000), moves = scaled(6000);
	pid_t movers[2];
	size_t i, j;

	for (i = 0; i < FORKERS; i++)
		ASSERT_LT(0, start_forker(i));
	movers[0] = start_mover();
	movers[1] = start_mover();
	EXPECT_TRUE(wait_until(storm->wrong || (storm->made > tasks && storm->moved > moves)));
	EXPECT_EQ(0, storm->wrong);
	atomic_store(&storm->stop, 1);
	EXPECT_EQ(0, reap(movers[0]));
	EXPECT_EQ(0, reap(movers[1]));
	/* The forkers may still be at their last child; threads of the kernel come and go. */
	for (i = 0; i < TREES; i++) {
		EXPECT_TRUE(wait_until(lists_are_exact(i))) TH_LOG("in tree %zu", i);
		EXPECT_TRUE(proc_agrees(i)) TH_LOG("in tree %zu", i);
	}
	EXPECT_EQ(count_tasks(TWO "/x") + count_tasks(TWO "/x/z"),
		  number(TWO "/x/numtasks.current"));
	EXPECT_EQ(count_tasks(ONE "/y"), number(ONE "/y/debug.taskcount"));

	/* When all are dead, nothing is left of them anywhere. */
	end_children();
	for (i = 0; i < TREES; i++) {
		for (j = PLACES - 1; j > 0; j--)
			EXPECT_TRUE(wait_until(rmdir(place(i, j)) == 0)) TH_LOG("%s", place(i, j));
		EXPECT_TRUE(wait_until(lists_are_exact(i)));
		EXPECT_EQ(0, tree_tasks(labels[i]));
	}
}

/* Everything that a subsystem's module goes through, while tasks are made and die */
TEST_F(trees_stress, subsystems_come_and_go_under_load)
{
	int i, forker;

	for (i = 0; i < FORKERS; i++) {
		ASSERT_LT(0, start_forker(i));
		ASSERT_EQ(0, enter(THREE "/x/z", storm->forkers[i]));
	}
	ASSERT_EQ(0, rmdir(TWO "/x/z"));
	ASSERT_EQ(0, rmdir(TWO "/x"));
	ASSERT_EQ(0, rmdir(TWO "/y"));
	ASSERT_EQ(0, umount(TWO));
	for (i = 0; i < scaled(50); i++) {
		forker = storm->forkers[i % FORKERS];
		ASSERT_EQ(0, unload_patiently("rc_numtasks")) TH_LOG("in round %d", i);
		ASSERT_EQ(0, unload_patiently("rc_cpuacct")) TH_LOG("in round %d", i);
		ASSERT_EQ(0, load("rc_cpuacct", ""));
		ASSERT_EQ(0, load("rc_numtasks", ""));
		ASSERT_EQ(0, load(RECORDER, ""));
		ASSERT_EQ(0, mount_rcfs(TWO, "numtasks,cpuacct,alpha,beta"));
		ASSERT_EQ(0, make_at(TWO "/a"));
		ASSERT_EQ(0, make_at(TWO "/a/b"));
		ASSERT_EQ(0, enter(TWO "/a/b", forker));
		ASSERT_EQ(0, forked(enter(TWO "/a", 0) ?: forked(0)));
		ASSERT_EQ(0, enter(TWO, forker));
		/* There are still children of it. */
		ASSERT_EQ(0, clear_mounted(TWO));
		ASSERT_EQ(0, unload_patiently(RECORDER)) TH_LOG("in round %d", i);
	}
	EXPECT_EQ(0, storm->wrong);
	atomic_store(&storm->stop, 1);
	EXPECT_TRUE(wait_until(lists_are_exact(3)));
}

static int one_of(int error, int one, int other)
{
	return error == one || error == other ? 0 : error;
}

/* One loads and unloads a module, another one binds what is there. Both may come too late. */
TEST_F(trees_stress, loading_and_unloading_races_with_mounting)
{
	pid_t loader, mounter;
	int i;

	for (i = 0; i < FORKERS; i++) {
		ASSERT_LT(0, start_forker(i));
		ASSERT_EQ(0, enter(THREE "/y", storm->forkers[i]));
	}
	loader = child();
	if (loader == 0) {
		for (i = 0; i < scaled(200); i++) {
			note(one_of(load(RECORDER, ""), 0, -EEXIST));
			note(one_of(unload(RECORDER), 0, -EWOULDBLOCK));
		}
		_exit(0);
	}
	mounter = child();
	if (mounter == 0) {
		for (i = 0; !storm->stop; i++) {
			note(one_of(mount_rcfs("/tmp/four", "alpha,beta"), 0, -ENOENT));
			if (make_at("/tmp/four/a") == 0)
				note(forked(one_of(enter("/tmp/four/a", 0), 0, -ENOENT)));
			rmdir("/tmp/four/a");
			umount("/tmp/four");
		}
		_exit(0);
	}
	EXPECT_EQ(0, reap(loader));
	atomic_store(&storm->stop, 1);
	EXPECT_EQ(0, reap(mounter));
	EXPECT_EQ(0, storm->wrong);
	EXPECT_EQ(0, unload_patiently(RECORDER));
}

TEST_HARNESS_MAIN
