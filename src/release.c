// SPDX-License-Identifier: GPL-2.0
/* The announcement that a container has become empty, and the release agent that it runs. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/umh.h>

#include "container.h"
#include "hierarchy.h"
#include "release.h"

/*
 * Not freezable: a suspend would wait for an agent whose filesystem does not answer, and fail. The
 * kernel runs no agent during a suspend, so the announcements are retried until it does.
 */
struct workqueue_struct *release_wq;

/* An announcement that fails for now is retried after 100 ms, then after twice as long, up to: */
#define RETRY_DOUBLED_MAX 6U /* 6.4 s */

static unsigned long retry_delay(const struct container *c)
{
	return msecs_to_jiffies(100U << min(c->release_tries, RETRY_DOUBLED_MAX));
}

/*
 * Does this error of call_usermodehelper() pass? The kernel runs no program during a suspend
 * (EBUSY), or lacks memory, or has too many tasks.
 */
static bool error_passes(int error)
{
	return error == -EBUSY || error == -EAGAIN || error == -ENOMEM;
}

/*
 * The agent runs as root in the initial namespaces, a child of a kernel worker and so in the root
 * containers. The caller waits until it has been started, because until then @agent and @path are
 * needed, but not until it ends.
 */
static int agent_run(char *agent, char *path)
{
	static char * const envp[] = {
		"HOME=/",
		"PATH=/sbin:/bin:/usr/sbin:/usr/bin",
		NULL
	};
	char *argv[3] = { agent, path, NULL };

	return *agent ? call_usermodehelper(agent, argv, (char **)envp, UMH_WAIT_EXEC) : 0;
}

/* Returns an error if the announcement must be retried. */
static int agent_tell(const struct container *c, char *agent, char *path)
{
	int error = agent && path ? agent_run(agent, path) : -ENOMEM;

	if (error && !error_passes(error))
		pr_warn_ratelimited("release agent %s for container %s cannot be run: error %d\n",
				    agent, path, error);
	/* A suspend is nothing to report. */
	else if (error && error != -EBUSY && !c->release_tries)
		pr_warn_ratelimited("a release agent cannot be run now: error %d, will retry\n",
				    error);
	return error_passes(error) ? error : 0;
}

/* Is it to be announced now? What changes this meanwhile announces it again. */
static bool container_is_released(const struct container *c)
{
	return test_bit(CONTAINER_NOTIFY_ON_RELEASE, &c->flags) && !container_is_removed(c) &&
	       c->parent && !atomic_read(&c->populated) && list_empty(&c->children);
}

/* The pending work holds a reference; there is one, however often it is queued. */
static void release_queue(struct container *c, unsigned long delay)
{
	bool pending;

	container_get(c);
	/* A new announcement does not wait for the timer of a retry. */
	if (delay)
		pending = !queue_delayed_work(release_wq, &c->release_work, delay);
	else
		pending = mod_delayed_work(release_wq, &c->release_work, 0);
	if (pending)
		container_put(c);
}

/**
 * release_announce - have the agent told that a container has become empty, if it still is by then
 * @c: the container
 *
 * Called when the last task or the last child is gone. It takes no lock, because it is called from
 * the exit hook too. The work looks again under container_mutex, under which nothing can be
 * refilled.
 *
 * There is at least one announcement each time the container becomes empty: the caller that brings
 * its number of populated sets to zero makes it, or the rmdir of the last child. If both happen at
 * once, both may call this, and the work may run in between. There is only one, because the work
 * sets CONTAINER_TOLD, and adding a task or a child clears it, all under the mutex.
 *
 * Context: Any; does not sleep. The caller keeps @c.
 */
void release_announce(struct container *c)
{
	/*
	 * After the task or the child is gone. If the last one of each goes at the same time, at
	 * least one of the callers sees that neither is left.
	 */
	smp_mb();
	if (container_is_released(c))
		release_queue(c, 0);
}

/* Queue the work once more, unless the container was populated or removed meanwhile. */
static void release_retry(struct container *c)
{
	mutex_lock(&container_mutex);
	if (container_is_released(c) && test_and_clear_bit(CONTAINER_TOLD, &c->flags)) {
		release_queue(c, retry_delay(c));
		c->release_tries++;
	}
	mutex_unlock(&container_mutex);
}

static void release_work_fn(struct work_struct *work)
{
	struct container *c = container_of(to_delayed_work(work), struct container, release_work);
	char *agent = NULL, *path = NULL;
	bool announce;
	int error = 0;

	mutex_lock(&container_mutex);
	announce = container_is_released(c) && !test_and_set_bit(CONTAINER_TOLD, &c->flags);
	if (announce) {
		agent = hierarchy_copy_release_agent(c->hierarchy);
		path = container_path(c);
	}
	mutex_unlock(&container_mutex);

	/* Without the lock, because the agent may want to remove the container. */
	if (announce)
		error = agent_tell(c, agent, path);
	kvfree(path);
	kfree(agent);
	if (error)
		release_retry(c);
	else
		c->release_tries = 0;
	container_put(c);
}

/**
 * release_setup - get a container ready for its announcements
 * @c: a new container that is not in the tree yet
 */
void release_setup(struct container *c)
{
	INIT_DELAYED_WORK(&c->release_work, release_work_fn);
}

/**
 * release_cancel - forget a pending announcement of a container that has been removed
 * @c: the container; the caller has a reference
 *
 * Afterwards no timer is pending, and none is started, because release_retry() holds the mutex too.
 * Work that runs or is queued without a delay finds the container removed, and release_exit() waits
 * for it.
 *
 * Context: Process context; the caller holds container_mutex.
 */
void release_cancel(struct container *c)
{
	lockdep_assert_held(&container_mutex);
	if (cancel_delayed_work(&c->release_work))
		container_put(c);
}

/**
 * release_init - get ready for announcements
 *
 * Return: 0 or -ENOMEM.
 */
int release_init(void)
{
	release_wq = alloc_workqueue("containerfs_release", WQ_UNBOUND, 0);
	return release_wq ? 0 : -ENOMEM;
}

/**
 * release_exit - undo release_init()
 *
 * Context: Process context; waits for work in progress, which queues no more. All containers have
 * been removed, so there is no timer that could queue work later; see release_cancel().
 */
void release_exit(void)
{
	destroy_workqueue(release_wq);
}
