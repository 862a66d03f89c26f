// SPDX-License-Identifier: GPL-2.0
/* Subsystems: registering them, and their states when something fails on the way. */
#include <kunit/test.h>
#include <linux/slab.h>

#include "../src/file.h"
#include "../src/hierarchy.h"
#include "../src/registry.h"
#include "../src/set.h"
#include "fixture.h"

static struct container *const top = &default_hierarchy.root;
static struct recorder a, b, c;

static int registry_start(struct kunit *test)
{
	recorder_init(&a, "a");
	recorder_init(&b, "b");
	recorder_init(&c, "c");
	return core_start(test);
}

/* Bind those that are named, of "a", "b" and "c", to the default hierarchy, and no other. */
static int bind_default(const char *names)
{
	struct hierarchy_options options = {};
	struct fs_context fc = {};
	char name[3][2] = {};

	for (; *names; names++) {
		name[options.nr_subsystems][0] = *names;
		options.subsystems[options.nr_subsystems] = name[options.nr_subsystems];
		options.nr_subsystems++;
	}
	return hierarchy_bind_default(&fc, &options);
}

static void register_all(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&a.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&b.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&c.subsys), 0);
}

static void forget_logs(void)
{
	memset(a.log, 0, sizeof(a.log));
	memset(b.log, 0, sizeof(b.log));
	memset(c.log, 0, sizeof(c.log));
}

static void unregister_all(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&b.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&c.subsys), 0);
	KUNIT_EXPECT_EQ(test, a.states, 0);
	KUNIT_EXPECT_EQ(test, b.states, 0);
	KUNIT_EXPECT_EQ(test, c.states, 0);
}

struct name_case {
	const char *name;
	int error;
};

static const struct name_case name_cases[] = {
	{ "cpu", 0 },
	{ "C.p-u_9", 0 },
	{ "0123456789012345678901234567890x", 0 },
	{ NULL, -EINVAL },
	{ "", -EINVAL },
	{ "0123456789012345678901234567890xy", -EINVAL },
	{ "all", -EINVAL },
	{ "none", -EINVAL },
	{ "a b", -EINVAL },
	{ "a,b", -EINVAL },
	{ "a/b", -EINVAL },
	{ "a=b", -EINVAL },
	{ "a\n", -EINVAL },
	{ "\303\244", -EINVAL },
};

static void name_description(const struct name_case *n, char *description)
{
	snprintf(description, KUNIT_PARAM_DESC_SIZE, "%*pE", n->name ? (int)strlen(n->name) : 6,
		 n->name ?: "(none)");
}

KUNIT_ARRAY_PARAM(name, name_cases, name_description);

static void a_name_is_a_word(struct kunit *test)
{
	const struct name_case *n = test->param_value;

	a.subsys.name = n->name;
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&a.subsys), n->error);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a.subsys), n->error ? -ENOENT : 0);
	KUNIT_EXPECT_EQ(test, a.states, 0);
}

static void create_and_destroy_are_required(struct kunit *test)
{
	const struct rc_subsys all = a.subsys;

	a.subsys.create = NULL;
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&a.subsys), -EINVAL);
	a.subsys = all;
	a.subsys.destroy = NULL;
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&a.subsys), -EINVAL);
	/* Nothing else is. */
	a.subsys = (struct rc_subsys){
		.name = all.name,
		.owner = all.owner,
		.create = all.create,
		.destroy = all.destroy,
	};
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&a.subsys), 0);
	KUNIT_EXPECT_EQ(test, bind_default("a"), 0);
	core_rmdir(core_mkdir(top, "x"));
	KUNIT_EXPECT_EQ(test, bind_default(""), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a.subsys), 0);
	KUNIT_EXPECT_STREQ(test, a.log, "CCDD");
}

static void a_name_is_taken_once(struct kunit *test)
{
	struct rc_subsys twin = a.subsys;

	KUNIT_EXPECT_EQ(test, rc_register_subsys(&a.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&a.subsys), -EEXIST);
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&twin), -EEXIST);
	/* Who is not registered cannot unregister who is. */
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&twin), -ENOENT);
	KUNIT_EXPECT_EQ(test, a.states, 1);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a.subsys), -ENOENT);
}

