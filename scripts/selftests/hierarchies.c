// SPDX-License-Identifier: GPL-2.0
// Tests of the options that choose a tree, and of their errors, in both ways to give them.
#include "selftest.h"
#include "rcfs.h"

#include <linux/capability.h>

FIXTURE(hierarchies)
{
};

FIXTURE_VARIANT(hierarchies)
{
	int (*mount)(const char *type, const char *directory, const char *options);
};

FIXTURE_VARIANT_ADD(hierarchies, at_once)
{
	.mount = mount_at_once,
};

FIXTURE_VARIANT_ADD(hierarchies, in_steps)
{
	.mount = mount_in_steps,
};

FIXTURE_SETUP(hierarchies)
{
	ASSERT_EQ(0, clear_trees());
	ASSERT_EQ(0, load_subsystems());
}

FIXTURE_TEARDOWN(hierarchies)
{
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_subsystems());
}

/* What a test mounts at ONE, and at TWO */
#define first(options) variant->mount("rcfs", ONE, options)
#define second(options) variant->mount("rcfs", TWO, options)

static bool same_tree(void)
{
	struct stat one, two;

	return stat(ONE "/tasks", &one) == 0 && stat(TWO "/tasks", &two) == 0 &&
	       one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

/* A refused mount has made no tree and bound no subsystem. */
static bool nothing_is_left(void)
{
	return count_trees() == 0 && subsys_tree_id("debug") == 0 &&
	       subsys_tree_id("cpuacct") == 0 && subsys_tree_id("numtasks") == 0 &&
	       subsys_containers("debug") == 0 && !exists(ONE "/tasks");
}

TEST_F(hierarchies, the_named_subsystem_is_bound)
{
	ASSERT_EQ(0, first("debug"));
	EXPECT_LT(0, tree_id("debug"));
	EXPECT_EQ(tree_id("debug"), subsys_tree_id("debug"));
	EXPECT_EQ(0, subsys_tree_id("cpuacct"));
	EXPECT_TRUE(exists(ONE "/tasks"));
	EXPECT_TRUE(exists(ONE "/notify_on_release"));
	EXPECT_TRUE(exists(ONE "/release_agent"));
	EXPECT_TRUE(exists(ONE "/debug.taskcount"));
	EXPECT_FALSE(exists(ONE "/cpuacct.usage"));
}

TEST_F(hierarchies, several_named_subsystems_are_bound_to_one_tree)
{
	ASSERT_EQ(0, first("cpuacct,debug"));
	EXPECT_EQ(1, count_trees());
	EXPECT_LT(0, subsys_tree_id("debug"));
	EXPECT_EQ(subsys_tree_id("debug"), subsys_tree_id("cpuacct"));
	EXPECT_EQ(0, subsys_tree_id("numtasks"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	EXPECT_TRUE(exists(ONE "/a/debug.taskcount"));
	EXPECT_TRUE(exists(ONE "/a/cpuacct.usage"));
	EXPECT_FALSE(exists(ONE "/a/numtasks.limit"));
}

TEST_F(hierarchies, a_subsystem_that_is_named_twice_is_bound_once)
{
	ASSERT_EQ(0, first("debug,debug"));
	ASSERT_EQ(0, second("debug"));
	EXPECT_TRUE(same_tree());
	EXPECT_EQ(1, entries_named(ONE, "debug.taskcount"));
}

TEST_F(hierarchies, all_binds_every_subsystem)
{
	ASSERT_EQ(0, first("all"));
	EXPECT_LT(0, tree_id("debug,cpuacct,numtasks"));
	EXPECT_EQ(1, count_trees());
}

TEST_F(hierarchies, no_option_binds_every_subsystem)
{
	ASSERT_EQ(0, first(NULL));
	EXPECT_LT(0, tree_id("debug,cpuacct,numtasks"));
	ASSERT_EQ(0, umount(ONE));
	ASSERT_EQ(0, first(""));
	EXPECT_LT(0, tree_id("debug,cpuacct,numtasks"));
	EXPECT_EQ(1, count_trees());
}

TEST_F(hierarchies, a_release_agent_alone_binds_every_subsystem)
{
	ASSERT_EQ(0, first("release_agent=/bin/x"));
	EXPECT_LT(0, tree_id("debug,cpuacct,numtasks"));
	EXPECT_STREQ("/bin/x", content(ONE "/release_agent"));
}

TEST_F(hierarchies, none_and_a_name_make_a_tree_without_subsystems)
{
	ASSERT_EQ(0, first("none,name=x"));
	EXPECT_LT(0, tree_id("name=x"));
	EXPECT_EQ(0, subsys_tree_id("debug"));
	EXPECT_TRUE(exists(ONE "/tasks"));
	EXPECT_FALSE(exists(ONE "/debug.taskcount"));
}

TEST_F(hierarchies, trees_with_different_names_are_different)
{
	ASSERT_EQ(0, first("none,name=x"));
	ASSERT_EQ(0, second("name=y,none"));
	EXPECT_FALSE(same_tree());
	EXPECT_NE(tree_id("name=x"), tree_id("name=y"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	EXPECT_FALSE(exists(TWO "/a"));
}

TEST_F(hierarchies, a_name_may_be_given_beside_subsystems)
{
	ASSERT_EQ(0, first("debug,name=x,cpuacct"));
	EXPECT_LT(0, tree_id("debug,cpuacct,name=x"));
	EXPECT_TRUE(exists(ONE "/debug.taskcount"));
	EXPECT_TRUE(exists(ONE "/cpuacct.usage"));
}

TEST_F(hierarchies, the_same_set_again_is_the_same_tree)
{
	ASSERT_EQ(0, first("debug,cpuacct"));
	ASSERT_EQ(0, second("cpuacct,debug"));
	EXPECT_TRUE(same_tree());
	ASSERT_EQ(0, make_at(ONE "/a"));
	EXPECT_TRUE(exists(TWO "/a/tasks"));
}

TEST_F(hierarchies, all_and_the_set_that_is_all_are_the_same_tree)
{
	ASSERT_EQ(0, first("numtasks,debug,cpuacct"));
	ASSERT_EQ(0, second("all"));
	EXPECT_TRUE(same_tree());
	ASSERT_EQ(0, umount(TWO));
	ASSERT_EQ(0, second(NULL));
	EXPECT_TRUE(same_tree());
}

TEST_F(hierarchies, the_same_name_again_is_the_same_tree)
{
	ASSERT_EQ(0, first("none,name=x"));
	ASSERT_EQ(0, second("none,name=x"));
	EXPECT_TRUE(same_tree());
}

TEST_F(hierarchies, a_name_alone_finds_the_tree_that_has_it)
{
	ASSERT_EQ(0, first("debug,name=x"));
	ASSERT_EQ(0, second("name=x"));
	EXPECT_TRUE(same_tree());
	ASSERT_EQ(0, umount(TWO));
	ASSERT_EQ(0, second("name=x,debug"));
	EXPECT_TRUE(same_tree());
	ASSERT_EQ(0, umount(TWO));
	ASSERT_EQ(0, umount(ONE));
	ASSERT_EQ(0, first("none,name=x"));
	ASSERT_EQ(0, second("name=x"));
	EXPECT_TRUE(same_tree());
}

TEST_F(hierarchies, a_set_finds_the_tree_though_that_has_a_name)
{
	ASSERT_EQ(0, first("debug,name=x"));
	ASSERT_EQ(0, second("debug"));
	EXPECT_TRUE(same_tree());
}

TEST_F(hierarchies, an_unknown_subsystem_is_refused)
{
	static const char * const options[] = {
		"nonesuch", "debug,nonesuch", "nonesuch,debug", "none,name=x,nonesuch",
		"release_agent=/x,nonesuch", "Debug", "debug2", "debu", " debug",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		EXPECT_EQ(-ENOENT, first(options[i])) TH_LOG("options %zu", i);
		EXPECT_TRUE(nothing_is_left()) TH_LOG("options %zu", i);
	}
}

TEST_F(hierarchies, a_subsystem_whose_module_is_gone_is_unknown)
{
	ASSERT_EQ(0, unload_patiently("rc_cpuacct"));
	EXPECT_EQ(-ENOENT, first("cpuacct"));
	ASSERT_EQ(0, first("all"));
	EXPECT_LT(0, tree_id("debug,numtasks"));
}

TEST_F(hierarchies, an_empty_option_is_refused)
{
	static const char * const options[] = {
		"cpuacct,,numtasks", ",", ",debug", "debug,", "none,name=x,", "all,",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		EXPECT_EQ(-EINVAL, first(options[i])) TH_LOG("options %zu", i);
		EXPECT_TRUE(nothing_is_left()) TH_LOG("options %zu", i);
	}
}

TEST_F(hierarchies, to_select_nothing_is_refused)
{
	EXPECT_EQ(-EINVAL, first("name=x"));
	ASSERT_EQ(0, unload_subsystems());
	EXPECT_EQ(-EINVAL, first(NULL));
	EXPECT_EQ(-EINVAL, first(""));
	EXPECT_EQ(-EINVAL, first("all"));
	EXPECT_EQ(-EINVAL, first("name=x"));
	EXPECT_EQ(-EINVAL, first("release_agent=/x"));
	EXPECT_EQ(0, count_trees());
	EXPECT_EQ(0, first("none,name=x"));
}

TEST_F(hierarchies, a_bad_name_is_refused)
{
	static const char * const names[] = {
		"", "a b", "a/b", "/", "a!b", "a:b", "a=b", "a\tb", "a\nb", "\303\244", "a\\b", "*",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(-EINVAL, first(text("none,name=%s", names[i]))) TH_LOG("name %zu", i);
		EXPECT_EQ(-EINVAL, first(text("debug,name=%s", names[i]))) TH_LOG("name %zu", i);
	}
	EXPECT_EQ(-EINVAL, first("none,name"));
	EXPECT_TRUE(nothing_is_left());
}

TEST_F(hierarchies, a_name_of_63_characters_is_taken_and_one_of_64_is_refused)
{
	char name[65] = "";

	memset(name, 'n', 64);
	EXPECT_EQ(-EINVAL, first(text("none,name=%s", name)));
	EXPECT_TRUE(nothing_is_left());
	EXPECT_EQ(0, first(text("none,name=%s", name + 1)));
	EXPECT_LT(0, tree_id(text("name=%s", name + 1)));
}

TEST_F(hierarchies, a_name_of_all_permitted_characters_is_taken)
{
	static const char * const names[] = {
		"abcdefghijklmnopqrstuvwxyz.-_0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", ".", "-",
		"_", "0", "..", "debug", "none", "all", "name",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(0, first(text("none,name=%s", names[i]))) TH_LOG("name %zu", i);
		EXPECT_LT(0, tree_id(text("name=%s", names[i])));
		EXPECT_EQ(0, umount(ONE));
	}
}

TEST_F(hierarchies, none_alone_is_refused)
{
	EXPECT_EQ(-EINVAL, first("none"));
	EXPECT_EQ(-EINVAL, first("none,release_agent=/x"));
	EXPECT_TRUE(nothing_is_left());
}

TEST_F(hierarchies, a_name_that_is_given_twice_is_refused)
{
	EXPECT_EQ(-EINVAL, first("none,name=x,name=y"));
	EXPECT_EQ(-EINVAL, first("none,name=x,name=x"));
	EXPECT_EQ(-EINVAL, first("name=x,debug,name=x"));
	EXPECT_TRUE(nothing_is_left());
}

TEST_F(hierarchies, none_and_subsystems_together_are_refused)
{
	EXPECT_EQ(-EINVAL, first("none,debug,name=x"));
	EXPECT_EQ(-EINVAL, first("debug,none,name=x"));
	EXPECT_EQ(-EINVAL, first("none,all,name=x"));
	EXPECT_TRUE(nothing_is_left());
}

TEST_F(hierarchies, all_and_a_subsystem_together_are_refused)
{
	EXPECT_EQ(-EINVAL, first("all,debug"));
	EXPECT_EQ(-EINVAL, first("debug,all"));
	EXPECT_TRUE(nothing_is_left());
}

TEST_F(hierarchies, an_unknown_option_with_a_value_is_refused)
{
	EXPECT_EQ(-EINVAL, first("colour=green"));
	EXPECT_EQ(-EINVAL, first("debug=1"));
	EXPECT_EQ(-EINVAL, first("debug,all=1"));
	EXPECT_EQ(-EINVAL, first("none=1,name=x"));
	EXPECT_TRUE(nothing_is_left());
}

TEST_F(hierarchies, a_subsystem_that_another_tree_has_is_refused)
{
	static const char * const options[] = {
		"debug", "cpuacct", "debug,cpuacct,numtasks", "debug,numtasks", "all", "",
		"debug,name=y",
	};
	size_t i;

	ASSERT_EQ(0, first("debug,cpuacct,name=x"));
	for (i = 0; i < ARRAY_SIZE(options); i++)
		EXPECT_EQ(-EBUSY, second(options[i])) TH_LOG("options %zu", i);
	EXPECT_EQ(1, count_trees());
	EXPECT_EQ(0, subsys_tree_id("numtasks"));
	EXPECT_EQ(0, second("numtasks"));
}

TEST_F(hierarchies, a_name_with_another_set_is_refused)
{
	static const char * const options[] = {
		"none,name=x", "numtasks,name=x", "debug,name=x", "debug,cpuacct,numtasks,name=x",
	};
	size_t i;

	ASSERT_EQ(0, first("debug,cpuacct,name=x"));
	for (i = 0; i < ARRAY_SIZE(options); i++)
		EXPECT_EQ(-EBUSY, second(options[i])) TH_LOG("options %zu", i);
	ASSERT_EQ(0, umount(ONE));
	ASSERT_EQ(0, first("none,name=x"));
	EXPECT_EQ(-EBUSY, second("debug,name=x"));
	EXPECT_EQ(1, count_trees());
	EXPECT_EQ(0, subsys_tree_id("debug"));
}

TEST_F(hierarchies, too_many_are_refused)
{
	int most = number("/sys/module/containerfs/parameters/hierarchies"), i;
	const char *name;

	ASSERT_LT(0, most);
	for (i = 0; i < most; i++) {
		name = text("name=%d", i);
		ASSERT_EQ(0, variant->mount("rcfs", text("/tmp/many%d", i), text("none,%s", name)));
		ASSERT_EQ(i + 1, count_trees());
	}
	EXPECT_EQ(-ENOSPC, first("none,name=x"));
	EXPECT_EQ(-ENOSPC, first("debug"));
	EXPECT_EQ(0, subsys_tree_id("debug"));
	EXPECT_EQ(0, first("none,name=0"));
	EXPECT_EQ(0, umount(ONE));
	EXPECT_EQ(0, umount("/tmp/many1"));
	EXPECT_EQ(0, first("debug"));
	EXPECT_EQ(-ENOSPC, second("none,name=1"));
	EXPECT_EQ(0, variant->mount("container", TWO, "cpuacct"));
}

TEST_F(hierarchies, mounting_needs_the_capability)
{
	static const char * const options[] = { "debug", "none,name=x" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		EXPECT_EQ(-EPERM, forked(become(NOBODY) ?: first(options[i])));
		EXPECT_EQ(-EPERM, forked(drop_capability(CAP_SYS_ADMIN) ?: first(options[i])));
		EXPECT_EQ(-EPERM, forked(enter_user_namespace() ?: first(options[i])));
	}
	EXPECT_TRUE(nothing_is_left());
}

TEST_F(hierarchies, the_default_tree_takes_subsystems_while_it_has_no_container)
{
	ASSERT_EQ(0, variant->mount("container", ONE, "debug,cpuacct"));
	EXPECT_EQ(0, tree_id("debug,cpuacct"));
	EXPECT_EQ(1, subsys_containers("debug"));
	EXPECT_TRUE(exists(ONE "/debug.taskcount"));
	EXPECT_TRUE(exists(ONE "/cpuacct.usage"));
	EXPECT_FALSE(exists(ONE "/numtasks.limit"));
	ASSERT_EQ(0, variant->mount("container", TWO, "numtasks"));
	EXPECT_EQ(0, tree_id("numtasks"));
	EXPECT_FALSE(exists(ONE "/debug.taskcount"));
	EXPECT_EQ(0, subsys_containers("debug"));
}

TEST_F(hierarchies, the_default_tree_keeps_its_subsystems_while_it_has_a_container)
{
	ASSERT_EQ(0, variant->mount("container", ONE, "debug"));
	ASSERT_EQ(0, make_at(ONE "/a"));
	EXPECT_EQ(-EBUSY, variant->mount("container", TWO, "cpuacct"));
	EXPECT_EQ(-EBUSY, variant->mount("container", TWO, "debug,cpuacct"));
	EXPECT_EQ(0, tree_id("debug"));
	EXPECT_EQ(0, subsys_containers("cpuacct"));
	EXPECT_TRUE(exists(ONE "/a/debug.taskcount"));
	EXPECT_EQ(0, variant->mount("container", TWO, "debug"));
	EXPECT_TRUE(same_tree());
	ASSERT_EQ(0, rmdir(ONE "/a"));
	EXPECT_EQ(0, variant->mount("container", THREE, "cpuacct"));
	EXPECT_EQ(0, tree_id("cpuacct"));
}

TEST_F(hierarchies, the_default_tree_without_a_word_has_what_is_bound_to_it)
{
	ASSERT_EQ(0, variant->mount("container", ONE, NULL));
	EXPECT_EQ(0, tree_id(""));
	ASSERT_EQ(0, variant->mount("container", TWO, "debug"));
	EXPECT_TRUE(same_tree());
	EXPECT_TRUE(exists(ONE "/debug.taskcount"));
	ASSERT_EQ(0, umount(ONE));
	ASSERT_EQ(0, variant->mount("container", ONE, ""));
	EXPECT_TRUE(exists(ONE "/debug.taskcount"));
}

TEST_F(hierarchies, a_subsystem_that_a_tree_has_is_refused_to_the_default_tree_and_the_reverse)
{
	ASSERT_EQ(0, first("debug"));
	EXPECT_EQ(-EBUSY, variant->mount("container", TWO, "debug"));
	EXPECT_EQ(-EBUSY, variant->mount("container", TWO, "cpuacct,debug"));
	EXPECT_EQ(0, subsys_containers("cpuacct"));
	EXPECT_FALSE(exists(TWO "/tasks"));
	ASSERT_EQ(0, variant->mount("container", TWO, "cpuacct"));
	EXPECT_EQ(-EBUSY, variant->mount("rcfs", THREE, "cpuacct"));
	EXPECT_EQ(-EBUSY, variant->mount("rcfs", THREE, "all"));
	EXPECT_EQ(-EBUSY, variant->mount("rcfs", THREE, "numtasks,cpuacct"));
	EXPECT_EQ(1, count_trees());
}

TEST_F(hierarchies, an_unknown_subsystem_is_refused_to_the_default_tree)
{
	EXPECT_EQ(-ENOENT, variant->mount("container", ONE, "nonesuch"));
	EXPECT_EQ(-ENOENT, variant->mount("container", ONE, "debug,nonesuch"));
	EXPECT_EQ(-EINVAL, variant->mount("container", ONE, "debug,,cpuacct"));
	EXPECT_EQ(-EINVAL, variant->mount("container", ONE, "debug,name=x"));
	EXPECT_TRUE(nothing_is_left());
}

TEST_HARNESS_MAIN
