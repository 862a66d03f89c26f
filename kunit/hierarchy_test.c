// SPDX-License-Identifier: GPL-2.0
/* Hierarchies: which one a mount of type rcfs finds or makes, and how long it is there. */
#include <kunit/test.h>

#include "../src/hierarchy.h"
#include "../src/registry.h"
#include "fixture.h"

static struct recorder a, b, c;

static int hierarchy_start(struct kunit *test)
{
	int error = core_start(test);

	recorder_init(&a, "a");
	recorder_init(&b, "b");
	recorder_init(&c, "c");
	return error ?: rc_register_subsys(&a.subsys) ?: rc_register_subsys(&b.subsys) ?:
	       rc_register_subsys(&c.subsys);
}

static void hierarchy_stop(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&b.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&c.subsys), 0);
	core_stop(test);
}

/* Those of "a", "b" and "c" that @names has; "*" is all, "-" is none. And name=@tree. */
static struct hierarchy *mount(const char *names, const char *tree)
{
	struct hierarchy_options options = { .name = (char *)tree };
	static char words[3][2] = { "a", "b", "c" };
	struct fs_context fc = {};

	options.all = *names == '*';
	options.none = *names == '-';
	for (; *names >= 'a'; names++)
		options.subsystems[options.nr_subsystems++] = words[*names - 'a'];
	return hierarchy_mount(&fc, &options);
}

static void expect_error(struct kunit *test, const char *names, const char *tree, int error)
{
	struct hierarchy *h = mount(names, tree);

	KUNIT_EXPECT_PTR_EQ(test, h, (struct hierarchy *)ERR_PTR(error));
	if (!IS_ERR(h))
		hierarchy_put(h);
}

static void the_same_set_is_the_same_tree(struct kunit *test)
{
	struct hierarchy *ab = mount("ab", NULL), *only_c = mount("c", NULL), *again;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ab);
	KUNIT_EXPECT_PTR_NE(test, ab, only_c);
	KUNIT_EXPECT_EQ(test, ab->subsys_mask, BIT(a.subsys.id) | BIT(b.subsys.id));
	/* In whatever order, and how often. */
	again = mount("bab", NULL);
	KUNIT_EXPECT_PTR_EQ(test, again, ab);
	hierarchy_put(again);
	hierarchy_put(ab);
	hierarchy_put(only_c);
}

static void a_subsystem_is_bound_once(struct kunit *test)
{
	struct hierarchy *ab = mount("ab", NULL);

	expect_error(test, "a", NULL, -EBUSY);
	expect_error(test, "bc", NULL, -EBUSY);
	expect_error(test, "*", NULL, -EBUSY);
	/* Nothing of that was bound on the way. */
	KUNIT_EXPECT_NULL(test, c.subsys.hierarchy);
	KUNIT_EXPECT_STREQ(test, c.log, "C");
	hierarchy_put(ab);
}

static void all_is_what_is_registered(struct kunit *test)
{
	struct hierarchy *all = mount("*", NULL), *again = mount("abc", NULL);

	KUNIT_EXPECT_PTR_EQ(test, all, again);
	KUNIT_EXPECT_EQ(test, hweight_long(all->subsys_mask), 3);
	hierarchy_put(again);
	hierarchy_put(all);
}

static void the_last_use_unbinds(struct kunit *test)
{
	struct hierarchy *ab = mount("ab", NULL);

	hierarchy_get(ab);
	hierarchy_put(ab);
	KUNIT_EXPECT_PTR_EQ(test, a.subsys.hierarchy, ab);
	hierarchy_put(ab);
	KUNIT_EXPECT_NULL(test, a.subsys.hierarchy);
	KUNIT_EXPECT_STREQ(test, a.log, "CPBU");
	/* Free for another one. */
	ab = mount("ac", NULL);
	KUNIT_EXPECT_PTR_EQ(test, a.subsys.hierarchy, ab);
	hierarchy_put(ab);
}

static void a_name_is_that_of_one_set(struct kunit *test)
{
	struct hierarchy *none = mount("-", "tree"), *named = mount("a", "other"), *again;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, none);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, named);
	again = mount("-", "tree");
	KUNIT_EXPECT_PTR_EQ(test, again, none);
	hierarchy_put(again);
	/* The name alone, and the set alone, find it too. */
	again = mount("", "other");
	KUNIT_EXPECT_PTR_EQ(test, again, named);
	hierarchy_put(again);
	again = mount("a", NULL);
	KUNIT_EXPECT_PTR_EQ(test, again, named);
	hierarchy_put(again);

	expect_error(test, "b", "tree", -EBUSY);
	expect_error(test, "b", "other", -EBUSY);
	expect_error(test, "-", "other", -EBUSY);
	/* It is bound to the one with another name. */
	expect_error(test, "a", "third", -EBUSY);
	expect_error(test, "", "third", -EINVAL);
	hierarchy_put(named);
	hierarchy_put(none);
}