static void the_table_may_be_full(struct kunit *test)
{
	struct rc_subsys *many = kunit_kcalloc(test, SUBSYS_MAX, sizeof(*many), GFP_KERNEL);
	char name[SUBSYS_MAX][4];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, many);
	for (i = 0; i < SUBSYS_MAX; i++) {
		many[i] = a.subsys;
		sprintf(name[i], "m%d", i);
		many[i].name = name[i];
		KUNIT_EXPECT_EQ(test, rc_register_subsys(&many[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&b.subsys), -ENOSPC);
	KUNIT_EXPECT_STREQ(test, b.log, "");
	/* A place that is free again can be had. */
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&many[3]), 0);
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&b.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&b.subsys), 0);
	for (i = 0; i < SUBSYS_MAX; i++)
		KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&many[i]), i == 3 ? -ENOENT : 0);
	KUNIT_EXPECT_EQ(test, a.states, 0);
}

static struct rc_state *create_nothing(struct rc_state *parent)
{
	return NULL;
}

static void without_a_root_state_nothing_is_registered(struct kunit *test)
{
	a.create_error = -EDQUOT;
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&a.subsys), -EDQUOT);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a.subsys), -ENOENT);
	a.subsys.create = create_nothing;
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&a.subsys), -ENOMEM);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a.subsys), -ENOENT);
}

static void what_is_bound_stays_registered(struct kunit *test)
{
	register_all(test);
	KUNIT_EXPECT_EQ(test, bind_default("ab"), 0);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&a.subsys), -EBUSY);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&b.subsys), -EBUSY);
	KUNIT_EXPECT_EQ(test, rc_unregister_subsys(&c.subsys), 0);
	KUNIT_EXPECT_EQ(test, rc_register_subsys(&c.subsys), 0);
	KUNIT_EXPECT_EQ(test, bind_default(""), 0);
	unregister_all(test);
	KUNIT_EXPECT_STREQ(test, a.log, "CPBUD");
	KUNIT_EXPECT_STREQ(test, c.log, "CDCD");
}

static void states_know_their_container_and_parent(struct kunit *test)
{
	struct container *x, *y;

	register_all(test);
	KUNIT_EXPECT_NULL(test, a.subsys.root_state->container);
	KUNIT_EXPECT_EQ(test, bind_default("a"), 0);
	KUNIT_EXPECT_PTR_EQ(test, a.subsys.root_state->container, top);
	x = core_mkdir(top, "x");
	y = core_mkdir(x, "y");
	KUNIT_EXPECT_PTR_EQ(test, top->state[a.subsys.id], a.subsys.root_state);
	KUNIT_EXPECT_PTR_EQ(test, y->state[a.subsys.id]->container, y);
	KUNIT_EXPECT_PTR_EQ(test, y->state[a.subsys.id]->parent, x->state[a.subsys.id]);
	KUNIT_EXPECT_PTR_EQ(test, x->state[a.subsys.id]->parent, a.subsys.root_state);
	KUNIT_EXPECT_NULL(test, a.subsys.root_state->parent);
	KUNIT_EXPECT_NULL(test, y->state[b.subsys.id]);
	core_rmdir(y);
	core_rmdir(x);
	KUNIT_EXPECT_EQ(test, bind_default(""), 0);
	KUNIT_EXPECT_NULL(test, a.subsys.root_state->container);
	unregister_all(test);
}

/* Which of the three fails, at which step; and what each is asked because of it. */
struct mkdir_case {
	struct recorder *who;
	bool populate;
	const char *logs[3];
};

static const struct mkdir_case mkdir_cases[] = {
	{ &a, false, { "C", "", "" } },
	{ &b, false, { "CD", "C", "" } },
	{ &c, false, { "CD", "CD", "C" } },
	{ &a, true, { "CPD", "CD", "CD" } },
	{ &b, true, { "CPD", "CPD", "CD" } },
	{ &c, true, { "CPD", "CPD", "CPD" } },
};

