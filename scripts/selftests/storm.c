// SPDX-License-Identifier: GPL-2.0
// Stress: the module is loaded and unloaded while tasks are made and their files in /proc are read.
#include "selftest.h"

#include "family.h"
#include "traces.h"

/*
 * Each of these is run in its race with the module's coming and going: the lookup and the listing
 * of its files in /proc, which sleep in code that is about to go; their reading; forks and exits,
 * whose functions have just been or are about to be hooked.
 */

/* Where who is in no container finds himself, with the module and without it */
static const struct family outside = { { "/", "error 2" } };
static const struct family inside = { { "/a", "/a" } };

/* Who loads the module waits for the kernel's own threads, and so for a processor for them. */
static void breathe(void)
{
	usleep(2000);
}

static void fork_outside(unsigned int random)
{
	for (;;) {
		make_task(&outside, rand_r(&random));
		breathe();
	}
}

static void read_processes(unsigned int random)
{
	struct ids ids;
	size_t i;

	(void)random;
	for (;;) {
		ids_of_system(&ids);
		for (i = 0; i < ids.count; i++) {
			const char *where = where_is(ids.id[i]);

			if (strcmp(where, "/") && strcmp(where, "/a") &&
			    strcmp(where, text("error %d", ENOENT)) &&
			    strcmp(where, text("error %d", ESRCH)))
				complain("/proc/%d/container: %s", ids.id[i], where);
			breathe();
		}
		ids_free(&ids);
	}
}

static void list_processes(unsigned int random)
{
	const char *directory;
	struct ids ids;
	size_t i;

	(void)random;
	for (;;) {
		ids_of_system(&ids);
		for (i = 0; i < ids.count; i++) {
			directory = text("/proc/%d/task/%d", ids.id[i], ids.id[i]);
			if (entries_named(directory, "container") > 1)
				complain("%s shows it twice", directory);
			directory = text("/proc/%d", ids.id[i]);
			if (entries_named(directory, "containers") > 1)
				complain("%s shows them twice", directory);
			breathe();
		}
		ids_free(&ids);
		content("/proc/containers");
	}
}

static void (* const others[])(unsigned int random) = {
	fork_outside, fork_outside, read_processes, list_processes,
};

static int use(unsigned int way)
{
	int error = attach("/a", 0);

	if (!error)
		make_task(&inside, way);
	return error;
}

static int load_and_unload(unsigned int round)
{
	int error;

	error = module_load(module_parameters()) ?: remount_tree() ?: make("/a");
	if (!error)
		error = forked(use(round));
	/* An orphan may still be in it. */
	if (!error && !wait_until(drop("/a") == 0))
		error = -EBUSY;
	return error ?: result(umount(TREE)) ?: module_unload_patiently();
}

TEST(loads_and_unloads_while_tasks_are_made_and_proc_is_read)
{
	int i, count = scaled(50);
	pid_t pids[ARRAY_SIZE(others)];
	size_t j;

	ASSERT_FALSE(module_loaded());
	ledger_open();
	for (j = 0; j < ARRAY_SIZE(others); j++) {
		pids[j] = child();
		if (pids[j] == 0)
			others[j](j);
	}
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, load_and_unload(i)) TH_LOG("in round %d", i);
		ASSERT_EQ(0, ledger->complaints) TH_LOG("the first: %s", ledger->complaint);
	}
	for (j = 0; j < ARRAY_SIZE(others); j++)
		EXPECT_EQ(0, end(pids[j]));
	EXPECT_EQ(0, ledger->complaints) TH_LOG("the first: %s", ledger->complaint);
	EXPECT_EQ(NULL, trace_of_module()) TH_LOG("a trace in %s", trace_of_module());
	printf("# %d loads and unloads, %d tasks were made\n", i, ledger->tasks);
	fflush(stdout);
}

TEST_HARNESS_MAIN
