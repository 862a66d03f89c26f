// SPDX-License-Identifier: GPL-2.0
/* Mount options: each word of the page on them, and each mistake. */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../src/fs.h"
#include "../src/hierarchy.h"
#include "fixture.h"

static struct recorder a, b;

static int fs_start(struct kunit *test)
{
	int error = core_start(test);

	recorder_init(&a, "a");
	recorder_init(&b, "b");
	return error ?: fs_init() ?: rc_register_subsys(&a.subsys) ?:
	       rc_register_subsys(&b.subsys);
}

static void fs_stop(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&b.subsys), 0);
	fs_exit();
	core_stop(test);
}

/* What mount(2) does but for the mount; whatever came of it, put_fs_context() undoes it. */
static struct fs_context *prepare_mount(struct kunit *test, const char *name, const char *options,
					int *error)
{
	struct file_system_type *type = get_fs_type(name);
	struct fs_context *fc;
	char *copy;

	KUNIT_ASSERT_NOT_NULL(test, type);
	fc = fs_context_for_mount(type, 0);
	module_put(type->owner);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fc));
	copy = kunit_kzalloc(test, strlen(options) + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	strcpy(copy, options);
	*error = fc->ops->parse_monolithic(fc, copy) ?: vfs_get_tree(fc);
	/* As do_new_mount() does. */
	if (!*error)
		up_write(&fc->root->d_sb->s_umount);
	return fc;
}

struct option_case {
	const char *type;
	const char *options;
	int error;
	/* What /proc/mounts shows then. */
	const char *shown;
};

#define X63 "123456789012345678901234567890123456789012345678901234567890123"

static const struct option_case option_cases[] = {
	{ "container", "", 0, "" },
	{ "container", "a", 0, ",a" },
	{ "container", "b,a", 0, ",a,b" },
	{ "container", "source=x", 0, "" },
	{ "container", "release_agent=/bin/x", 0, ",release_agent=/bin/x" },
	{ "container", "release_agent=", 0, ",release_agent=" },
	{ "container", "release_agent=/b\\,c", -ENOENT },
	{ "container", "release_agent", -EINVAL },
	{ "container", "all", -ENOENT },
	{ "container", "none", -ENOENT },
	{ "container", "name=x", -EINVAL },
	{ "container", "c", -ENOENT },
	{ "container", "a,,b", -EINVAL },
	{ "container", ",a", -EINVAL },
	{ "container", "a,", -EINVAL },
	{ "rcfs", "", 0, ",a,b" },
	{ "rcfs", "all", 0, ",a,b" },
	{ "rcfs", "a,b", 0, ",a,b" },
	{ "rcfs", "b", 0, ",b" },
	{ "rcfs", "b,b", 0, ",b" },
	{ "rcfs", "none,name=x", 0, ",none,name=x" },
	{ "rcfs", "name=x,none", 0, ",none,name=x" },
	{ "rcfs", "a,name=x", 0, ",a,name=x" },
	{ "rcfs", "a,release_agent=", 0, ",a,release_agent=" },
	{ "rcfs", "none,name=A.b-9_", 0, ",none,name=A.b-9_" },
	{ "rcfs", "none,name=" X63, 0, ",none,name=" X63 },
	{ "rcfs", "none,name=" X63 "4", -EINVAL },
	{ "rcfs", "none,name=", -EINVAL },
	{ "rcfs", "none,name", -EINVAL },
	{ "rcfs", "none,name=a b", -EINVAL },
	{ "rcfs", "none,name=a/b", -EINVAL },
	{ "rcfs", "none,name=x,name=x", -EINVAL },
	{ "rcfs", "none", -EINVAL },
	{ "rcfs", "none,a", -EINVAL },
	{ "rcfs", "none,all,name=x", -EINVAL },
	{ "rcfs", "all,a", -EINVAL },
	{ "rcfs", "name=x", -EINVAL },
	{ "rcfs", "c", -ENOENT },
	{ "rcfs", "a,c", -ENOENT },
	{ "rcfs", "A", -ENOENT },
	{ "rcfs", "a=1", -EINVAL },
	{ "rcfs", "a,,b", -EINVAL },
	{ "rcfs", ",", -EINVAL },
	{ "rcfs", "=", -EINVAL },
};

static void option_description(const struct option_case *o, char *description)
{
	snprintf(description, KUNIT_PARAM_DESC_SIZE, "%s '%s'", o->type, o->options);
}

KUNIT_ARRAY_PARAM(option, option_cases, option_description);

static void an_option_is_taken_or_refused(struct kunit *test)
{
	const struct option_case *o = test->param_value;
	struct seq_file m = { .size = 256 };
	struct fs_context *fc;
	int error;

	fc = prepare_mount(test, o->type, o->options, &error);
	KUNIT_EXPECT_EQ(test, error, o->error);
	if (!error) {
		m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
		KUNIT_EXPECT_EQ(test, fc->root->d_sb->s_op->show_options(&m, fc->root), 0);
		KUNIT_EXPECT_STREQ(test, m.buf, o->shown ?: "");
	}
	put_fs_context(fc);
	/* Nothing is left, bound or not. */
	KUNIT_EXPECT_NULL(test, a.subsys.hierarchy);
	KUNIT_EXPECT_NULL(test, b.subsys.hierarchy);
	KUNIT_EXPECT_EQ(test, default_hierarchy.users, 0);
}

static void what_is_no_string_is_refused(struct kunit *test)
{
	static const char * const keys[] = { "source", "release_agent", "name", "a" };
	struct fs_parameter param = { .type = fs_value_is_file, .dirfd = -1 };
	struct fs_context *fc;
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		fc = prepare_mount(test, "rcfs", "", &error);
		KUNIT_EXPECT_EQ(test, error, 0);
		param.key = keys[i];
		KUNIT_EXPECT_EQ(test, fc->ops->parse_param(fc, &param), -EINVAL);
		put_fs_context(fc);
	}
}

static void the_same_tree_has_one_superblock(struct kunit *test)
{
	int first_error, second_error;
	struct fs_context *first = prepare_mount(test, "rcfs", "a", &first_error);
	struct fs_context *second = prepare_mount(test, "rcfs", "a", &second_error);

	KUNIT_ASSERT_EQ(test, first_error, 0);
	KUNIT_ASSERT_EQ(test, second_error, 0);
	KUNIT_EXPECT_PTR_EQ(test, first->root, second->root);
	put_fs_context(first);
	KUNIT_EXPECT_NOT_NULL(test, a.subsys.hierarchy);
	put_fs_context(second);
	KUNIT_EXPECT_NULL(test, a.subsys.hierarchy);
}

static struct kunit_case fs_cases[] = {
	KUNIT_CASE_PARAM(an_option_is_taken_or_refused, option_gen_params),
	KUNIT_CASE(what_is_no_string_is_refused),
	KUNIT_CASE(the_same_tree_has_one_superblock),
	{}
};

static struct kunit_suite fs_suite = {
	.name = "fs",
	.init = fs_start,
	.exit = fs_stop,
	.test_cases = fs_cases,
};

kunit_test_suite(fs_suite);
