// SPDX-License-Identifier: GPL-2.0
// Tests of tasks that are in containers of several trees, and of the sets that stand for that.
#include "rcfstest.h"

/* Three trees with the containers x and y each; the first has debug, which counts sets. */
static const char * const trees[] = { "debug", "name=two", "name=three" };
static const char * const roots[] = { ONE, TWO, THREE };
static const char * const places[] = { "", "/x", "/y" };

#define TREES ARRAY_SIZE(trees)
#define PLACES ARRAY_SIZE(places)

FIXTURE(sets)
{
};

FIXTURE_SETUP(sets)
{
	size_t i;

	ASSERT_EQ(0, clear_trees());
	ASSERT_EQ(0, load_subsystems());
	ASSERT_EQ(0, mount_rcfs(ONE, "debug"));
	ASSERT_EQ(0, mount_rcfs(TWO, "none,name=two"));
	ASSERT_EQ(0, mount_rcfs(THREE, "none,name=three"));
	for (i = 0; i < TREES; i++) {
		ASSERT_EQ(0, make_at(text("%s/x", roots[i])));
		ASSERT_EQ(0, make_at(text("%s/y", roots[i])));
	}
}

FIXTURE_TEARDOWN(sets)
{
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_subsystems());
}

/* Moves a task in one tree to a place of it. */
static int move(pid_t pid, size_t tree, size_t place)
{
	return enter(text("%s%s", roots[tree], places[place]), pid);
}

/* Is the task at this place of the tree and at no other, by its files and by /proc? */
static bool is_at(pid_t pid, size_t tree, size_t place)
{
	bool expected;
	size_t i;

	for (i = 0; i < PLACES; i++) {
		expected = i == place;
		if (has_task(text("%s%s", roots[tree], places[i]), pid) != expected)
			return false;
	}
	return !strcmp(path_in(trees[tree], pid), place ? places[place] : "/");
}

/* The combinations of places are numbers with a digit for each tree. */
static size_t place_in(size_t combination, size_t tree)
{
	while (tree--)
		combination /= PLACES;
	return combination % PLACES;
}

#define COMBINATIONS (PLACES * PLACES * PLACES)

static int move_to_all(pid_t pid, size_t combination)
{
	size_t i;
	int error = 0;

	for (i = 0; i < TREES && !error; i++)
		error = move(pid, i, place_in(combination, i));
	return error;
}

static bool is_at_all(pid_t pid, size_t combination)
{
	size_t i;

	for (i = 0; i < TREES; i++)
		if (!is_at(pid, i, place_in(combination, i)))
			return false;
	return true;
}

static pid_t sleeper_at(size_t combination)
{
	pid_t pid = sleeper_in(NULL, NULL);
	int error = move_to_all(pid, combination);

	return error ?: pid;
}

static int count_sets(const char *container)
{
	return number(text(ONE "%s/debug.setcount", container));
}

TEST_F(sets, a_task_can_be_in_any_combination)
{
	size_t i, j;
	pid_t pid;

	pid = sleeper_at(0);
	ASSERT_LT(0, pid);
	for (i = 0; i < COMBINATIONS; i++) {
		/* From another one each time, not in order */
		ASSERT_EQ(0, move_to_all(pid, i * 7 % COMBINATIONS));
		EXPECT_TRUE(is_at_all(pid, i * 7 % COMBINATIONS)) TH_LOG("combination %zu", i);
	}
	for (j = 0; j < TREES; j++)
		ASSERT_EQ(0, move(pid, j, 0));
	EXPECT_TRUE(wait_until(count_sets("/x") == 0 && count_sets("/y") == 0));
}

TEST_F(sets, there_can_be_a_task_in_each_combination)
{
	pid_t pids[COMBINATIONS];
	size_t i;

	for (i = 0; i < COMBINATIONS; i++) {
		pids[i] = sleeper_at(i);
		ASSERT_LT(0, pids[i]);
	}
	for (i = 0; i < COMBINATIONS; i++)
		EXPECT_TRUE(is_at_all(pids[i], i)) TH_LOG("combination %zu", i);
	for (i = 0; i < TREES; i++) {
		EXPECT_EQ(COMBINATIONS / PLACES, count_tasks(text("%s/x", roots[i])));
		EXPECT_EQ(COMBINATIONS / PLACES, count_tasks(text("%s/y", roots[i])));
		EXPECT_EQ(2 * COMBINATIONS / PLACES, tree_tasks(trees[i]));
	}
}

