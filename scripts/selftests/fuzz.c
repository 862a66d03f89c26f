// SPDX-License-Identifier: GPL-2.0
// A fuzzer: random system calls on every file of all trees, next to tasks that fork and are moved.
#include "rcfstest.h"
#include "family.h"
#include "fuzz.h"
#include "recorder.h"

/*
 * The calls of a worker follow from its seed, and the seeds of all from one that the test prints.
 * CONTAINERFS_SEED sets it. What other tasks do meanwhile does not repeat.
 *
 * Every now and then all stop, and what must be true then is checked.
 */
#define FORKERS 3
#define MOVERS 2
#define OTHERS (FORKERS + MOVERS)
#define KEPT (FUZZ_PIDS / FORKERS)

static struct fuzz_report *others;	/* of the forkers and the movers */

static const char * const options[FUZZ_TREES] = {
	NULL, "numtasks,cpuacct", "debug,name=two", "alpha",
};

static const char * const labels[FUZZ_TREES] = {
	"", "cpuacct,numtasks", "debug,name=two", "alpha",
};

static const char * const roots[FUZZ_TREES] = { TREE, ONE, TWO, THREE };

/* Wait while all others are checked; to be called between two steps. */
static void pass(struct fuzz_report *report)
{
	report->calls++;
	if (!fuzz->pause)
		return;
	report->call = "pause";
	report->idle = true;
	while (fuzz->pause)
		usleep(1000);
	report->idle = false;
}

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

/* A child of a forker: alone, with threads, or with a child that dies with it */
static void live(unsigned int way)
{
	static struct thread threads[2];

	if (way % 4 == 0)
		child();
	else if (way % 4 == 1 && thread_start(&threads[0]) == 0)
		thread_start(&threads[1]);
	sleep_for_ever();
}

/* A container may have refused the fork. */
static void fork_and_kill(struct fuzz_report *report, unsigned int which)
{
	atomic_int *kept = fuzz->pids + which * KEPT, *slot;
	unsigned int seed = report->seed;
	pid_t pid;

	for (;; pass(report)) {
		report->call = "fork and kill";
		slot = &kept[rand_r(&seed) % KEPT];
		pid = atomic_exchange(slot, 0);
		if (pid > 0)
			end(pid);
		if (rand_r(&seed) % 4 == 0) {
			reap(child() ?: (_exit(0), 0));
			continue;
		}
		pid = child();
		if (pid == 0)
			live(rand_r(&seed));
		atomic_store(slot, pid > 0 ? pid : 0);
	}
}

static void move_anyone(struct fuzz_report *report)
{
	static const char * const places[] = { "", "/x", "/y", "/n", "/x/x", "/x/y", "/y/x/y" };
	unsigned int seed = report->seed;
	const char *root;
	pid_t pid;

	for (;; pass(report)) {
		report->call = "move";
		root = roots[rand_r(&seed) % FUZZ_TREES];
		pid = fuzz->pids[rand_r(&seed) % FUZZ_PIDS];
		if (pid > 0)
			enter(text("%s%s", root, places[rand_r(&seed) % ARRAY_SIZE(places)]), pid);
		else
			usleep(100);
	}
}

static pid_t start_other(unsigned int which)
{
	struct fuzz_report *report = &others[which];
	pid_t pid = child();

	if (pid == 0 && which < FORKERS)
		fork_and_kill(report, which);
	else if (pid == 0)
		move_anyone(report);
	report->pid = pid;
	return pid;
}

/* Every second one is no superuser. */
static pid_t start_worker(unsigned int which)
{
	static struct fuzzer fuzzer;
	pid_t pid = child();

	if (pid == 0) {
		if (which % 2 && become(NOBODY))
			_exit(1);
		fuzz_begin(&fuzzer, &fuzz->workers[which]);
		for (;; pass(&fuzz->workers[which]))
			fuzz_step(&fuzzer);
	}
	return pid;
}

/* The names of the control files of a root and of a container */
static int learn_names(struct fuzz_tree *tree, const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	unsigned int i;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		for (i = 0; i < tree->names && strcmp(tree->name[i], entry->d_name); i++)
			;
		if (entry->d_type == DT_REG && i == tree->names && i < FUZZ_NAMES)
			strcpy(tree->name[tree->names++], entry->d_name);
	}
	closedir(dir);
	return tree->names > 2 ? 0 : -ENOENT;
}

static int make_tree(unsigned int which)
{
	struct fuzz_tree *tree = &fuzz->trees[which];

	tree->root = roots[which];
	tree->label = labels[which];
	return (which ? mount_rcfs(tree->root, options[which]) : remount_tree()) ?:
	       make_at(text("%s/x", tree->root)) ?: make_at(text("%s/y", tree->root)) ?:
	       learn_names(tree, tree->root) ?: learn_names(tree, text("%s/x", tree->root));
}

static void collect_below(const struct fuzz_tree *tree, const char *path, const char *name,
			  struct ids *all);