static void nothing_selected_is_no_tree(struct kunit *test)
{
	expect_error(test, "", NULL, -EINVAL);
	expect_error(test, "-", NULL, -EINVAL);
}

static void there_are_as_many_as_the_parameter_says(struct kunit *test)
{
	struct hierarchy *trees[4];
	char name[2] = "0";
	int i;

	for (i = 0; i < 4; i++, name[0]++) {
		trees[i] = mount("-", name);
		KUNIT_EXPECT_NOT_ERR_OR_NULL(test, trees[i]);
		KUNIT_EXPECT_EQ(test, trees[i]->id, i + 1);
	}
	expect_error(test, "-", "more", -ENOSPC);
	expect_error(test, "a", NULL, -ENOSPC);
	KUNIT_EXPECT_NULL(test, a.subsys.hierarchy);
	/* An id that is free again is used again. */
	hierarchy_put(trees[1]);
	trees[1] = mount("a", NULL);
	KUNIT_EXPECT_EQ(test, trees[1]->id, 2);
	for (i = 0; i < 4; i++)
		hierarchy_put(trees[i]);
	KUNIT_EXPECT_EQ(test, hierarchy_init(HIERARCHIES_MAX), -EINVAL);
}

static void a_bind_that_fails_makes_no_tree(struct kunit *test)
{
	b.populate_error = -EDQUOT;
	expect_error(test, "abc", "tree", -EDQUOT);
	KUNIT_EXPECT_NULL(test, a.subsys.hierarchy);
	expect_error(test, "", "tree", -EINVAL);
}

static int bind_default(const char *names)
{
	struct hierarchy_options options = {};
	static char words[3][2] = { "a", "b", "c" };
	struct fs_context fc = {};

	for (; *names; names++)
		options.subsystems[options.nr_subsystems++] = words[*names - 'a'];
	return hierarchy_bind_default(&fc, &options);
}

static void the_default_tree_changes_while_it_is_empty(struct kunit *test)
{
	struct hierarchy *only_c = mount("c", NULL);
	struct container *x;

	KUNIT_EXPECT_EQ(test, bind_default("a"), 0);
	/* It is no matter of rcfs. */
	expect_error(test, "a", NULL, -EBUSY);
	KUNIT_EXPECT_EQ(test, bind_default("c"), -EBUSY);
	KUNIT_EXPECT_EQ(test, bind_default("b"), 0);
	KUNIT_EXPECT_NULL(test, a.subsys.hierarchy);
	x = core_mkdir(&default_hierarchy.root, "x");
	KUNIT_EXPECT_EQ(test, bind_default("a"), -EBUSY);
	KUNIT_EXPECT_EQ(test, bind_default("ab"), -EBUSY);
	KUNIT_EXPECT_EQ(test, bind_default("b"), 0);
	core_rmdir(x);
	KUNIT_EXPECT_EQ(test, bind_default("ab"), 0);
	KUNIT_EXPECT_EQ(test, bind_default(""), 0);
	hierarchy_put(only_c);
}

static int remount(struct hierarchy *h, const char *names, const char *tree)
{
	struct hierarchy_options options = { .name = (char *)tree, .none = *names == '-' };
	static char words[3][2] = { "a", "b", "c" };
	struct fs_context fc = {};

	for (; *names >= 'a'; names++)
		options.subsystems[options.nr_subsystems++] = words[*names - 'a'];
	return hierarchy_check_remount(&fc, h, &options);
}

static void a_remount_changes_nothing(struct kunit *test)
{
	struct hierarchy *h = mount("ab", "tree");

	KUNIT_EXPECT_EQ(test, remount(h, "", NULL), 0);
	KUNIT_EXPECT_EQ(test, remount(h, "ba", NULL), 0);
	KUNIT_EXPECT_EQ(test, remount(h, "ab", "tree"), 0);
	KUNIT_EXPECT_EQ(test, remount(h, "", "tree"), 0);
	KUNIT_EXPECT_EQ(test, remount(h, "a", NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, remount(h, "abc", NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, remount(h, "-", NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, remount(h, "", "other"), -EINVAL);
	hierarchy_put(h);
}

static struct kunit_case hierarchy_cases[] = {
	KUNIT_CASE(the_same_set_is_the_same_tree),
	KUNIT_CASE(a_subsystem_is_bound_once),
	KUNIT_CASE(all_is_what_is_registered),
	KUNIT_CASE(the_last_use_unbinds),
	KUNIT_CASE(a_name_is_that_of_one_set),
	KUNIT_CASE(nothing_selected_is_no_tree),
	KUNIT_CASE(there_are_as_many_as_the_parameter_says),
	KUNIT_CASE(a_bind_that_fails_makes_no_tree),
	KUNIT_CASE(the_default_tree_changes_while_it_is_empty),
	KUNIT_CASE(a_remount_changes_nothing),
	{}
};

static struct kunit_suite hierarchy_suite = {
	.name = "hierarchy",
	.init = hierarchy_start,
	.exit = hierarchy_stop,
	.test_cases = hierarchy_cases,
};

kunit_test_suite(hierarchy_suite);
