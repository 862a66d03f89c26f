// SPDX-License-Identifier: GPL-2.0
/* The files that every container has: what they show, what they take, and from whom. */
#include <kunit/test.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/threads.h>

#include "../src/hierarchy.h"
#include "fixture.h"
#include "mount.h"

static struct container *const top = &default_hierarchy.root;
static struct vfsmount *mnt;

static int core_files_start(struct kunit *test)
{
	int error = mount_start(test);

	if (error)
		return error;
	mnt = mount_type("container", "");
	return PTR_ERR_OR_ZERO(mnt) ?: make_dir(mnt, "a");
}

static void core_files_stop(struct kunit *test)
{
	if (is_there(mnt, "a"))
		KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
	mntput(mnt);
	mount_stop(test);
}

struct write_case {
	struct written written;
	ssize_t result;
};

static const struct write_case task_cases[] = {
	{ WRITTEN("0"), 1 },
	{ WRITTEN("0\n"), 2 },
	{ WRITTEN(" 0\t\n\n"), 5 },
	{ WRITTEN("00"), 2 },
	{ WRITTEN(""), -EIO },
	{ WRITTEN("\n"), -EIO },
	{ WRITTEN("x"), -EIO },
	{ WRITTEN("-1"), -EIO },
	{ WRITTEN("+0"), -EIO },
	{ WRITTEN("0x0"), -EIO },
	{ WRITTEN("0 0"), -EIO },
	{ WRITTEN("0\n0"), -EIO },
	{ WRITTEN("0,"), -EIO },
	{ WRITTEN("0\0"), 2 },
	{ WRITTEN("0\n\0"), 3 },
	{ WRITTEN("0\0\n"), -EIO },
	{ WRITTEN("0\0\0"), -EIO },
	{ WRITTEN("\0000"), -EIO },
	{ WRITTEN("0\0000"), -EIO },
	{ WRITTEN("\0"), -EIO },
	{ WRITTEN("2147483648"), -EIO },
	{ WRITTEN("4294967296"), -EIO },
	{ WRITTEN("99999999999999999999"), -EIO },
	{ WRITTEN("2147483647"), -ESRCH },
};

static void write_description(const struct write_case *w, char *description)
{
	describe_written(&w->written, description);
}

KUNIT_ARRAY_PARAM(task, task_cases, write_description);

