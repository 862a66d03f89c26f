// SPDX-License-Identifier: GPL-2.0
// Tests of subsystems: registering and binding them, their containers, and the moves they are told.
#include "selftest.h"
#include "recorder.h"

FIXTURE(registration)
{
};

FIXTURE_SETUP(registration)
{
	ASSERT_EQ(0, clear_trees());
	ASSERT_EQ(0, unload_patiently(RECORDER));
	ASSERT_EQ(0, load_subsystems());
}

FIXTURE_TEARDOWN(registration)
{
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_patiently(RECORDER));
	EXPECT_EQ(0, unload_subsystems());
}

/* A refused registration leaves nothing: no name is new, and the module could not be loaded. */
static int refused(const char *parameters)
{
	const char *before = content("/proc/rc_subsys");
	int error = load(RECORDER, parameters);

	if (strcmp(before, content("/proc/rc_subsys")) || loaded(RECORDER))
		return 1;
	return error;
}

TEST_F(registration, a_subsystem_without_a_name_is_refused)
{
	EXPECT_EQ(-EINVAL, refused("without=name names=alpha"));
	EXPECT_EQ(-EINVAL, refused("names=\"\""));
}

TEST_F(registration, a_name_of_32_characters_is_taken_and_one_of_33_is_refused)
{
	EXPECT_EQ(-EINVAL, refused("names=a23456789-123456789-123456789-123"));
	EXPECT_EQ(0, load(RECORDER, "names=a23456789-123456789-123456789-12"));
	EXPECT_EQ(0, subsys_tree_id("a23456789-123456789-123456789-12"));
	EXPECT_EQ(0, mount_rcfs(ONE, "a23456789-123456789-123456789-12"));
	EXPECT_TRUE(exists(ONE "/a23456789-123456789-123456789-12.value"));
}

TEST_F(registration, a_name_with_other_characters_is_refused)
{
	static const char * const names[] = { "a/b", "a=b", "a!", "\"a b\"", "\303\244", "a:b" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_EQ(-EINVAL, refused(text("names=%s", names[i]))) TH_LOG("name %zu", i);
	EXPECT_EQ(0, load(RECORDER, "names=aZ09.-_"));
}

TEST_F(registration, a_name_that_is_an_option_of_mount_is_refused)
{
	EXPECT_EQ(-EINVAL, refused("names=all"));
	EXPECT_EQ(-EINVAL, refused("names=none"));
}

TEST_F(registration, a_subsystem_without_create_is_refused)
{
	EXPECT_EQ(-EINVAL, refused("without=create names=alpha"));
}

TEST_F(registration, a_subsystem_without_destroy_is_refused)
{
	EXPECT_EQ(-EINVAL, refused("without=destroy names=alpha"));
}

/* New kernels' insmod says EBUSY instead, because EEXIST means there that the module is loaded. */
static int is_taken(const char *options)
{
	int error = refused(options);

	return error == -EEXIST || error == -EBUSY;
}

TEST_F(registration, a_name_that_is_taken_is_refused)
{
	EXPECT_TRUE(is_taken("names=debug"));
	EXPECT_TRUE(is_taken("names=alpha,alpha"));
	ASSERT_EQ(0, mount_rcfs(ONE, "debug"));
	EXPECT_TRUE(is_taken("names=debug"));
}

TEST_F(registration, too_many_are_refused)
{
	EXPECT_EQ(-ENOSPC, refused("crowd=1000"));
	EXPECT_EQ(0, load(RECORDER, "crowd=2"));
}

TEST_F(registration, an_error_of_creating_the_root_state_is_passed_on)
{
	EXPECT_EQ(-ENOMEM, refused(text("names=alpha create_error=%d", ENOMEM)));
	EXPECT_EQ(-EDOM, refused(text("create_error=0,%d", EDOM)));
	EXPECT_EQ(0, load(RECORDER, ""));
}

/* Tests of this fixture find the recording subsystems alpha and beta, which were told nothing. */
FIXTURE(subsys)
{
};

FIXTURE_SETUP(subsys)
{
	ASSERT_EQ(0, recorder_begin());
	ASSERT_STREQ("alpha create 0 in -1\nbeta create 0 in -1", calls());
}

FIXTURE_TEARDOWN(subsys)
{
	EXPECT_EQ(0, recorder_end());
}

TEST_F(subsys, registering_creates_the_root_state_and_unregistering_destroys_it)
{
	EXPECT_STREQ("1,1", recorder_has("states"));
	EXPECT_EQ(0, write_file(RECORDER_PARAMETER("unregister"), "0"));
	EXPECT_STREQ("alpha destroy 0", calls());
	EXPECT_STREQ("0,1", recorder_has("states"));
	EXPECT_EQ(-1, subsys_tree_id("alpha"));
	EXPECT_EQ(-ENOENT, mount_rcfs(ONE, "alpha"));
	EXPECT_GT(0, write_file(RECORDER_PARAMETER("unregister"), "0"));
	EXPECT_STREQ("", calls());
	EXPECT_EQ(0, write_file(RECORDER_PARAMETER("register"), "0"));
	EXPECT_EQ(-EEXIST, write_file(RECORDER_PARAMETER("register"), "0"));
	EXPECT_EQ(0, subsys_tree_id("alpha"));
	EXPECT_EQ(0, mount_rcfs(ONE, "alpha"));
}

TEST_F(subsys, unregistering_is_refused_while_it_is_bound)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "alpha"));
	EXPECT_EQ(-EBUSY, write_file(RECORDER_PARAMETER("unregister"), "0"));
	EXPECT_EQ(0, write_file(RECORDER_PARAMETER("unregister"), "1"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(-EBUSY, write_file(RECORDER_PARAMETER("unregister"), "0"));
	ASSERT_EQ(0, mount_rcfs(ONE, "alpha"));
	ASSERT_EQ(0, rmdir(ONE "/a"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(0, write_file(RECORDER_PARAMETER("unregister"), "0"));
}

TEST_F(subsys, its_module_cannot_be_unloaded_while_it_is_bound)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "beta"));
	EXPECT_EQ(-EWOULDBLOCK, unload(RECORDER));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(-EWOULDBLOCK, unload(RECORDER));
	ASSERT_EQ(0, mount_rcfs(ONE, "beta"));
	ASSERT_EQ(0, rmdir(ONE "/a"));
	ASSERT_EQ(0, umount(ONE));
	ASSERT_EQ(0, mount_at_once("container", ONE, "alpha"));
	EXPECT_EQ(-EWOULDBLOCK, unload(RECORDER));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(0, unload_patiently(RECORDER));
}

