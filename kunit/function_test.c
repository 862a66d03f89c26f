// SPDX-License-Identifier: GPL-2.0
/* Finding a function of the kernel, and being called for it and for no other. */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/string.h>

#include "../src/compat.h"
#include "../src/function.h"

static int calls;

/*
 * Three that nobody else calls; no two are the same, lest the compiler make one of them. Nor is it
 * to know that they leave alone what a callback changes.
 */
static noinline __noclone void function_test_first(void)
{
	calls += 1;
	barrier();
}

static noinline __noclone void function_test_second(void)
{
	calls += 2;
	barrier();
}

static notrace noinline __noclone void function_test_notrace(void)
{
	calls += 4;
	barrier();
}

static int function_start(struct kunit *test)
{
	calls = 0;
	return 0;
}

static void a_function_of_the_kernel_is_found(struct kunit *test)
{
	unsigned long address = 0;

	KUNIT_EXPECT_EQ(test, function_find("generic_file_llseek", &address), 0);
	KUNIT_EXPECT_EQ(test, address, (unsigned long)generic_file_llseek);
}

static void a_function_of_a_module_is_found(struct kunit *test)
{
	unsigned long address = 0;

	KUNIT_EXPECT_EQ(test, function_find("function_test_first", &address), 0);
	KUNIT_EXPECT_EQ(test, address, (unsigned long)function_test_first);
}

struct name_case {
	const char *name;
	int error;
};

static const struct name_case name_cases[] = {
	{ "containerfs_no_such_function", -ENOENT },
	{ "", -ENOENT },
	{ "generic_file_llsee", -ENOENT },
	{ "generic_file_llseek+4", -ENOENT },
	{ "GENERIC_FILE_LLSEEK", -ENOENT },
	/* It is there, but is no function. */
	{ "init_task", -EINVAL },
};

static void name_description(const struct name_case *n, char *description)
{
	snprintf(description, KUNIT_PARAM_DESC_SIZE, "'%s'", n->name);
}

KUNIT_ARRAY_PARAM(name, name_cases, name_description);

static void what_is_no_function_is_not_found(struct kunit *test)
{
	const struct name_case *n = test->param_value;
	unsigned long address = 4711;

	KUNIT_EXPECT_EQ(test, function_find(n->name, &address), n->error);
	KUNIT_EXPECT_EQ(test, address, 4711);
}

static void many_functions_are_found_at_once(struct kunit *test)
{
	struct function f[] = {
		{ .symbol = "function_test_first" },
		{ .symbol = "containerfs_no_such_function" },
		{ .symbol = "generic_file_llseek" },
		{ .symbol = "generic_file_llseek", .address = 4711 },
	};
	struct function *const functions[] = { &f[0], &f[1], &f[2], &f[3] };

	KUNIT_EXPECT_EQ(test, functions_find(functions, ARRAY_SIZE(functions)), 0);
	KUNIT_EXPECT_EQ(test, f[0].address, (unsigned long)function_test_first);
	KUNIT_EXPECT_EQ(test, f[0].error, 0);
	KUNIT_EXPECT_EQ(test, f[1].address, 0);
	KUNIT_EXPECT_EQ(test, f[1].error, -ENOENT);
	KUNIT_EXPECT_EQ(test, f[2].address, (unsigned long)generic_file_llseek);
	KUNIT_EXPECT_EQ(test, f[3].address, 4711);
}

/* Nobody is to pay for our having looked. */
static void finding_changes_no_instruction(struct kunit *test)
{
	char before[16];
	unsigned long address;

	memcpy(before, function_test_first, sizeof(before));
	KUNIT_EXPECT_EQ(test, function_find("function_test_first", &address), 0);
	KUNIT_EXPECT_EQ(test, memcmp(before, function_test_first, sizeof(before)), 0);
	/* And it can be found again. */
	KUNIT_EXPECT_EQ(test, function_find("function_test_first", &address), 0);
}

static struct ftrace_ops ops;
static unsigned int hits;
static unsigned long hit_ip;

static void notrace hit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
			struct ftrace_regs *fregs)
{
	hits++;
	hit_ip = ip;
}

static int filter(unsigned long address)
{
	return function_filter(&ops, &address, 1);
}

/* As those who call function_filter() do. */
static void clear_ops(void)
{
	ops = (struct ftrace_ops){ .func = hit, .flags = COMPAT_FTRACE_FLAGS };
	hits = 0;
	hit_ip = 0;
}

