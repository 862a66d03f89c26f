// SPDX-License-Identifier: GPL-2.0
/* The release agent: a program that the kernel runs when a container has become empty. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/umh.h>

#include "release.h"

/**
 * release_agent_run - tell a release agent of a container
 * @agent: the agent's path; "" for none
 * @path: the container's path, the agent's one argument
 *
 * The agent runs as root in the initial namespaces, a child of a kernel worker and so in the root
 * containers. It is waited for until it has been started, because until then @agent and @path are
 * needed; not until it ends.
 *
 * Context: Process context without locks; sleeps.
 */
void release_agent_run(char *agent, char *path)
{
	static char * const envp[] = {
		"HOME=/",
		"PATH=/sbin:/bin:/usr/sbin:/usr/bin",
		NULL
	};
	char *argv[3] = { agent, path, NULL };
	int error;

	if (!*agent)
		return;
	error = call_usermodehelper(agent, argv, (char **)envp, UMH_WAIT_EXEC);
	if (error)
		pr_warn_ratelimited("release agent %s for container %s cannot be run: error %d\n",
				    agent, path, error);
}