TEST_F(sets, moving_in_one_tree_leaves_the_others)
{
	size_t tree, i;
	pid_t pid;

	pid = sleeper_at(0);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, move(pid, 0, 1));
	ASSERT_EQ(0, move(pid, 1, 2));
	for (tree = 0; tree < TREES; tree++) {
		for (i = 0; i < PLACES; i++) {
			ASSERT_EQ(0, move(pid, 2, i));
			EXPECT_TRUE(is_at(pid, 0, 1));
			EXPECT_TRUE(is_at(pid, 1, 2));
			EXPECT_TRUE(is_at(pid, 2, i));
		}
	}
	EXPECT_STREQ("/", where_is(pid));
}

TEST_F(sets, the_default_tree_is_one_of_them)
{
	pid_t pid = sleeper_at(COMBINATIONS - 1);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, mount_tree());
	ASSERT_EQ(0, make("/a"));
	ASSERT_EQ(0, attach("/a", pid));
	EXPECT_TRUE(is_at_all(pid, COMBINATIONS - 1));
	EXPECT_STREQ("/a", where_is(pid));
	ASSERT_EQ(0, move_to_all(pid, 0));
	EXPECT_STREQ("/a", where_is(pid));
	EXPECT_EQ(1, population("/a"));
	EXPECT_EQ(0, tree_tasks("debug"));
	EXPECT_EQ(1, tree_tasks(""));
}

TEST_F(sets, equal_combinations_share_one_set)
{
	pid_t pids[10];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = sleeper_at(0);
		ASSERT_LT(0, pids[i]);
	}
	/* Each on a way of its own to the same combination */
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		ASSERT_EQ(0, move(pids[i], i % TREES, 1));
		ASSERT_EQ(0, move(pids[i], (i + 1) % TREES, 1));
		ASSERT_EQ(0, move(pids[i], (i + 2) % TREES, 1));
	}
	EXPECT_TRUE(wait_until(count_sets("/x") == 1));
	EXPECT_EQ(ARRAY_SIZE(pids), number(ONE "/x/debug.taskcount"));
	EXPECT_EQ(0, count_sets("/y"));
}

TEST_F(sets, different_combinations_have_sets_of_their_own)
{
	size_t i;

	for (i = 0; i < COMBINATIONS; i++)
		ASSERT_LT(0, sleeper_at(i));
	/* A task on its way leaves empty sets behind, which go by and by. */
	EXPECT_TRUE(wait_until(count_sets("/x") == COMBINATIONS / PLACES));
	EXPECT_TRUE(wait_until(count_sets("/y") == COMBINATIONS / PLACES));
	EXPECT_EQ(COMBINATIONS / PLACES, number(ONE "/x/debug.taskcount"));
}

TEST_F(sets, an_empty_set_goes_away_by_itself)
{
	pid_t pids[COMBINATIONS];
	int references;
	size_t i;

	/* The inode of each file that is used below holds a reference. */
	ASSERT_TRUE(exists(ONE "/x/tasks"));
	ASSERT_TRUE(exists(ONE "/x/debug.setcount"));
	ASSERT_TRUE(exists(ONE "/x/debug.taskcount"));
	references = number(ONE "/x/debug.refcount");
	for (i = 0; i < COMBINATIONS; i++) {
		pids[i] = sleeper_at(i);
		ASSERT_LT(0, pids[i]);
		ASSERT_EQ(0, move(pids[i], 0, 1));
	}
	EXPECT_TRUE(wait_until(count_sets("/x") == COMBINATIONS / PLACES));
	/* Half of them die, the others are moved. */
	for (i = 0; i < COMBINATIONS; i++)
		ASSERT_EQ(0, i % 2 ? end(pids[i]) : move(pids[i], 0, 0));
	EXPECT_EQ(0, number(ONE "/x/debug.taskcount"));
	EXPECT_TRUE(wait_until(count_sets("/x") == 0));
	EXPECT_TRUE(wait_until(number(ONE "/x/debug.refcount") == references));
}

