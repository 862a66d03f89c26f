/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own test harness, with no time limit to speak of, and a fixture with the tree. */
#ifndef CONTAINERFS_SELFTESTS_SELFTEST_H
#define CONTAINERFS_SELFTESTS_SELFTEST_H

#include "kselftest_harness.h"
#include "common.h"

/* An emulated processor on a busy machine is slow: this is here only to end what hangs. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 3600

/* Tests of this fixture find the tree mounted and empty, and need not tidy up. */
FIXTURE(tree)
{
};

FIXTURE_SETUP(tree)
{
	ASSERT_EQ(0, mount_tree());
}

FIXTURE_TEARDOWN(tree)
{
	EXPECT_EQ(0, clear_tree());
}

#endif
