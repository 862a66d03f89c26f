// SPDX-License-Identifier: GPL-2.0
// Stress: tasks are made in every way while others move, list and rename; none may be misplaced.
#include "selftest.h"

#include "family.h"

/*
 * Everybody belongs to a family, and looks for himself whether he is where his family is:
 *
 * - the tasks of /s, of /s/deep/deeper and of the root are never moved: there they must be;
 * - /r1 is renamed to /r2 and back all the time;
 * - all tasks of /c1 are moved to /c2 one by one, until /c1 is empty. As nobody is left in it to
 *   fork, it stays empty and can be removed at once. It is made again, and all are moved back;
 * - of the family of /m1 and /m2, only the eldest is moved. When it has been in one place from
 *   before it called fork until after, its child must be in that place.
 *
 * So each of these races is run: a fork with a move of the parent, before, between and after the
 * two steps in which a child is entered; an exit with a move; an exec with a move; all of them
 * with readers of tasks and /proc and with containers made, renamed and removed.
 */
enum { ROOT, STILL, DEEP, RENAMED, CHURNED, ELDEST };

static const struct family families[] = {
	[ROOT] = { { "/", "/" } },
	[STILL] = { { "/s", "/s" } },
	[DEEP] = { { "/s/deep/deeper", "/s/deep/deeper" } },
	[RENAMED] = { { "/r1", "/r2" } },
	[CHURNED] = { { "/c1", "/c2" } },
	[ELDEST] = { { "/m1", "/m2" } },
};

static const char * const containers[] = {
	"/s", "/s/deep", "/s/deep/deeper", "/r1", "/c1", "/c2", "/m1", "/m2",
};

static struct shared {
	int target;		/* of tasks to be made */
	atomic_int go;		/* tells the workers to begin */
	atomic_int idle;	/* workers that are done */
	atomic_int leave;	/* tells them to exit */
	atomic_uint moves;	/* twice the moves of the eldest, odd while it is being moved */
} *shared;

static bool done(void)
{
	return ledger->tasks >= shared->target || ledger->complaints;
}

/* Stays until all are told to leave, with a thread that has never done anything else. */
static void stay(void)
{
	struct thread thread;

	if (thread_start(&thread))
		complain("no thread could be made");
	ledger->tasks++;
	shared->idle++;
	while (!shared->leave)
		usleep(10000);
	_exit(0);
}

static void work(const struct family *family)
{
	unsigned int random = getpid();

	while (!done())
		make_task(family, rand_r(&random));
	stay();
}

/* Is moved, and forks: its child must be where it has been all through the fork. */
static void work_as_eldest(const struct family *family)
{
	unsigned int before, after;
	int place;
	pid_t pid;

	while (!done()) {
		before = shared->moves;
		pid = fork();
		if (pid == 0)
			_exit(which_place(family));
		after = shared->moves;
		ledger->tasks++;
		place = expect_place(family, pid, "a child of the eldest");
		if (before == after && before % 2 == 0 && place != (int)(before / 2 % 2))
			complain("a child of the eldest is where it was in the past");
	}
	stay();
}

/* The eldest of the family that has one */
static pid_t eldest;

/* None of the following belongs to a family; they are in the root. */

static void move_eldest(void)
{
	unsigned int moves = 0, random = 1;

	while (!done()) {
		shared->moves = ++moves;
		if (attach(families[ELDEST].places[(moves + 1) / 2 % 2], eldest))
			complain("the eldest cannot be moved");
		shared->moves = ++moves;
		/* Some forks shall see a move, and some none. */
		usleep(rand_r(&random) % 5000);
	}
}

/* Moves all tasks from one place to another until nobody is left behind. */
static void move_everybody(const char *from, const char *to)
{
	struct ids ids;
	size_t i;
	int error;

	do {
		error = ids_read(&ids, text(TREE "%s/tasks", from));
		if (error)
			complain("tasks of %s: error %d", from, error);
		for (i = 0; i < ids.count; i++) {
			error = attach(to, ids.id[i]);
			if (error && error != -ESRCH)
				complain("%d moves to %s: error %d", ids.id[i], to, error);
		}
		i = ids.count;
		ids_free(&ids);
	} while (i);
}

