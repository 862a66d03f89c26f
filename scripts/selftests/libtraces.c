// SPDX-License-Identifier: GPL-2.0
// What the tests of loading and unloading share: what can be seen of the module and its hooks.
#include "traces.h"

/* What is hooked for the sake of the containers that there are */
static const char * const fork_functions[] = { "cgroup_can_fork", "cgroup_post_fork" };

static const char *exit_function(void)
{
	return file_has("/proc/kallsyms", " cgroup_task_exit\n") ? "cgroup_task_exit" :
								   "cgroup_exit";
}

bool fork_is_hooked(void)
{
	return hooked(fork_functions[0]) && hooked(fork_functions[1]) && hooked(exit_function());
}

bool fork_is_untouched(void)
{
	return !hooked(fork_functions[0]) && !hooked(fork_functions[1]) &&
	       !hooked(exit_function());
}

/* Appends the words of a certain column of a file, except for lines that have a mark. */
static void add_column(const char *path, unsigned int column, const char *except, char *words,
		       size_t size)
{
	char content[4096] = "", *rest = content, *line, *word;
	unsigned int i;

	read_file(path, content, sizeof(content));
	while ((line = strsep(&rest, "\n"))) {
		if (except && strstr(line, except))
			continue;
		word = strtok(line, " \t");
		for (i = 1; word && i < column; i++)
			word = strtok(NULL, " \t");
		if (word)
			snprintf(words + strlen(words), size - strlen(words), "%s\n", word);
	}
}

/* All that is registered, or, with marks of what is not, all that is called */
static const char *registered(const char *unused, const char *disabled)
{
	char words[4096] = "";

	add_column("/sys/kernel/tracing/enabled_functions", 1, unused, words, sizeof(words));
	add_column("/sys/kernel/debug/kprobes/list", 3, disabled, words, sizeof(words));
	return text("%s", words);
}

const char *hooks(void)
{
	return registered("_unused [containerfs]", "[DISABLED]");
}

const char *trace_of_module(void)
{
	static const char * const files[][2] = {
		{ "/proc/filesystems", "\tcontainer\n" },
		{ "/proc/kallsyms", "[containerfs]" },
		{ "/proc/modules", "containerfs " },
		{ "/proc/slabinfo", "container" },
		{ NULL, NULL },
	};
	static const char * const paths[] = {
		"/sys/module/containerfs", "/proc/containers", "/proc/self/container",
		"/proc/self/containers", "/proc/thread-self/container", "/proc/1/containers",
		NULL,
	};
	size_t i;

	for (i = 0; files[i][0]; i++)
		if (file_has(files[i][0], files[i][1]))
			return files[i][0];
	for (i = 0; paths[i]; i++)
		if (exists(paths[i]))
			return paths[i];
	if (entries_named("/proc/self", "container") || entries_named("/proc/self", "containers"))
		return "/proc/self";
	/* Nobody else hooks anything here. */
	return *registered(NULL, NULL) ? registered(NULL, NULL) : NULL;
}