static void an_ops_is_called_for_its_function_alone(struct kunit *test)
{
	clear_ops();
	KUNIT_ASSERT_EQ(test, filter((unsigned long)function_test_first), 0);
	KUNIT_EXPECT_EQ(test, register_ftrace_function(&ops), 0);
	function_test_second();
	KUNIT_EXPECT_EQ(test, READ_ONCE(hits), 0);
	function_test_first();
	KUNIT_EXPECT_EQ(test, READ_ONCE(hits), 1);
	KUNIT_EXPECT_EQ(test, hit_ip, (unsigned long)function_test_first);
	/* Not in its place. */
	KUNIT_EXPECT_EQ(test, calls, 3);
	KUNIT_EXPECT_EQ(test, unregister_ftrace_function(&ops), 0);
	ftrace_free_filter(&ops);
}

static void a_cleared_ops_may_be_used_for_another_function(struct kunit *test)
{
	clear_ops();
	KUNIT_ASSERT_EQ(test, filter((unsigned long)function_test_first), 0);
	ftrace_free_filter(&ops);
	clear_ops();
	KUNIT_ASSERT_EQ(test, filter((unsigned long)function_test_second), 0);
	KUNIT_EXPECT_EQ(test, register_ftrace_function(&ops), 0);
	function_test_first();
	KUNIT_EXPECT_EQ(test, READ_ONCE(hits), 0);
	function_test_second();
	KUNIT_EXPECT_EQ(test, READ_ONCE(hits), 1);
	KUNIT_EXPECT_EQ(test, unregister_ftrace_function(&ops), 0);
	ftrace_free_filter(&ops);
}

static void filter_of_registered_ops_changes(struct kunit *test)
{
	unsigned long both[] = {
		(unsigned long)function_test_first, (unsigned long)function_test_second,
	};

	clear_ops();
	KUNIT_ASSERT_EQ(test, filter(both[0]), 0);
	KUNIT_EXPECT_EQ(test, register_ftrace_function(&ops), 0);
	KUNIT_EXPECT_EQ(test, filter(both[1]), 0);
	function_test_first();
	KUNIT_EXPECT_EQ(test, READ_ONCE(hits), 0);
	function_test_second();
	KUNIT_EXPECT_EQ(test, READ_ONCE(hits), 1);
	KUNIT_EXPECT_EQ(test, function_filter(&ops, both, 2), 0);
	function_test_first();
	function_test_second();
	KUNIT_EXPECT_EQ(test, READ_ONCE(hits), 3);
	/* A function that ftrace does not know changes nothing. */
	KUNIT_EXPECT_EQ(test, filter((unsigned long)function_test_notrace), -EINVAL);
	function_test_first();
	function_test_second();
	KUNIT_EXPECT_EQ(test, READ_ONCE(hits), 5);
	KUNIT_EXPECT_EQ(test, unregister_ftrace_function(&ops), 0);
	ftrace_free_filter(&ops);
}

/* Else no function would be noted, which for ftrace means all that there are. */
static void what_ftrace_cannot_be_called_for_is_refused(struct kunit *test)
{
	function_test_notrace();
	KUNIT_ASSERT_EQ(test, calls, 4);
	clear_ops();
	KUNIT_EXPECT_EQ(test, filter((unsigned long)function_test_notrace), -EINVAL);
	clear_ops();
	KUNIT_EXPECT_EQ(test, filter((unsigned long)function_test_first + 8),
			-EINVAL);
	clear_ops();
	KUNIT_EXPECT_EQ(test, filter((unsigned long)&calls), -EINVAL);
}

static struct kunit_case function_cases[] = {
	KUNIT_CASE(a_function_of_the_kernel_is_found),
	KUNIT_CASE(a_function_of_a_module_is_found),
	KUNIT_CASE_PARAM(what_is_no_function_is_not_found, name_gen_params),
	KUNIT_CASE(many_functions_are_found_at_once),
	KUNIT_CASE(finding_changes_no_instruction),
	KUNIT_CASE(an_ops_is_called_for_its_function_alone),
	KUNIT_CASE(a_cleared_ops_may_be_used_for_another_function),
	KUNIT_CASE(filter_of_registered_ops_changes),
	KUNIT_CASE(what_ftrace_cannot_be_called_for_is_refused),
	{}
};

static struct kunit_suite function_suite = {
	.name = "function",
	.init = function_start,
	.test_cases = function_cases,
};

kunit_test_suite(function_suite);