static void churn(void)
{
	int from = 0, error;

	while (!done()) {
		const char *empty = families[CHURNED].places[from];

		move_everybody(empty, families[CHURNED].places[!from]);
		error = drop(empty) ?: make(empty);
		if (error)
			complain("%s, which was empty, made anew: error %d", empty, error);
		from = !from;
		usleep(1000);
	}
}

static void rename_family(void)
{
	int from = 0;

	while (!done()) {
		const char *name = text(TREE "%s", families[RENAMED].places[from]);

		if (rename(name, text(TREE "%s", families[RENAMED].places[!from])))
			complain("%s cannot be renamed: error %d", name, errno);
		from = !from;
		usleep(1000);
	}
}

static void make_containers(void)
{
	char name[32], other[32];

	sprintf(name, "/k%d", getpid());
	sprintf(other, "/k%d-renamed", getpid());
	while (!done()) {
		if (make(name) || make(text("%s/child", name)))
			complain("%s cannot be made", name);
		if (forked(attach(text("%s/child", name), 0)))
			complain("%s/child cannot be entered", name);
		if (rename(text(TREE "%s", name), text(TREE "%s", other)))
			complain("%s cannot be renamed", name);
		if (drop(text("%s/child", other)) || drop(other))
			complain("%s cannot be removed", other);
		ledger->tasks++;
	}
}

static void list_containers(void)
{
	static const char * const lists[] = { "", "/s", "/s/deep/deeper", "/m1", "/m2" };
	struct ids ids;
	size_t i, j;
	int error;

	while (!done()) {
		for (i = 0; i < ARRAY_SIZE(lists); i++) {
			error = ids_read(&ids, text(TREE "%s/tasks", lists[i]));
			if (error)
				complain("tasks of '%s': error %d", lists[i], error);
			for (j = 1; j < ids.count; j++)
				if (ids.id[j - 1] >= ids.id[j])
					complain("tasks of '%s' are not in order", lists[i]);
			ids_free(&ids);
		}
		usleep(20000);
	}
}

static void list_processes(void)
{
	struct ids ids;
	size_t i;

	while (!done()) {
		ids_of_system(&ids);
		for (i = 0; i < ids.count; i++) {
			const char *where = where_is(ids.id[i]);

			if (*where != '/' && strcmp(where, text("error %d", ENOENT)) &&
			    strcmp(where, text("error %d", ESRCH)))
				complain("/proc/%d/container: %s", ids.id[i], where);
			entries_named(text("/proc/%d", ids.id[i]), "container");
		}
		ids_free(&ids);
		content("/proc/containers");
		usleep(20000);
	}
}

static void (* const helpers[])(void) = {
	move_eldest, churn, rename_family, make_containers, make_containers, list_containers,
	list_processes,
};

/* Who works in which family; all begin when all are in their places. */
static const struct {
	int family;
	void (*work)(const struct family *family);
} workers[] = {
	{ ROOT, work }, { STILL, work }, { STILL, work }, { DEEP, work }, { RENAMED, work },
	{ CHURNED, work }, { CHURNED, work }, { CHURNED, work }, { ELDEST, work_as_eldest },
};

FIXTURE(stress)
{
	pid_t workers[ARRAY_SIZE(workers)];
};

FIXTURE_SETUP(stress)
{
	const struct family *family;
	size_t i;

	ASSERT_EQ(0, mount_tree());
	for (i = 0; i < ARRAY_SIZE(containers); i++)
		ASSERT_EQ(0, make(containers[i]));
	ledger_open();
	shared = shared_memory(sizeof(*shared));
	shared->target = scaled(20000);
	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		family = &families[workers[i].family];
		self->workers[i] = child();
		if (self->workers[i] == 0) {
			while (!shared->go)
				usleep(1000);
			workers[i].work(family);
		}
		ASSERT_LT(0, self->workers[i]);
		ASSERT_EQ(0, attach(workers[i].family == ROOT ? "" : family->places[0],
				    self->workers[i]));
	}
	eldest = self->workers[ARRAY_SIZE(workers) - 1];
}