static void tasks_takes_one_number(struct kunit *test)
{
	const struct write_case *w = test->param_value;
	struct file *file = open_at(mnt, "a/tasks", O_WRONLY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_EXPECT_EQ(test, write_file(file, w->written.text, w->written.len), w->result);
	/* Zero is the writer. */
	KUNIT_EXPECT_EQ(test, !!set_of(current), w->result > 0);
	KUNIT_EXPECT_EQ(test, write_at(mnt, "tasks", "0"), 1);
	KUNIT_EXPECT_NULL(test, set_of(current));
	close_file(file);
}

static void a_number_is_that_of_a_thread(struct kunit *test)
{
	struct task_struct *task = real_task(test, GLOBAL_ROOT_UID, GLOBAL_ROOT_UID);
	char id[16];

	sprintf(id, "%d\n", task_pid_nr(task));
	KUNIT_EXPECT_EQ(test, write_at(mnt, "a/tasks", id), strlen(id));
	expect_text(test, mnt, "a/tasks", id);
	KUNIT_EXPECT_EQ(test, write_at(mnt, "tasks", id), strlen(id));
	expect_text(test, mnt, "a/tasks", "");
	real_task_end(task);
}

/* The length of a write comes first, then whether there is a container, then what was written. */
static void the_first_error_is_told(struct kunit *test)
{
	struct file *file = open_at(mnt, "a/tasks", O_WRONLY);
	char *longest = kunit_kzalloc(test, PATH_MAX, GFP_KERNEL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_NOT_NULL(test, longest);
	memset(longest, 'x', PATH_MAX);
	KUNIT_EXPECT_EQ(test, write_file(file, longest, PATH_MAX), -E2BIG);
	KUNIT_EXPECT_EQ(test, write_file(file, longest, PATH_MAX - 1), -EIO);
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a"), 0);
	KUNIT_EXPECT_EQ(test, write_file(file, longest, PATH_MAX), -E2BIG);
	KUNIT_EXPECT_EQ(test, write_file(file, "x", 1), -ENODEV);
	KUNIT_EXPECT_EQ(test, write_file(file, "0", 1), -ENODEV);
	close_file(file);
}

static void what_is_read_of_tasks_is_of_the_time_of_open(struct kunit *test)
{
	struct task_struct *tasks[3];
	char expected[64] = "", found[64] = "";
	struct file *file;
	unsigned int i;
	loff_t pos = 0;

	for (i = 0; i < ARRAY_SIZE(tasks); i++) {
		tasks[i] = real_task(test, GLOBAL_ROOT_UID, GLOBAL_ROOT_UID);
		KUNIT_EXPECT_EQ(test, move(tasks[i], container_at(mnt, "a")), 0);
		sprintf(expected + strlen(expected), "%d\n", task_pid_nr(tasks[i]));
	}
	file = open_at(mnt, "a/tasks", O_RDONLY);
	KUNIT_EXPECT_FALSE(test, IS_ERR(file));
	for (i = 0; i < ARRAY_SIZE(tasks); i++) {
		KUNIT_EXPECT_EQ(test, move(tasks[i], top), 0);
		real_task_end(tasks[i]);
	}
	expect_text(test, mnt, "a/tasks", "");
	if (IS_ERR(file))
		return;
	/* In small pieces, and then from the middle on. */
	while (read_file(file, found + strlen(found), 2, &pos) > 0)
		;
	KUNIT_EXPECT_STREQ(test, found, expected);
	memset(found, 0, sizeof(found));
	pos = 5;
	KUNIT_EXPECT_EQ(test, read_file(file, found, 63, &pos), strlen(expected) - 5);
	KUNIT_EXPECT_STREQ(test, found, expected + 5);
	pos = 1LL << 40;
	KUNIT_EXPECT_EQ(test, read_file(file, found, 63, &pos), 0);
	/* From the beginning once more. */
	pos = 0;
	KUNIT_EXPECT_EQ(test, read_file(file, found, 63, &pos), 0);
	close_file(file);
}

/* Credentials of whom files let in as if he were root. */
static struct cred *cred_of(struct kunit *test, uid_t euid, bool admin)
{
	struct cred *cred = prepare_creds();

	KUNIT_ASSERT_NOT_NULL(test, cred);
	cred->euid = KUIDT_INIT(euid);
	if (!admin)
		cap_lower(cred->cap_effective, CAP_SYS_ADMIN);
	return cred;
}

static void who_has_opened_tasks_counts_and_not_who_writes(struct kunit *test)
{
	struct cred *user = cred_of(test, 1000, true);
	const struct cred *old = override_creds(user);
	struct file *of_user = open_at(mnt, "a/tasks", O_WRONLY), *of_root;

	revert_creds(old);
	of_root = open_at(mnt, "a/tasks", O_WRONLY);
	KUNIT_ASSERT_FALSE(test, IS_ERR(of_user) || IS_ERR(of_root));
	KUNIT_EXPECT_EQ(test, write_file(of_user, "0", 1), -EACCES);
	KUNIT_EXPECT_NULL(test, set_of(current));
	old = override_creds(user);
	KUNIT_EXPECT_EQ(test, write_file(of_root, "0", 1), 1);
	revert_creds(old);
	KUNIT_EXPECT_NOT_NULL(test, set_of(current));
	move(current, top);
	close_file(of_user);
	close_file(of_root);
	put_cred(user);
}

static const struct write_case notify_cases[] = {
	{ WRITTEN("1"), 1 },
	{ WRITTEN("2\n"), 2 },
	{ WRITTEN("18446744073709551615"), 20 },
	{ WRITTEN("4294967296"), 10 },
	{ WRITTEN("-1"), -EINVAL },
	{ WRITTEN("yes"), -EINVAL },
	{ WRITTEN(""), -EINVAL },
};

KUNIT_ARRAY_PARAM(notify, notify_cases, write_description);

static void notify_on_release_is_off_or_on(struct kunit *test)
{
	const struct write_case *w = test->param_value;

	expect_text(test, mnt, "a/notify_on_release", "0\n");
	KUNIT_EXPECT_EQ(test, write_at(mnt, "a/notify_on_release", w->written.text), w->result);
	expect_text(test, mnt, "a/notify_on_release", w->result > 0 ? "1\n" : "0\n");
	expect_text(test, mnt, "notify_on_release", "0\n");
	KUNIT_EXPECT_EQ(test, write_at(mnt, "a/notify_on_release", "0"), 1);
	expect_text(test, mnt, "a/notify_on_release", "0\n");
}

static void a_new_container_notifies_if_that_above_does(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, write_at(mnt, "a/notify_on_release", "1"), 1);
	KUNIT_EXPECT_EQ(test, make_dir(mnt, "a/b"), 0);
	KUNIT_EXPECT_EQ(test, write_at(mnt, "a/notify_on_release", "0"), 1);
	expect_text(test, mnt, "a/b/notify_on_release", "1\n");
	KUNIT_EXPECT_EQ(test, remove_dir(mnt, "a/b"), 0);
}

struct agent_case {
	struct written written;
	ssize_t result;
	const char *shown;
};

static const struct agent_case agent_cases[] = {
	{ WRITTEN("/bin/agent"), 10, "/bin/agent\n" },
	{ WRITTEN("/bin/agent\n"), 11, "/bin/agent\n" },
	{ WRITTEN(" /bin/an agent\t\n"), 16, "/bin/an agent\n" },
	{ WRITTEN(""), 0, "\n" },
	{ WRITTEN("\n"), 1, "\n" },
	{ WRITTEN("/bin\0/agent"), -EINVAL, "/sbin/container_release_agent\n" },
	{ WRITTEN("/bin/agent\0"), 11, "/bin/agent\n" },
	{ WRITTEN("/bin/agent\0\0"), -EINVAL, "/sbin/container_release_agent\n" },
	{ WRITTEN("\0"), 1, "\n" },
};

static void agent_description(const struct agent_case *a, char *description)
{
	describe_written(&a->written, description);
}

KUNIT_ARRAY_PARAM(agent, agent_cases, agent_description);

static void release_agent_takes_a_path(struct kunit *test)
{
	const struct agent_case *a = test->param_value;
	struct file *file = open_at(mnt, "release_agent", O_WRONLY);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	expect_text(test, mnt, "release_agent", "/sbin/container_release_agent\n");
	KUNIT_EXPECT_EQ(test, write_file(file, a->written.text, a->written.len), a->result);
	expect_text(test, mnt, "release_agent", a->shown);
	close_file(file);
}

static void the_longest_path_has_a_newline_too(struct kunit *test)
{
	struct file *file = open_at(mnt, "release_agent", O_WRONLY);
	char *path = kunit_kzalloc(test, PATH_MAX + 2, GFP_KERNEL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_NOT_NULL(test, path);
	memset(path, 'x', PATH_MAX);
	KUNIT_EXPECT_EQ(test, write_file(file, path, PATH_MAX), -E2BIG);
	path[PATH_MAX] = '\n';
	KUNIT_EXPECT_EQ(test, write_file(file, path, PATH_MAX + 1), -E2BIG);
	path[PATH_MAX - 1] = '\n';
	path[PATH_MAX] = '\0';
	KUNIT_EXPECT_EQ(test, write_file(file, path, PATH_MAX), PATH_MAX);
	expect_text(test, mnt, "release_agent", path);
	close_file(file);
}

static void each_tree_has_its_own_agent(struct kunit *test)
{
	struct vfsmount *other = mount_type("rcfs", "none,name=other");

	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_EXPECT_EQ(test, write_at(other, "release_agent", "/bin/other"), 10);
	expect_text(test, other, "release_agent", "/bin/other\n");
	expect_text(test, mnt, "release_agent", "/sbin/container_release_agent\n");
	mntput(other);
}

static void only_who_administers_the_machine_chooses_the_agent(struct kunit *test)
{
	struct cred *user = cred_of(test, 0, false);
	struct file *of_root = open_at(mnt, "release_agent", O_WRONLY);
	const struct cred *old;

	KUNIT_ASSERT_FALSE(test, IS_ERR(of_root));
	old = override_creds(user);
	KUNIT_EXPECT_EQ(test, write_at(mnt, "release_agent", "/bin/x"), -EPERM);
	/* Nor may he who is handed the open file. */
	KUNIT_EXPECT_EQ(test, write_file(of_root, "/bin/x", 6), -EPERM);
	/* But everybody may know. */
	expect_text(test, mnt, "release_agent", "/sbin/container_release_agent\n");
	revert_creds(old);
	KUNIT_EXPECT_EQ(test, write_file(of_root, "/bin/x", 6), 6);
	close_file(of_root);
	put_cred(user);
}

static struct kunit_case core_files_cases[] = {
	KUNIT_CASE_PARAM(tasks_takes_one_number, task_gen_params),
	KUNIT_CASE(a_number_is_that_of_a_thread),
	KUNIT_CASE(the_first_error_is_told),
	KUNIT_CASE(what_is_read_of_tasks_is_of_the_time_of_open),
	KUNIT_CASE(who_has_opened_tasks_counts_and_not_who_writes),
	KUNIT_CASE_PARAM(notify_on_release_is_off_or_on, notify_gen_params),
	KUNIT_CASE(a_new_container_notifies_if_that_above_does),
	KUNIT_CASE_PARAM(release_agent_takes_a_path, agent_gen_params),
	KUNIT_CASE(the_longest_path_has_a_newline_too),
	KUNIT_CASE(each_tree_has_its_own_agent),
	KUNIT_CASE(only_who_administers_the_machine_chooses_the_agent),
	{}
};

static struct kunit_suite core_files_suite = {
	.name = "core_files",
	.suite_init = mount_suite_start,
	.suite_exit = mount_suite_stop,
	.init = core_files_start,
	.exit = core_files_stop,
	.test_cases = core_files_cases,
};

kunit_test_suite(core_files_suite);
