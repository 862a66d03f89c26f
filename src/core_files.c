// SPDX-License-Identifier: GPL-2.0
/* The files that every container has: tasks, notify_on_release, release_agent. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "attach.h"
#include "compat.h"
#include "file.h"
#include "hierarchy.h"
#include "list.h"

/**
 * struct task_snapshot - what an open file of `tasks` shows
 * @lock: guards the rest, held during a read; outside the seq_file's own lock and container_mutex
 * @pids: the ids, in the pid namespace of the task that has opened the file or, if there was a
 *	later snapshot, read it from offset 0
 * @nr: how many
 * @used: a read from offset 0 has begun; the next one takes a new snapshot
 */
struct task_snapshot {
	struct mutex lock; /* see above */
	pid_t *pids;
	size_t nr;
	bool used;
};

/* Takes a new snapshot. With an error the previous one remains. */
static int snapshot_take(struct task_snapshot *snapshot, struct container *c)
{
	pid_t *pids;
	size_t nr;
	int error = task_list(c, task_active_pid_ns(current), &pids, &nr);

	if (error)
		return error;
	kvfree(snapshot->pids);
	snapshot->pids = pids;
	snapshot->nr = nr;
	return 0;
}

static void *tasks_start(struct seq_file *m, loff_t *pos)
{
	struct task_snapshot *snapshot = m->private;

	return *pos < snapshot->nr ? &snapshot->pids[*pos] : NULL;
}

static void *tasks_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return tasks_start(m, pos);
}

static void tasks_stop(struct seq_file *m, void *v)
{
}

static int tasks_show(struct seq_file *m, void *v)
{
	seq_put_decimal_ull(m, "", *(pid_t *)v);
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_operations tasks_seq_operations = {
	.start = tasks_start,
	.next = tasks_next,
	.stop = tasks_stop,
	.show = tasks_show,
};

static int tasks_open(struct rc_state *state, struct file *file)
{
	struct task_snapshot *snapshot;
	int error;

	if (!(file->f_mode & FMODE_READ))
		return 0;
	snapshot = __seq_open_private(file, &tasks_seq_operations, sizeof(*snapshot));
	if (!snapshot)
		return -ENOMEM;
	mutex_init(&snapshot->lock);
	error = snapshot_take(snapshot, state->container);
	if (error)
		seq_release_private(file_inode(file), file);
	return error;
}

/*
 * The first read from offset 0 shows the snapshot of open(2), each later one a new one. At offset 0
 * seq_read_iter() drops what it still has of the previous text.
 */
static ssize_t tasks_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct seq_file *m = iocb->ki_filp->private_data;
	struct task_snapshot *snapshot = m->private;
	ssize_t result = 0;

	if (!iov_iter_count(to))
		return 0;
	mutex_lock(&snapshot->lock);
	if (!iocb->ki_pos) {
		if (snapshot->used)
			result = snapshot_take(snapshot, rc_file_state(m->file)->container);
		snapshot->used = true;
	}
	if (!result)
		result = seq_read_iter(iocb, to);
	mutex_unlock(&snapshot->lock);
	return result;
}

static void tasks_release(struct rc_state *state, struct file *file)
{
	struct seq_file *m = file->private_data;
	struct task_snapshot *snapshot;

	if (!(file->f_mode & FMODE_READ))
		return;
	snapshot = m->private;
	kvfree(snapshot->pids);
	seq_release_private(file_inode(file), file);
}

static int tasks_write(struct rc_state *state, struct file *file, char *buf, size_t len)
{
	char *number;
	pid_t nr;

	if (strlen(buf) != len)
		return -EIO;
	number = strim(buf);
	/* kstrtoint() would take a sign too. */
	if (!isdigit(*number) || kstrtoint(number, 10, &nr))
		return -EIO;
	/*
	 * The writer would be a worker of io_uring, and not the thread that has submitted the
	 * request. The worker does not know that thread.
	 */
	if (!nr && current->flags & COMPAT_PF_WORKER)
		return -EINVAL;
	return container_attach(state->container, nr, file->f_cred);
}

static u64 notify_on_release_read(struct rc_state *state, const struct rc_cftype *type)
{
	return test_bit(CONTAINER_NOTIFY_ON_RELEASE, &state->container->flags);
}

static int notify_on_release_write(struct rc_state *state, const struct rc_cftype *type, u64 value)
{
	return container_set_notify(state->container, value);
}

/* The agent runs as root in the initial namespaces: only who is that anyway may choose it. */
static int release_agent_open(struct rc_state *state, struct file *file)
{
	if (file->f_mode & FMODE_WRITE && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return 0;
}

static int release_agent_show(struct seq_file *m, struct rc_state *state,
			      const struct rc_cftype *type)
{
	spin_lock(&release_agent_lock);
	seq_printf(m, "%s\n", hierarchy_release_agent(state->container->hierarchy));
	spin_unlock(&release_agent_lock);
	return 0;
}

static int release_agent_write(struct rc_state *state, struct file *file, char *buf, size_t len)
{
	char *path;

	if (!file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN) || !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (strlen(buf) != len)
		return -EINVAL;
	buf = strim(buf);
	if (strlen(buf) >= PATH_MAX)
		return -E2BIG;
	path = kstrdup(buf, GFP_KERNEL);
	if (!path)
		return -ENOMEM;
	hierarchy_swap_release_agent(state->container->hierarchy, &path);
	kfree(path);
	return 0;
}

const struct rc_cftype core_files[] = {
	{
		.name = "tasks",
		.open = tasks_open,
		.read_iter = tasks_read_iter,
		.release = tasks_release,
		.write = tasks_write,
	},
	{
		.name = "notify_on_release",
		.read_u64 = notify_on_release_read,
		.write_u64 = notify_on_release_write,
	},
	{
		.name = "release_agent",
		.flags = RC_ONLY_ON_ROOT,
		/* A newline may follow the longest path. */
		.max_write = PATH_MAX,
		.open = release_agent_open,
		.seq_show = release_agent_show,
		.write = release_agent_write,
	},
	{}
};