/* Adds all tasks that a container and those below list; complains if /proc says something else. */
static void collect(const struct fuzz_tree *tree, const char *path, struct ids *all)
{
	char directory[PATH_MAX];
	struct dirent *entry;
	struct ids ids;
	const char *where;
	DIR *dir;
	size_t i;

	snprintf(directory, sizeof(directory), "%s%s", tree->root, path);
	if (ids_read(&ids, text("%s/tasks", directory)))
		complain("tasks of %s cannot be read", directory);
	for (i = 0; i < ids.count; i++) {
		ids_add(all, ids.id[i]);
		where = path_in(tree->label, ids.id[i]);
		if (*path && strcmp(where, path))
			complain("%d is in %s, and in %s for /proc", ids.id[i], directory, where);
	}
	ids_free(&ids);
	dir = opendir(directory);
	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			collect_below(tree, path, entry->d_name, all);
	if (dir)
		closedir(dir);
}

static void collect_below(const struct fuzz_tree *tree, const char *path, const char *name,
			  struct ids *all)
{
	char below[PATH_MAX];

	snprintf(below, sizeof(below), "%s/%s", path, name);
	collect(tree, below, all);
}

/* Is each task of the system in the lists of a tree exactly once? */
static bool listed_once(const struct fuzz_tree *tree)
{
	struct ids all = { 0 }, system;
	bool same;

	collect(tree, "", &all);
	ids_sort(&all);
	ids_of_system(&system);
	same = all.count == system.count && !memcmp(all.id, system.id, all.count * sizeof(*all.id));
	ids_free(&all);
	ids_free(&system);
	return same;
}

static bool all_idle(void)
{
	unsigned int i;

	for (i = 0; i < FUZZ_WORKERS; i++)
		if (!fuzz->workers[i].idle)
			return false;
	for (i = 0; i < OTHERS; i++)
		if (!others[i].idle)
			return false;
	return true;
}

/* What a process that does not come to the end of a call is at */
static void tell(const struct fuzz_report *report)
{
	char stack[4096];

	if (report->idle)
		return;
	if (read_file(text("/proc/%d/stack", report->pid), stack, sizeof(stack)) < 0)
		*stack = '\0';
	fprintf(stderr, "# %d hangs in call %lu, %s:\n%s", report->pid, report->calls, report->call,
		stack);
}

static void check_all(struct __test_metadata *_metadata)
{
	unsigned int i;

	fuzz->pause = 1;
	EXPECT_TRUE(wait_until(all_idle())) {
		for (i = 0; i < FUZZ_WORKERS; i++)
			tell(&fuzz->workers[i]);
		for (i = 0; i < OTHERS; i++)
			tell(&others[i]);
	}
	/* The threads of the kernel come and go. */
	for (i = 0; i < FUZZ_TREES && !ledger->complaints; i++) {
		EXPECT_TRUE(wait_until(ledger->complaints || listed_once(&fuzz->trees[i])))
			TH_LOG("in %s", roots[i]);
		EXPECT_TRUE(has_task(roots[i], 1)) TH_LOG("in %s", roots[i]);
	}
	EXPECT_STREQ("", ledger->complaint);
	fuzz->pause = 0;
}

static bool called(unsigned long calls)
{
	unsigned int i;

	for (i = 0; i < FUZZ_WORKERS; i++)
		if (fuzz->workers[i].calls < calls)
			return false;
	return true;
}

FIXTURE(fuzz)
{
	unsigned long long seed;
};

FIXTURE_SETUP(fuzz)
{
	const char *seed = getenv("CONTAINERFS_SEED");
	unsigned int i;

	ledger_open();
	fuzz = shared_memory(sizeof(*fuzz));
	others = shared_memory(OTHERS * sizeof(*others));
	self->seed = seed ? strtoull(seed, NULL, 0) : 1ULL | clock_of(CLOCK_REALTIME);
	TH_LOG("CONTAINERFS_SEED=%llu", self->seed);
	for (i = 0; i < FUZZ_WORKERS; i++)
		fuzz->workers[i].seed = self->seed * (2 * i + 1);
	for (i = 0; i < OTHERS; i++)
		others[i].seed = self->seed + i;
	ASSERT_EQ(0, recorder_begin());
	ASSERT_EQ(0, load_subsystems());
	for (i = 0; i < FUZZ_TREES; i++)
		ASSERT_EQ(0, make_tree(i)) TH_LOG("in %s", roots[i]);
}

/* Nothing that was called may keep the trees from being cleared and the modules from leaving. */
FIXTURE_TEARDOWN(fuzz)
{
	unsigned int i;

	EXPECT_EQ(0, recorder_end());
	for (i = 0; i < FUZZ_TREES; i++)
		EXPECT_EQ(i ? -1 : 0, tree_tasks(labels[i])) TH_LOG("in %s", roots[i]);
	EXPECT_EQ(0, unload_subsystems());
	EXPECT_EQ(0, module_unload_patiently());
}

TEST_F(fuzz, random_calls_lose_no_task)
{
	unsigned long calls = 0, rounds = scaled(60), i;

	for (i = 0; i < OTHERS; i++)
		ASSERT_LT(0, start_other(i));
	for (i = 0; i < FUZZ_WORKERS; i++)
		ASSERT_LT(0, start_worker(i));
	for (i = 0; i < rounds && _metadata->passed; i++) {
		calls += 5000;
		EXPECT_TRUE(wait_until(ledger->complaints || called(calls)));
		check_all(_metadata);
	}
}

TEST_HARNESS_MAIN