FIXTURE_TEARDOWN(stress)
{
	EXPECT_EQ(0, clear_tree());
}

/* Runs everybody, and returns when all tasks are made and the workers stay where they are. */
static int run(void)
{
	pid_t pids[ARRAY_SIZE(helpers)];
	int status, error = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(helpers); i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			helpers[i]();
			_exit(0);
		}
	}
	shared->go = 1;
	for (i = 0; i < ARRAY_SIZE(helpers); i++)
		error = error ?: reap(pids[i]);
	while (!error && shared->idle < (int)ARRAY_SIZE(workers)) {
		if (waitpid(-1, &status, WNOHANG))
			error = -ECHILD;
		usleep(10000);
	}
	return error;
}

/* Now each worker has one more thread, and there is nobody else. */
static int population_of(int family)
{
	int second = strcmp(families[family].places[0], families[family].places[1]) != 0;
	int count = 0, place;

	for (place = 0; place <= second; place++)
		if (exists(text(TREE "%s", families[family].places[place])))
			count += population(families[family].places[place]);
	return count;
}

/* Looks for tasks that are in two lists, or in none, or not where /proc has them. */
static const char *misplaced(void)
{
	struct ids before, all = { 0 }, list;
	const char *problem = NULL;
	size_t i, j;

	ids_of_system(&before);
	for (i = 0; i <= ARRAY_SIZE(containers); i++) {
		const char *container = i ? containers[i - 1] : "";

		if (i && !exists(text(TREE "%s", container)))
			container = "/r2";
		if (ids_read(&list, text(TREE "%s/tasks", container)))
			problem = text("%s cannot be read", container);
		for (j = 0; j < list.count; j++) {
			ids_add(&all, list.id[j]);
			if (strcmp(*container ? container : "/", where_is(list.id[j])) &&
			    exists(text("/proc/%d", list.id[j])))
				problem = text("%d is listed in %s", list.id[j], container);
		}
		ids_free(&list);
	}
	ids_sort(&all);
	for (i = 1; i < all.count; i++)
		if (all.id[i - 1] == all.id[i])
			problem = text("%d is in two lists", all.id[i]);
	/* Whoever was there before and still is has been there all the time. */
	for (i = 0; i < before.count; i++)
		if (!ids_have(&all, before.id[i]) && exists(text("/proc/%d", before.id[i])))
			problem = text("%d is in no list", before.id[i]);
	ids_free(&before);
	ids_free(&all);
	return problem;
}

TEST_F(stress, every_task_is_where_it_belongs_and_the_dead_are_nowhere)
{
	int tracked = 0, count;
	size_t i, j;

	EXPECT_EQ(0, run());
	EXPECT_EQ(0, ledger->complaints) TH_LOG("the first: %s", ledger->complaint);
	for (i = STILL; i < ARRAY_SIZE(families); i++) {
		for (count = 0, j = 0; j < ARRAY_SIZE(workers); j++)
			count += 2 * (workers[j].family == (int)i);
		EXPECT_TRUE(wait_until(population_of(i) == count))
			TH_LOG("%s has %d tasks", families[i].places[0], population_of(i));
		tracked += count;
	}
	EXPECT_EQ(tracked, count_tracked());
	EXPECT_EQ(NULL, misplaced()) TH_LOG("%s", misplaced());

	shared->leave = 1;
	for (i = 0; i < ARRAY_SIZE(workers); i++)
		EXPECT_EQ(0, reap(self->workers[i]));
	EXPECT_EQ(0, count_tracked());
	if (exists(TREE "/r2"))
		EXPECT_EQ(0, rename(TREE "/r2", TREE "/r1"));
	for (i = ARRAY_SIZE(containers); i > 0; i--)
		EXPECT_EQ(0, drop(containers[i - 1])) TH_LOG("%s", containers[i - 1]);
	printf("# %d tasks were made, the eldest was moved %u times\n", ledger->tasks,
	       shared->moves / 2);
	fflush(stdout);
}

TEST_HARNESS_MAIN