TEST_F(subsys, its_module_can_be_unloaded_while_there_are_containers_elsewhere)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "none,name=x"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, enter(ONE "/a", 0));
	ASSERT_EQ(0, mount_rcfs(TWO, "alpha"));
	ASSERT_EQ(0, make_at(TWO "/a"));
	ASSERT_EQ(0, enter(TWO "/a", 0));
	ASSERT_EQ(0, enter(TWO, 0));
	ASSERT_EQ(0, rmdir(TWO "/a"));
	ASSERT_EQ(0, umount(TWO));
	EXPECT_EQ(0, unload_patiently(RECORDER));
	EXPECT_EQ(0, forked(has_task(ONE "/a", getpid()) ? 0 : -1));
	EXPECT_EQ(0, load(RECORDER, ""));
	EXPECT_EQ(0, mount_rcfs(TWO, "alpha"));
}

TEST_F(subsys, an_open_file_of_it_keeps_its_module)
{
	int fd;

	ASSERT_EQ(0, mount_rcfs(ONE, "alpha"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	fd = open(ONE "/a/alpha.value", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rmdir(ONE "/a"));
	ASSERT_EQ(0, umount2(ONE, MNT_DETACH));
	EXPECT_EQ(-EWOULDBLOCK, unload(RECORDER));
	EXPECT_STREQ("2,1", recorder_has("states"));
	close(fd);
	EXPECT_TRUE(wait_until(!strcmp("1,1", recorder_has("states"))));
	EXPECT_EQ(0, unload_patiently(RECORDER));
}

TEST_F(subsys, binding_and_releasing_is_told)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "beta,alpha"));
	EXPECT_STREQ("alpha populate 0\nalpha bind\nbeta populate 0\nbeta bind", calls());
	ASSERT_EQ(0, mount_rcfs(TWO, "alpha,beta"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_STREQ("", calls());
	ASSERT_EQ(0, umount(TWO));
	EXPECT_STREQ("alpha unbind\nbeta unbind", calls());
	ASSERT_EQ(0, mount_at_once("container", ONE, "alpha"));
	EXPECT_STREQ("alpha populate 0\nalpha bind", calls());
	ASSERT_EQ(0, mount_at_once("container", TWO, "beta"));
	EXPECT_STREQ("beta populate 0\nbeta bind\nalpha unbind", calls());
}

TEST_F(subsys, a_failing_populate_of_the_root_undoes_the_mount)
{
	ASSERT_EQ(0, recorder_fail("populate", text("0,%d", EDOM)));
	EXPECT_EQ(-EDOM, mount_rcfs(ONE, "alpha,beta"));
	EXPECT_STREQ("alpha populate 0\nalpha bind\nbeta populate 0 fails\nalpha unbind", calls());
	EXPECT_EQ(0, count_trees());
	EXPECT_EQ(0, subsys_containers("alpha"));
	EXPECT_EQ(0, subsys_containers("beta"));
	EXPECT_EQ(0, mount_rcfs(ONE, "alpha"));
	EXPECT_EQ(-EDOM, mount_rcfs(TWO, "beta,name=x"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(0, unload_patiently(RECORDER));
}

TEST_F(subsys, a_failing_populate_leaves_the_default_tree_as_it_was)
{
	ASSERT_EQ(0, mount_at_once("container", ONE, "alpha"));
	ASSERT_EQ(0, recorder_fail("populate", text("0,%d", EDOM)));
	EXPECT_EQ(-EDOM, mount_at_once("container", TWO, "beta"));
	EXPECT_EQ(-EDOM, mount_at_once("container", TWO, "alpha,beta"));
	EXPECT_EQ(0, tree_id("alpha"));
	EXPECT_EQ(0, subsys_containers("beta"));
	EXPECT_TRUE(exists(ONE "/alpha.value"));
	EXPECT_FALSE(exists(TWO "/tasks"));
}

TEST_F(subsys, making_and_removing_a_container_is_told)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "alpha"));
	calls();
	ASSERT_EQ(0, make_at(ONE "/a"));
	EXPECT_STREQ("alpha create 1 in 0\nalpha populate 1", calls());
	ASSERT_EQ(0, make_at(ONE "/a/b"));
	EXPECT_STREQ("alpha create 2 in 1\nalpha populate 2", calls());
	ASSERT_EQ(0, rename(ONE "/a", ONE "/c"));
	EXPECT_STREQ("", calls());
	ASSERT_EQ(0, rmdir(ONE "/c/b"));
	EXPECT_STREQ("alpha destroy 2", calls());
	ASSERT_EQ(0, umount(ONE));
	EXPECT_STREQ("", calls());
	ASSERT_EQ(0, mount_rcfs(ONE, "alpha"));
	ASSERT_EQ(0, rmdir(ONE "/c"));
	EXPECT_STREQ("alpha destroy 1", calls());
}

