/* SPDX-License-Identifier: GPL-2.0 */
/* A fixture for tests of trees of type rcfs and their subsystems. */
#ifndef CONTAINERFS_SELFTESTS_RCFSTEST_H
#define CONTAINERFS_SELFTESTS_RCFSTEST_H

#include "selftest.h"
#include "rcfs.h"

/* Tests of this fixture find the subsystems loaded and no tree, and need not tidy up. */
FIXTURE(rcfs)
{
};

FIXTURE_SETUP(rcfs)
{
	ASSERT_EQ(0, clear_trees());
	ASSERT_EQ(0, load_subsystems());
}

FIXTURE_TEARDOWN(rcfs)
{
	EXPECT_EQ(0, clear_trees());
	EXPECT_EQ(0, unload_subsystems());
}

#endif
