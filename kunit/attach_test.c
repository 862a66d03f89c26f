// SPDX-License-Identifier: GPL-2.0
/* Moving a task, as a write to `tasks` does: who may, whom, and which error comes first. */
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/sched.h>

#include "../src/attach.h"
#include "../src/hierarchy.h"
#include "fixture.h"

static struct container *const top = &default_hierarchy.root;

/* The opener's effective id, the task's real and saved one, and what comes of it. */
struct credentials_case {
	uid_t euid, uid, suid;
	int error;
};

static const struct credentials_case credentials_cases[] = {
	{ 0, 0, 0, 0 },
	{ 0, 1000, 1000, 0 },
	{ 1000, 1000, 1000, 0 },
	{ 1000, 1000, 0, 0 },
	{ 1000, 0, 1000, 0 },
	{ 1000, 1001, 1001, -EACCES },
	{ 1000, 0, 0, -EACCES },
	{ 65534, 0, 0, -EACCES },
};

static void credentials_description(const struct credentials_case *c, char *description)
{
	snprintf(description, KUNIT_PARAM_DESC_SIZE, "euid %u moves uid %u suid %u", c->euid,
		 c->uid, c->suid);
}

KUNIT_ARRAY_PARAM(credentials, credentials_cases, credentials_description);

/* Move a task with the credentials of an opener whose effective id is @euid. */
static int attach_as(struct container *to, pid_t nr, uid_t euid)
{
	struct cred *opener = prepare_creds();
	int error;

	if (!opener)
		return -ENOMEM;
	/* Neither its other ids nor the writer's are of any importance. */
	opener->euid = KUIDT_INIT(euid);
	opener->uid = KUIDT_INIT(4711);
	opener->suid = KUIDT_INIT(4711);
	opener->fsuid = KUIDT_INIT(4711);
	error = container_attach(to, nr, opener);
	put_cred(opener);
	return error;
}

static void the_opener_must_be_root_or_the_owner(struct kunit *test)
{
	const struct credentials_case *c = test->param_value;
	struct container *a = core_mkdir(top, "a");
	struct task_struct *task = real_task(test, KUIDT_INIT(c->uid), KUIDT_INIT(c->suid));

	KUNIT_EXPECT_EQ(test, attach_as(a, task_pid_vnr(task), c->euid), c->error);
	KUNIT_EXPECT_EQ(test, !!set_of(task), !c->error);
	move(task, top);
	real_task_end(task);
	core_rmdir(a);
}

static void zero_is_the_writer(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");

	KUNIT_EXPECT_EQ(test, attach_as(a, 0, 0), 0);
	KUNIT_EXPECT_NOT_NULL(test, set_of(current));
	KUNIT_EXPECT_EQ(test, attach_as(top, 0, 0), 0);
	KUNIT_EXPECT_NULL(test, set_of(current));
	core_rmdir(a);
}

static void kernel_threads_that_must_not_move(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");
	struct task_struct *task = real_task(test, GLOBAL_ROOT_UID, GLOBAL_ROOT_UID);

	/* kthreadd */
	KUNIT_EXPECT_EQ(test, attach_as(a, 2, 0), -EINVAL);
	/* Who may not at all is not told more. */
	KUNIT_EXPECT_EQ(test, attach_as(a, 2, 1000), -EACCES);
	task->flags |= PF_NO_SETAFFINITY;
	KUNIT_EXPECT_EQ(test, attach_as(a, task_pid_vnr(task), 0), -EINVAL);
	task->flags &= ~PF_NO_SETAFFINITY;
	KUNIT_EXPECT_EQ(test, attach_as(a, task_pid_vnr(task), 0), 0);
	move(task, top);
	real_task_end(task);
	core_rmdir(a);
}

