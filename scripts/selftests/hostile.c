// SPDX-License-Identifier: GPL-2.0
// Tests that nobody is lost whatever comes, goes or is switched off meanwhile; see tracing.c too.
#include "selftest.h"

#include "family.h"

#define TRACING "/sys/kernel/tracing"
#define KPROBES_ENABLED "/sys/kernel/debug/kprobes/enabled"
#define FTRACE_ENABLED "/proc/sys/kernel/ftrace_enabled"
#define PROCESSOR "/sys/devices/system/cpu/cpu1/online"

static const struct family family = { { "/a", "/a" } };

/* Children are where we are, in whatever way they are made, and the dead are out. */
static int lose_nobody(unsigned int tasks)
{
	unsigned int i;

	for (i = 0; i < tasks && !ledger->complaints; i++)
		make_task(&family, i);
	/* An orphan may still be in it. */
	if (!ledger->complaints && !wait_until(population("/a") == 1 && count_tracked() == 1))
		complain("%d tasks are in /a, %d in any", population("/a"), count_tracked());
	return ledger->complaints ? -ESTALE : 0;
}

/* Do something until the end; not from within the container. */
static pid_t begin(void (*something)(void))
{
	pid_t pid = child();

	if (pid == 0)
		for (;;)
			something();
	return pid;
}

FIXTURE(hostile)
{
};

FIXTURE_SETUP(hostile)
{
	ASSERT_EQ(0, mount_tree());
	ledger_open();
}

static int remove_probes(void)
{
	return write_file(TRACING "/events/kprobes/enable", "0") ?:
	       result(close(open(TRACING "/kprobe_events", O_WRONLY | O_TRUNC | O_CLOEXEC)));
}

static int switch_all_on(void)
{
	write_file(PROCESSOR, "1");
	write_file(TRACING "/current_tracer", "nop");
	remove_probes();
	close(open(TRACING "/set_ftrace_filter", O_WRONLY | O_TRUNC | O_CLOEXEC));
	write_file(FTRACE_ENABLED, "1");
	/* While it cannot be written, it is on. */
	write_file(KPROBES_ENABLED, "1");
	return exists(KPROBES_ENABLED) && strcmp(content(KPROBES_ENABLED), "1") ? -EIO : 0;
}

FIXTURE_TEARDOWN(hostile)
{
	EXPECT_EQ(0, switch_all_on());
	EXPECT_EQ(0, clear_tree());
}

static int enter_container(void)
{
	return make("/a") ?: attach("/a", 0);
}

static void take_processor_away(void)
{
	write_file(PROCESSOR, "0");
	usleep(20000);
	write_file(PROCESSOR, "1");
	usleep(20000);
}

TEST_F(hostile, nobody_is_lost_while_a_processor_goes_and_comes)
{
	pid_t hotplug;

	if (write_file(PROCESSOR, "0"))
		SKIP(return, "no processor can be taken away here");
	hotplug = begin(take_processor_away);
	ASSERT_EQ(0, enter_container());
	EXPECT_EQ(0, lose_nobody(scaled(200))) TH_LOG("%s", ledger->complaint);
	EXPECT_EQ(0, end(hotplug));
}

TEST_F(hostile, nobody_is_lost_when_there_is_one_processor_left)
{
	if (write_file(PROCESSOR, "0"))
		SKIP(return, "no processor can be taken away here");
	ASSERT_EQ(0, enter_container());
	EXPECT_EQ(0, lose_nobody(scaled(50))) TH_LOG("%s", ledger->complaint);
	ASSERT_EQ(0, write_file(PROCESSOR, "1"));
	EXPECT_EQ(0, lose_nobody(scaled(50))) TH_LOG("%s", ledger->complaint);
}

static void trace_and_probe(void)
{
	static const char * const tracers[] = { "function", "function_graph", "nop" };
	static const char * const functions[] = { "cgroup_can_fork", "cgroup_post_fork" };
	static unsigned int round;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		write_file(TRACING "/set_ftrace_filter", "%s", functions[i]);
		write_file(TRACING "/kprobe_events", "p:probe_%zu %s", i, functions[i]);
		write_file(TRACING "/kprobe_events", "r:return_%zu %s", i, functions[i]);
	}
	write_file(TRACING "/current_tracer", "%s", tracers[round++ % ARRAY_SIZE(tracers)]);
	write_file(TRACING "/events/kprobes/enable", "%u", round % 2);
}