TEST_F(subsys, a_failing_create_undoes_what_was_created)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "alpha,beta"));
	ASSERT_EQ(0, recorder_fail("create", text("0,%d", EDOM)));
	calls();
	EXPECT_EQ(-EDOM, make_at(ONE "/a"));
	EXPECT_STREQ("alpha create 1 in 0\nbeta create fails\nalpha destroy 1", calls());
	ASSERT_EQ(0, recorder_fail("create", text("%d,0", ENOMEM)));
	EXPECT_EQ(-ENOMEM, make_at(ONE "/a"));
	EXPECT_STREQ("alpha create fails", calls());
	ASSERT_EQ(0, recorder_fail("create", "0,0"));
	EXPECT_EQ(0, make_at(ONE "/a"));
	EXPECT_STREQ("2,2", recorder_has("states"));
}

TEST_F(subsys, a_failing_populate_undoes_what_was_created)
{
	ASSERT_EQ(0, mount_rcfs(ONE, "alpha,beta"));
	ASSERT_EQ(0, recorder_fail("populate", text("0,%d", EDOM)));
	ASSERT_EQ(0, write_file(RECORDER_PARAMETER("add_files"), "1"));
	calls();
	EXPECT_EQ(-EDOM, make_at(ONE "/a"));
	EXPECT_STREQ("alpha create 1 in 0\nbeta create 1 in 0\n"
		     "alpha populate 1\nbeta populate 1 fails\n"
		     "beta destroy 1\nalpha destroy 1", calls());
	ASSERT_EQ(0, recorder_fail("populate", text("%d,0", ENOSPC)));
	EXPECT_EQ(-ENOSPC, make_at(ONE "/a"));
	EXPECT_STREQ("alpha create 2 in 0\nbeta create 2 in 0\nalpha populate 2 fails\n"
		     "beta destroy 2\nalpha destroy 2", calls());
}

TEST_F(subsys, a_failed_mkdir_leaves_nothing)
{
	static const char * const callbacks[] = { "create", "populate" };
	int i;

	ASSERT_EQ(0, mount_rcfs(ONE, "alpha,beta"));
	for (i = 0; i < scaled(100); i++) {
		ASSERT_EQ(0, recorder_fail(callbacks[i % 2], text("0,%d", EDOM)));
		ASSERT_EQ(-EDOM, make_at(ONE "/a"));
		ASSERT_EQ(0, recorder_fail(callbacks[i % 2], "0,0"));
	}
	EXPECT_FALSE(exists(ONE "/a"));
	EXPECT_EQ(0, entries_named(ONE, "a"));
	EXPECT_EQ(1, tree_containers("alpha,beta"));
	EXPECT_STREQ("1,1", recorder_has("states"));
	EXPECT_EQ(0, make_at(ONE "/a"));
	EXPECT_EQ(0, rmdir(ONE "/a"));
	ASSERT_EQ(0, umount(ONE));
	EXPECT_EQ(0, count_trees());
	EXPECT_EQ(0, unload_patiently(RECORDER));
}