TEST_F(sets, a_set_is_found_again_while_it_is_on_its_way_out)
{
	pid_t pid;
	int i;

	for (i = 0; i < scaled(500); i++) {
		pid = sleeper_at(COMBINATIONS - 1);
		ASSERT_LT(0, pid);
		ASSERT_TRUE(is_at(pid, 0, 2));
		ASSERT_EQ(0, end(pid));
	}
	EXPECT_TRUE(wait_until(count_sets("/y") == 0));
	EXPECT_EQ(0, tree_tasks("debug"));
}

/* Moves tasks to and fro in the second tree for as long as it lives. */
static pid_t mover(const pid_t *pids, size_t count)
{
	pid_t pid = child();
	size_t i;

	if (pid == 0)
		for (i = 0;; i++)
			if (move(pids[i % count], 1, i / count % PLACES))
				_exit(1);
	return pid;
}

TEST_F(sets, a_list_is_complete_while_tasks_are_moved_in_another_tree)
{
	struct ids ids;
	pid_t pids[20], moving;
	size_t i;
	int round;

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = sleeper_at(1);
		ASSERT_LT(0, pids[i]);
	}
	moving = mover(pids, ARRAY_SIZE(pids));
	for (round = 0; round < scaled(3000); round++) {
		ASSERT_EQ(0, ids_read(&ids, ONE "/x/tasks"));
		ASSERT_EQ(ARRAY_SIZE(pids), ids.count) TH_LOG("in round %d", round);
		for (i = 0; i < ARRAY_SIZE(pids); i++)
			ASSERT_EQ(pids[i], ids.id[i]);
		ids_free(&ids);
	}
	EXPECT_EQ(0, end(moving));
}

/* A process with many threads in a place of the first tree, in one set */
static pid_t crowd(const char *place)
{
	pid_t pid = child();
	struct thread thread;
	int i;

	if (pid == 0) {
		if (enter(place, 0))
			_exit(1);
		for (i = 0; i < 500; i++)
			if (thread_start(&thread))
				_exit(1);
		for (;;)
			pause();
	}
	return pid;
}

/*
 * One goes from the only other set to that of the crowd while that is read, past the place where he
 * is put; and his own set goes too, so that there seems to have been one all the time.
 */
TEST_F(sets, a_list_is_complete_while_one_of_many_is_moved_in_another_tree)
{
	pid_t pid, many, moving;
	int round;

	many = crowd(ONE "/x");
	ASSERT_LT(0, many);
	ASSERT_TRUE(wait_until(count_tasks(ONE "/x") == 501));
	pid = sleeper_at(1);
	ASSERT_LT(0, pid);
	moving = mover(&pid, 1);
	for (round = 0; round < scaled(5000) && has_task(ONE "/x", pid); round++)
		;
	EXPECT_EQ(scaled(5000), round);
	EXPECT_EQ(0, end(moving));
	EXPECT_EQ(0, end(many));
}

TEST_F(sets, a_count_is_right_while_tasks_are_moved_in_another_tree)
{
	pid_t pids[20], moving;
	size_t i;
	int round;

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = sleeper_at(1);
		ASSERT_LT(0, pids[i]);
	}
	moving = mover(pids, ARRAY_SIZE(pids));
	for (round = 0; round < 1000; round++) {
		ASSERT_EQ(ARRAY_SIZE(pids), number(ONE "/x/debug.taskcount"));
		ASSERT_EQ(ARRAY_SIZE(pids), tree_tasks("debug"));
	}
	EXPECT_EQ(0, end(moving));
}

/* The same for a root, which has no list of its own */
TEST_F(sets, the_list_of_a_root_is_complete_while_tasks_are_moved_in_another_tree)
{
	pid_t pid, moving;
	int round;

	pid = sleeper_at(0);
	ASSERT_LT(0, pid);
	moving = mover(&pid, 1);
	for (round = 0; round < 500; round++) {
		ASSERT_TRUE(has_task(ONE, pid)) TH_LOG("in round %d", round);
		ASSERT_TRUE(has_task(THREE, getpid()));
	}
	EXPECT_EQ(0, end(moving));
}