static void who_is_not_there_cannot_be_moved(struct kunit *test)
{
	struct container *a = core_mkdir(top, "a");

	KUNIT_EXPECT_EQ(test, attach_as(a, PID_MAX_LIMIT, 0), -ESRCH);
	KUNIT_EXPECT_EQ(test, attach_as(a, -1, 0), -ESRCH);
	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(a), 0);
	/* That the container is gone comes first. */
	KUNIT_EXPECT_EQ(test, attach_as(a, -1, 1000), -ENODEV);
	KUNIT_EXPECT_EQ(test, attach_as(a, 0, 0), -ENODEV);
	container_put(a);
}

static struct recorder recorder;

static int bind_default(unsigned int nr)
{
	struct hierarchy_options options = { .subsystems = { "a" }, .nr_subsystems = nr };
	struct fs_context fc = {};

	return hierarchy_bind_default(&fc, &options);
}

static void a_subsystem_may_refuse(struct kunit *test)
{
	struct container *a, *b;

	recorder_init(&recorder, "a");
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&recorder.subsys), 0);
	KUNIT_EXPECT_EQ(test, bind_default(1), 0);
	a = core_mkdir(top, "a");
	b = core_mkdir(top, "b");
	memset(recorder.log, 0, sizeof(recorder.log));

	recorder.attach_error = -EDQUOT;
	KUNIT_EXPECT_EQ(test, attach_as(a, 0, 0), -EDQUOT);
	KUNIT_EXPECT_NULL(test, set_of(current));
	KUNIT_EXPECT_EQ(test, atomic_read(&a->populated), 0);
	KUNIT_EXPECT_STREQ(test, recorder.log, "");
	recorder.attach_error = 0;
	KUNIT_EXPECT_EQ(test, attach_as(a, 0, 0), 0);
	KUNIT_EXPECT_STREQ(test, recorder.log, "a");

	/* Who is there already need not be allowed to come, and nobody is told. */
	recorder.attach_error = -EDQUOT;
	KUNIT_EXPECT_EQ(test, attach_as(a, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, attach_as(b, 0, 0), -EDQUOT);
	KUNIT_EXPECT_EQ(test, atomic_read(&a->populated), 1);
	KUNIT_EXPECT_STREQ(test, recorder.log, "a");

	move(current, top);
	core_rmdir(a);
	core_rmdir(b);
	KUNIT_EXPECT_EQ(test, bind_default(0), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&recorder.subsys), 0);
}

static void a_move_touches_one_hierarchy(struct kunit *test)
{
	struct hierarchy *tree = core_tree("tree");
	struct container *a = core_mkdir(top, "a"), *b = core_mkdir(&tree->root, "b");

	KUNIT_EXPECT_EQ(test, attach_as(a, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, attach_as(b, 0, 0), 0);
	KUNIT_EXPECT_PTR_EQ(test, hierarchy_container(&default_hierarchy, set_of(current)), a);
	KUNIT_EXPECT_PTR_EQ(test, hierarchy_container(tree, set_of(current)), b);
	KUNIT_EXPECT_EQ(test, attach_as(top, 0, 0), 0);
	KUNIT_EXPECT_PTR_EQ(test, hierarchy_container(&default_hierarchy, set_of(current)), top);
	KUNIT_EXPECT_PTR_EQ(test, hierarchy_container(tree, set_of(current)), b);
	KUNIT_EXPECT_EQ(test, attach_as(&tree->root, 0, 0), 0);
	KUNIT_EXPECT_NULL(test, set_of(current));
	core_rmdir(a);
	core_rmdir(b);
	hierarchy_put(tree);
}

static struct kunit_case attach_cases[] = {
	KUNIT_CASE_PARAM(the_opener_must_be_root_or_the_owner, credentials_gen_params),
	KUNIT_CASE(zero_is_the_writer),
	KUNIT_CASE(kernel_threads_that_must_not_move),
	KUNIT_CASE(who_is_not_there_cannot_be_moved),
	KUNIT_CASE(a_subsystem_may_refuse),
	KUNIT_CASE(a_move_touches_one_hierarchy),
	{}
};

static struct kunit_suite attach_suite = {
	.name = "attach",
	.init = core_start,
	.exit = core_stop,
	.test_cases = attach_cases,
};

kunit_test_suite(attach_suite);