TEST_F(subsys, a_state_stays_until_the_last_open_file_of_its_container_is_closed)
{
	int parent, child;

	ASSERT_EQ(0, mount_rcfs(ONE, "alpha"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, make_at(ONE "/a/b"));
	parent = open(ONE "/a/alpha.value", O_RDONLY | O_CLOEXEC);
	child = open(ONE "/a/b/alpha.value", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, parent);
	ASSERT_LE(0, child);
	calls();
	ASSERT_EQ(0, rmdir(ONE "/a/b"));
	ASSERT_EQ(0, rmdir(ONE "/a"));
	EXPECT_STREQ("", calls());
	close(parent);
	EXPECT_STREQ("", calls());
	close(child);
	EXPECT_STREQ("alpha destroy 2\nalpha destroy 1", calls());
}

TEST_F(subsys, a_move_is_asked_for_and_told)
{
	pid_t pid = sleeper_in(NULL, NULL);

	ASSERT_EQ(0, mount_rcfs(ONE, "alpha,beta"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, make_at(ONE "/b"));
	calls();
	ASSERT_EQ(0, enter(ONE "/a", pid));
	EXPECT_STREQ(text("alpha can_attach %d from 0 to 1\nbeta can_attach %d from 0 to 1\n"
			  "alpha attach %d from 0 to 1\nbeta attach %d from 0 to 1",
			  pid, pid, pid, pid), calls());
	ASSERT_EQ(0, enter(ONE "/b", pid));
	EXPECT_STREQ(text("alpha can_attach %d from 1 to 2\nbeta can_attach %d from 1 to 2\n"
			  "alpha attach %d from 1 to 2\nbeta attach %d from 1 to 2",
			  pid, pid, pid, pid), calls());
	EXPECT_STREQ("1,1", recorder_has("members"));
	ASSERT_EQ(0, enter(ONE, pid));
	EXPECT_STREQ("0,0", recorder_has("members"));
}

TEST_F(subsys, a_refused_move_changes_nothing)
{
	pid_t pid = sleeper_in(NULL, NULL);

	ASSERT_EQ(0, mount_rcfs(ONE, "alpha,beta"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, recorder_fail("can_attach", text("0,%d", EDOM)));
	calls();
	EXPECT_EQ(-EDOM, enter(ONE "/a", pid));
	EXPECT_STREQ(text("alpha can_attach %d from 0 to 1\nbeta can_attach %d from 0 to 1",
			  pid, pid), calls());
	EXPECT_STREQ("/", path_in("alpha,beta", pid));
	EXPECT_EQ(0, count_tasks(ONE "/a"));
	EXPECT_EQ(0, tree_tasks("alpha,beta"));
	ASSERT_EQ(0, recorder_fail("can_attach", text("%d,0", EPERM)));
	EXPECT_EQ(-EPERM, enter(ONE "/a", pid));
	EXPECT_STREQ(text("alpha can_attach %d from 0 to 1", pid), calls());
	EXPECT_STREQ("0,0", recorder_has("members"));
	ASSERT_EQ(0, recorder_fail("can_attach", "0,0"));
	EXPECT_EQ(0, enter(ONE "/a", pid));
}

TEST_F(subsys, a_move_to_where_the_task_is_calls_nobody)
{
	pid_t pid = sleeper_in(NULL, NULL);

	ASSERT_EQ(0, mount_rcfs(ONE, "alpha,beta"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, enter(ONE "/a", pid));
	ASSERT_EQ(0, recorder_fail("can_attach", text("%d,%d", EDOM, EDOM)));
	calls();
	EXPECT_EQ(0, enter(ONE "/a", pid));
	EXPECT_STREQ("", calls());
}

TEST_F(subsys, a_move_calls_the_subsystems_of_that_tree_alone)
{
	pid_t pid = sleeper_in(NULL, NULL);

	ASSERT_EQ(0, mount_rcfs(ONE, "alpha"));
	ASSERT_EQ(0, mount_rcfs(TWO, "beta"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	ASSERT_EQ(0, make_at(TWO "/a"));
	ASSERT_EQ(0, recorder_fail("can_attach", text("0,%d", EDOM)));
	calls();
	EXPECT_EQ(0, enter(ONE "/a", pid));
	EXPECT_STREQ(text("alpha can_attach %d from 0 to 1\nalpha attach %d from 0 to 1", pid, pid),
		     calls());
	EXPECT_EQ(-EDOM, enter(TWO "/a", pid));
	EXPECT_STREQ(text("beta can_attach %d from 0 to 1", pid), calls());
	EXPECT_STREQ("/a", path_in("alpha", pid));
}

TEST_HARNESS_MAIN
