// SPDX-License-Identifier: GPL-2.0
/* Guarding what kprobes need: whether they are called is known. */
#include <kunit/test.h>
#include <linux/errno.h>

#include "../src/guard.h"

static void nothing_is_noticed_while_they_are_on(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, guard_start(), 0);
	KUNIT_EXPECT_EQ(test, guard_check(), 0);
	KUNIT_EXPECT_EQ(test, guard_stop(), 0);
}

static void it_can_be_started_again(struct kunit *test)
{
	int i;

	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, guard_start(), 0);
		KUNIT_EXPECT_EQ(test, guard_check(), 0);
		KUNIT_EXPECT_EQ(test, guard_stop(), 0);
	}
}

/* What is not there is not called, as if all were switched off. */
static void a_kprobe_that_is_not_called_is_noticed(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, guard_check(), -EBUSY);
}

/* As after a start that has failed. */
static void stop_without_start_does_nothing(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, guard_stop(), 0);
	KUNIT_EXPECT_EQ(test, guard_stop(), 0);
}

static struct kunit_case guard_cases[] = {
	KUNIT_CASE(nothing_is_noticed_while_they_are_on),
	KUNIT_CASE(it_can_be_started_again),
	KUNIT_CASE(stop_without_start_does_nothing),
	KUNIT_CASE(a_kprobe_that_is_not_called_is_noticed),
	{}
};

static struct kunit_suite guard_suite = {
	.name = "guard",
	.test_cases = guard_cases,
};

kunit_test_suite(guard_suite);