TEST_F(sets, children_inherit_in_all_trees)
{
	struct thread thread;
	size_t i;

	for (i = 0; i < COMBINATIONS; i++) {
		ASSERT_EQ(0, move_to_all(getpid(), i));
		EXPECT_EQ(0, forked(is_at_all(getpid(), i) ? 0 : -1)) TH_LOG("combination %zu", i);
		ASSERT_EQ(0, thread_start(&thread));
		EXPECT_TRUE(is_at_all(thread.tid, i)) TH_LOG("combination %zu", i);
		thread_stop(&thread);
	}
	ASSERT_EQ(0, move_to_all(getpid(), 0));
	for (i = 0; i < TREES; i++)
		EXPECT_EQ(0, tree_tasks(trees[i]));
}

/* A place of each tree, but no root */
static bool is_in_containers(void)
{
	size_t i;

	for (i = 0; i < TREES; i++)
		if (strcmp(path_in(trees[i], getpid()), "/x") &&
		    strcmp(path_in(trees[i], getpid()), "/y"))
			return false;
	return true;
}

TEST_F(sets, children_inherit_while_their_parent_is_moved_in_several_trees)
{
	pid_t parent = getpid(), moving;
	int i;

	ASSERT_EQ(0, move_to_all(parent, COMBINATIONS - 1));
	moving = child();
	if (moving == 0)
		for (i = 0;; i++)
			if (move(parent, i % TREES, 1 + i / TREES % 2))
				_exit(1);
	for (i = 0; i < scaled(2000); i++)
		ASSERT_EQ(0, forked(is_in_containers() ? 0 : -1));
	ASSERT_EQ(0, end(moving));
	for (i = 0; i < (int)TREES; i++) {
		EXPECT_EQ(1, tree_tasks(trees[i]));
		EXPECT_EQ(1, count_tasks(text("%s/x", roots[i])) +
			     count_tasks(text("%s/y", roots[i])));
	}
}

TEST_F(sets, a_task_that_dies_leaves_all_trees)
{
	pid_t pid;
	size_t i;
	int round;

	for (round = 0; round < 100; round++) {
		pid = sleeper_at(COMBINATIONS - 1);
		ASSERT_LT(0, pid);
		kill(pid, SIGKILL);
		ASSERT_EQ(0, wait_zombie(pid));
		for (i = 0; i < TREES; i++) {
			ASSERT_EQ(0, count_tasks(text("%s/y", roots[i])));
			ASSERT_EQ(0, tree_tasks(trees[i]));
			ASSERT_STREQ("/", path_in(trees[i], pid));
		}
		ASSERT_EQ(128 + SIGKILL, reap(pid));
	}
}

TEST_F(sets, a_container_can_be_removed_while_its_tasks_former_sets_are_on_their_way_out)
{
	pid_t pid;
	size_t i;
	int round;

	for (round = 0; round < 100; round++) {
		pid = sleeper_at(COMBINATIONS - 1);
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, end(pid));
		for (i = 0; i < TREES; i++) {
			ASSERT_EQ(0, rmdir(text("%s/y", roots[i]))) TH_LOG("in round %d", round);
			ASSERT_EQ(0, make_at(text("%s/y", roots[i])));
		}
	}
}

/* A tree that is gone, and its id, which is used again, take no task with them. */
TEST_F(sets, a_new_tree_begins_with_all_tasks_in_its_root)
{
	pid_t pid = sleeper_at(COMBINATIONS - 1);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, move(pid, 1, 0));
	ASSERT_EQ(0, rmdir(TWO "/x"));
	ASSERT_EQ(0, rmdir(TWO "/y"));
	ASSERT_EQ(0, umount(TWO));
	EXPECT_STREQ("no such tree", path_in("name=two", pid));
	ASSERT_EQ(0, mount_rcfs(TWO, "none,name=new"));
	EXPECT_STREQ("/", path_in("name=new", pid));
	EXPECT_TRUE(has_task(TWO, pid));
	EXPECT_EQ(0, tree_tasks("name=new"));
	ASSERT_EQ(0, make_at(TWO "/x"));
	ASSERT_EQ(0, enter(TWO "/x", pid));
	EXPECT_TRUE(is_at(pid, 0, 2));
	EXPECT_TRUE(is_at(pid, 2, 2));
}

TEST_HARNESS_MAIN