static void mkdir_description(const struct mkdir_case *m, char *description)
{
	snprintf(description, KUNIT_PARAM_DESC_SIZE, "%s of the %s", m->populate ? "populate" :
		 "create", m->who == &a ? "first" : m->who == &b ? "second" : "third");
}

KUNIT_ARRAY_PARAM(mkdir, mkdir_cases, mkdir_description);

static void a_mkdir_that_fails_destroys_what_was_made(struct kunit *test)
{
	const struct mkdir_case *m = test->param_value;
	unsigned int refs;
	struct container *x;

	register_all(test);
	KUNIT_EXPECT_EQ(test, bind_default("abc"), 0);
	refs = refcount_read(&top->ref);
	forget_logs();
	*(m->populate ? &m->who->populate_error : &m->who->create_error) = -EDQUOT;
	x = hierarchy_mkdir(top, "x", GLOBAL_ROOT_UID, GLOBAL_ROOT_GID);
	KUNIT_EXPECT_PTR_EQ(test, x, (struct container *)ERR_PTR(-EDQUOT));
	KUNIT_EXPECT_STREQ(test, a.log, m->logs[0]);
	KUNIT_EXPECT_STREQ(test, b.log, m->logs[1]);
	KUNIT_EXPECT_STREQ(test, c.log, m->logs[2]);
	KUNIT_EXPECT_TRUE(test, list_empty(&top->children));
	KUNIT_EXPECT_EQ(test, refcount_read(&top->ref), refs);
	KUNIT_EXPECT_EQ(test, atomic_read(&top->state_users), 1);

	/* Another time it works, and undoes in the end what it has done. */
	m->who->populate_error = 0;
	m->who->create_error = 0;
	x = core_mkdir(top, "x");
	KUNIT_EXPECT_NOT_NULL(test, x);
	KUNIT_EXPECT_EQ(test, a.states, 2);
	core_rmdir(x);
	KUNIT_EXPECT_EQ(test, bind_default(""), 0);
	unregister_all(test);
}

static void a_bind_that_fails_binds_nothing(struct kunit *test)
{
	const struct rc_subsys *bound;

	register_all(test);
	forget_logs();
	b.populate_error = -EDQUOT;
	KUNIT_EXPECT_EQ(test, bind_default("abc"), -EDQUOT);
	KUNIT_EXPECT_STREQ(test, a.log, "PBU");
	KUNIT_EXPECT_STREQ(test, b.log, "P");
	KUNIT_EXPECT_STREQ(test, c.log, "");
	KUNIT_EXPECT_EQ(test, default_hierarchy.subsys_mask, 0);
	for (bound = &a.subsys; bound; bound = bound == &a.subsys ? &b.subsys : NULL) {
		KUNIT_EXPECT_NULL(test, bound->hierarchy);
		KUNIT_EXPECT_NULL(test, bound->root_state->container);
		KUNIT_EXPECT_NULL(test, top->state[bound->id]);
	}

	/* A failure leaves alone what is bound. */
	KUNIT_EXPECT_EQ(test, bind_default("a"), 0);
	KUNIT_EXPECT_EQ(test, bind_default("bc"), -EDQUOT);
	KUNIT_EXPECT_EQ(test, default_hierarchy.subsys_mask, BIT(a.subsys.id));
	b.populate_error = 0;
	KUNIT_EXPECT_EQ(test, bind_default("bc"), 0);
	KUNIT_EXPECT_NULL(test, a.subsys.hierarchy);
	KUNIT_EXPECT_EQ(test, bind_default(""), 0);
	unregister_all(test);
}

static const struct rc_cftype extra_files[] = { { .name = "one" }, { .name = "two" }, {} };

static int populate_with_files(struct rc_state *state)
{
	return rc_add_files(state, extra_files);
}

