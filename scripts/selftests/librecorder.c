// SPDX-License-Identifier: GPL-2.0
// What the selftests share: the module of subsystems that write down what they are told.
#include "recorder.h"

static const char *parameter(const char *name)
{
	return text(RECORDER_PARAMETER("%s"), name);
}

int recorder_begin(void)
{
	return clear_trees() ?: unload_patiently(RECORDER) ?: load(RECORDER, "");
}

int recorder_fail(const char *callback, const char *errors)
{
	return write_file(parameter(text("%s_error", callback)), "%s", errors);
}

int recorder_delay_exit(unsigned int milliseconds)
{
	return write_file(parameter("exit_ms"), "%u", milliseconds);
}

int hold_fork(pid_t tid)
{
	return write_file(parameter("hold_fork"), "%d", tid);
}

bool fork_is_held(pid_t tid)
{
	return wait_until(atoi(content(parameter("held_fork"))) == tid);
}

int recorder_end(void)
{
	static const char * const callbacks[] = { "create", "populate", "can_attach", "can_fork" };
	size_t i;

	/* It must let us clear the trees. */
	for (i = 0; i < sizeof(callbacks) / sizeof(*callbacks); i++)
		recorder_fail(callbacks[i], "0,0");
	return clear_trees() ?: unload_patiently(RECORDER);
}

const char *calls(void)
{
	const char *log = content(parameter("log"));
	int error = write_file(parameter("log"), "clear");

	return error ? text("error %d", error) : log;
}

const char *recorder_has(const char *name)
{
	return content(parameter(name));
}
