// SPDX-License-Identifier: GPL-2.0
// Tests that other tracers and probes at the functions that we hook make us miss nothing.
#include "selftest.h"

#define TRACING "/sys/kernel/tracing"
#define FTRACE_ENABLED "/proc/sys/kernel/ftrace_enabled"

static const char * const functions[] = {
	"cgroup_can_fork", "cgroup_post_fork", "cgroup_cancel_fork", "*cgroup*_exit",
	"proc_tgid_base_lookup", "proc_tid_base_lookup",
};

static int trace_functions(const char *tracer)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		write_file(TRACING "/set_ftrace_filter", "%s", functions[i]);
	return write_file(TRACING "/current_tracer", "%s", tracer);
}

/* Opening them so is what empties them. */
static void clear(const char *path)
{
	close(open(path, O_WRONLY | O_TRUNC | O_CLOEXEC));
}

static void trace_nothing(void)
{
	write_file(TRACING "/current_tracer", "nop");
	write_file(TRACING "/events/kprobes/enable", "0");
	clear(TRACING "/set_ftrace_filter");
	clear(TRACING "/kprobe_events");
}

static int probe_functions(void)
{
	size_t i;
	int error, fd;

	for (i = 0; i < 3; i++) {
		fd = open(TRACING "/kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);
		error = result(dprintf(fd, "p:test_%zu %s\n", i, functions[i]));
		close(fd);
		if (error < 0)
			return error;
	}
	return write_file(TRACING "/events/kprobes/enable", "1");
}

/* What is to hold whoever traces: children are where we are, and the dead are out. */
static int lose_nobody(void)
{
	int i, error = 0;

	for (i = 0; i < scaled(50) && !error; i++)
		error = forked(strcmp("/a", where_am_i()) ? -1 : 0);
	if (!error && (population("/a") != 1 || count_tracked() != 1))
		error = -ESTALE;
	return error;
}

FIXTURE(tracing)
{
};

FIXTURE_SETUP(tracing)
{
	ASSERT_EQ(0, mount_tree());
	if (!exists(TRACING "/current_tracer")) {
		SKIP(_metadata->passed = 0, "this kernel has no tracers");
		/* Else its tests would be run. */
		return;
	}
}

FIXTURE_TEARDOWN(tracing)
{
	trace_nothing();
	EXPECT_EQ(0, clear_tree());
}

/* The first container is made by who starts to trace before, or after. */
static int enter_container(void)
{
	return make("/a") ?: attach("/a", 0);
}

TEST_F(tracing, nobody_is_lost_to_a_function_tracer_that_comes_later)
{
	ASSERT_EQ(0, enter_container());
	if (trace_functions("function"))
		SKIP(return, "this kernel has no function tracer");
	EXPECT_EQ(0, lose_nobody());
	trace_nothing();
	EXPECT_EQ(0, lose_nobody());
}

TEST_F(tracing, nobody_is_lost_to_a_function_tracer_that_was_first)
{
	if (trace_functions("function"))
		SKIP(return, "this kernel has no function tracer");
	ASSERT_EQ(0, enter_container());
	EXPECT_EQ(0, lose_nobody());
	trace_nothing();
	EXPECT_EQ(0, lose_nobody());
}

TEST_F(tracing, nobody_is_lost_to_a_function_graph_tracer)
{
	if (trace_functions("function_graph"))
		SKIP(return, "this kernel has no function graph tracer");
	ASSERT_EQ(0, enter_container());
	EXPECT_EQ(0, lose_nobody());
	trace_nothing();
	EXPECT_EQ(0, lose_nobody());
}

TEST_F(tracing, nobody_is_lost_to_probes_that_come_later)
{
	ASSERT_EQ(0, enter_container());
	if (probe_functions())
		SKIP(return, "this kernel has no events from probes");
	EXPECT_EQ(0, lose_nobody());
	trace_nothing();
	EXPECT_EQ(0, lose_nobody());
}

TEST_F(tracing, nobody_is_lost_to_probes_that_were_first)
{
	if (probe_functions())
		SKIP(return, "this kernel has no events from probes");
	ASSERT_EQ(0, enter_container());
	EXPECT_EQ(0, lose_nobody());
	trace_nothing();
	EXPECT_EQ(0, lose_nobody());
}

/* While our functions are hooked, the switch is locked, or at least does not concern us. */
TEST_F(tracing, nobody_is_lost_when_ftrace_is_switched_off)
{
	int error;

	if (!exists(FTRACE_ENABLED))
		SKIP(return, "this kernel has no switch for ftrace");
	ASSERT_EQ(0, enter_container());
	error = write_file(FTRACE_ENABLED, "0");
	EXPECT_EQ(0, lose_nobody()) TH_LOG("switching off gave %d", error);
	EXPECT_EQ(0, write_file(FTRACE_ENABLED, "1"));
	EXPECT_EQ(0, lose_nobody());
}

/* Switched off before: either containers can be made and nobody is lost, or none can be made. */
TEST_F(tracing, nobody_is_lost_when_ftrace_was_off)
{
	int error;

	if (!exists(FTRACE_ENABLED))
		SKIP(return, "this kernel has no switch for ftrace");
	error = write_file(FTRACE_ENABLED, "0");
	if (make("/a") == 0) {
		EXPECT_EQ(0, attach("/a", 0));
		EXPECT_EQ(0, lose_nobody()) TH_LOG("switching off gave %d", error);
	}
	EXPECT_EQ(0, write_file(FTRACE_ENABLED, "1"));
}

TEST_HARNESS_MAIN