TEST_F(hostile, nobody_is_lost_while_tracers_and_probes_come_and_go)
{
	pid_t tracer;

	if (!exists(TRACING "/current_tracer"))
		SKIP(return, "this kernel has no tracers");
	tracer = begin(trace_and_probe);
	ASSERT_EQ(0, enter_container());
	EXPECT_EQ(0, lose_nobody(scaled(200))) TH_LOG("%s", ledger->complaint);
	EXPECT_EQ(0, end(tracer));
}

/* While there is no container too: the next one would be told lies. */
TEST_F(hostile, nobody_is_lost_when_kprobes_are_switched_off)
{
	int error;

	if (!exists(KPROBES_ENABLED))
		SKIP(return, "this kernel has no switch for kprobes");
	error = write_file(KPROBES_ENABLED, "0");
	ASSERT_EQ(0, enter_container());
	EXPECT_EQ(0, lose_nobody(scaled(50))) TH_LOG("switching off gave %d", error);
	error = write_file(KPROBES_ENABLED, "0");
	EXPECT_EQ(0, lose_nobody(scaled(50))) TH_LOG("switching off gave %d", error);
	/* Nobody has to live with them once they are off. */
	write_file(KPROBES_ENABLED, "1");
	EXPECT_EQ(0, lose_nobody(scaled(50))) TH_LOG("%s", ledger->complaint);
}

/* Either it does without them, or it says why it cannot be loaded. */
static void load_without(struct __test_metadata *_metadata, const char *file, const char *word)
{
	int error, mark;

	if (!exists(file))
		SKIP(return, "this kernel has no such switch");
	ASSERT_EQ(0, clear_tree());
	ASSERT_EQ(0, module_unload_patiently());
	/* Some kernels never let it be switched off. */
	error = write_file(file, "0");
	EXPECT_TRUE(error == 0 || error == -EOPNOTSUPP);
	mark = log_mark();
	error = module_load(module_parameters()) ?: remount_tree() ?: enter_container();
	if (error) {
		EXPECT_EQ(-EBUSY, error);
		EXPECT_TRUE(log_has(mark, word, "containerfs: "));
	} else {
		EXPECT_EQ(0, lose_nobody(scaled(50))) TH_LOG("%s", ledger->complaint);
	}
	close(mark);
	EXPECT_EQ(0, switch_all_on());
	EXPECT_EQ(0, mount_tree());
}

TEST_F(hostile, a_module_that_comes_when_kprobes_are_off_loses_nobody_in_silence)
{
	load_without(_metadata, KPROBES_ENABLED, "kprobes/enabled");
}

TEST_F(hostile, a_module_that_comes_when_ftrace_is_off_loses_nobody_in_silence)
{
	load_without(_metadata, FTRACE_ENABLED, "ftrace_enabled");
}

static int probe_redirected_functions(void)
{
	static const char * const functions[] = { "cgroup_can_fork", "proc_tgid_base_lookup" };
	int error = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(functions) && !error; i++)
		error = write_file(TRACING "/kprobe_events", "p:probe_%zu %s", i, functions[i]);
	return error ?: write_file(TRACING "/events/kprobes/enable", "1");
}

static int load_and_lose_nobody(void)
{
	return module_load(module_parameters()) ?: remount_tree() ?: enter_container() ?:
	       lose_nobody(scaled(20)) ?: clear_tree() ?: module_unload_patiently();
}

/* The kernel counts those that redirect; where it counts wrong, some are not called any more. */
TEST_F(hostile, nobody_is_lost_after_probes_that_came_before_us_and_went_after_us)
{
	int i;

	if (!exists(TRACING "/kprobe_events"))
		SKIP(return, "this kernel has no such probes");
	ASSERT_EQ(0, clear_tree());
	ASSERT_EQ(0, module_unload_patiently());
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, probe_redirected_functions());
		ASSERT_EQ(0, load_and_lose_nobody()) TH_LOG("%s", ledger->complaint);
		ASSERT_EQ(0, remove_probes());
		ASSERT_EQ(0, load_and_lose_nobody()) TH_LOG("%s", ledger->complaint);
	}
	ASSERT_EQ(0, module_load(module_parameters()));
	ASSERT_EQ(0, mount_tree());
}

TEST_HARNESS_MAIN