static void populate_adds_files(struct kunit *test)
{
	const struct qstr name = QSTR_INIT("a.two", 5);
	struct file_kind kind;
	struct container *x;

	a.subsys.populate = populate_with_files;
	register_all(test);
	KUNIT_EXPECT_EQ(test, bind_default("ab"), 0);
	x = core_mkdir(top, "x");
	KUNIT_EXPECT_TRUE(test, file_kind_find(x, &name, &kind));
	KUNIT_EXPECT_PTR_EQ(test, kind.type, &extra_files[1]);
	KUNIT_EXPECT_TRUE(test, file_kind_find(top, &name, &kind));
	core_rmdir(x);
	/* They go with the subsystem, ... */
	KUNIT_EXPECT_EQ(test, bind_default("b"), 0);
	KUNIT_EXPECT_FALSE(test, file_kind_find(top, &name, &kind));
	KUNIT_EXPECT_EQ(test, bind_default(""), 0);
	/* ... and when another one fails. */
	b.populate_error = -EDQUOT;
	KUNIT_EXPECT_EQ(test, bind_default("ab"), -EDQUOT);
	KUNIT_EXPECT_TRUE(test, list_empty(&top->extra_files));
	unregister_all(test);
}

static void an_open_file_keeps_the_states(struct kunit *test)
{
	struct container *x, *y;

	register_all(test);
	KUNIT_EXPECT_EQ(test, bind_default("a"), 0);
	x = core_mkdir(top, "x");
	y = core_mkdir(x, "y");
	KUNIT_EXPECT_TRUE(test, subsys_states_get(y));
	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(y), 0);
	KUNIT_EXPECT_EQ(test, hierarchy_rmdir(x), 0);
	/* Those above too: a state's parent outlives it. */
	KUNIT_EXPECT_EQ(test, a.states, 3);
	KUNIT_EXPECT_FALSE(test, subsys_states_get(y));
	KUNIT_EXPECT_EQ(test, bind_default(""), -EBUSY);
	subsys_states_put(y);
	KUNIT_EXPECT_EQ(test, a.states, 1);
	KUNIT_EXPECT_EQ(test, bind_default(""), 0);
	container_put(y);
	container_put(x);
	unregister_all(test);
}

static void a_fork_that_one_refuses_is_cancelled_for_the_others(struct kunit *test)
{
	struct task_struct *task = fake_task(test);
	struct container *x;

	register_all(test);
	KUNIT_EXPECT_EQ(test, bind_default("abc"), 0);
	x = core_mkdir(top, "x");
	move(task, x);
	forget_logs();
	b.fork_error = -EAGAIN;
	KUNIT_EXPECT_EQ(test, container_set_can_fork(set_of(task)), -EAGAIN);
	KUNIT_EXPECT_STREQ(test, a.log, "cx");
	KUNIT_EXPECT_STREQ(test, b.log, "c");
	KUNIT_EXPECT_STREQ(test, c.log, "");
	/* charge_fork() is for forks that cannot be refused. */
	container_set_charge_fork(set_of(task));
	container_set_fork(set_of(task), task);
	KUNIT_EXPECT_STREQ(test, a.log, "cxhf");
	KUNIT_EXPECT_STREQ(test, c.log, "hf");
	move(task, top);
	core_rmdir(x);
	KUNIT_EXPECT_EQ(test, bind_default(""), 0);
	unregister_all(test);
}

static struct kunit_case registry_cases[] = {
	KUNIT_CASE_PARAM(a_name_is_a_word, name_gen_params),
	KUNIT_CASE(create_and_destroy_are_required),
	KUNIT_CASE(a_name_is_taken_once),
	KUNIT_CASE(the_table_may_be_full),
	KUNIT_CASE(without_a_root_state_nothing_is_registered),
	KUNIT_CASE(what_is_bound_stays_registered),
	KUNIT_CASE(states_know_their_container_and_parent),
	KUNIT_CASE_PARAM(a_mkdir_that_fails_destroys_what_was_made, mkdir_gen_params),
	KUNIT_CASE(a_bind_that_fails_binds_nothing),
	KUNIT_CASE(populate_adds_files),
	KUNIT_CASE(an_open_file_keeps_the_states),
	KUNIT_CASE(a_fork_that_one_refuses_is_cancelled_for_the_others),
	{}
};

static struct kunit_suite registry_suite = {
	.name = "registry",
	.init = registry_start,
	.exit = core_stop,
	.test_cases = registry_cases,
};

kunit_test_suite(registry_suite);
