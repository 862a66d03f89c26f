// SPDX-License-Identifier: GPL-2.0
/* The files of the recording subsystems: one of every kind that there can be. */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "recorder.h"

/* This number and this text are refused by those who take any other. */
#define FORBIDDEN 13
#define FORBIDDEN_TEXT "thirteen"

int open_files;
static DEFINE_SPINLOCK(open_lock);

static u64 value_read(struct rc_state *state, const struct rc_cftype *type)
{
	return recorder_of(state)->value;
}

static int value_write(struct rc_state *state, const struct rc_cftype *type, u64 value)
{
	if (value == FORBIDDEN)
		return -EDOM;
	recorder_of(state)->value = value;
	return 0;
}

static int text_show(struct seq_file *m, struct rc_state *state, const struct rc_cftype *type)
{
	seq_printf(m, "[%s] %lu\n", recorder_of(state)->text, type->private);
	return 0;
}

static int text_write(struct rc_state *state, struct file *file, char *buf, size_t len)
{
	if (!strcmp(buf, FORBIDDEN_TEXT))
		return -EDOM;
	/* It is ours to change. */
	buf = strim(buf);
	strscpy(recorder_of(state)->text, buf, TEXT_MAX);
	return 0;
}

static int broken_show(struct seq_file *m, struct rc_state *state, const struct rc_cftype *type)
{
	seq_puts(m, "never to be seen\n");
	return -EDOM;
}

static int long_show(struct seq_file *m, struct rc_state *state, const struct rc_cftype *type)
{
	int i;

	for (i = 0; i < 20000; i++)
		seq_printf(m, "%d\n", i);
	return 0;
}

static void show_task(struct task_struct *task, void *arg)
{
	seq_printf(arg, "%d\n", task_pid_nr(task));
}

/* The tasks of the container; with a private number, also of those below. */
static int tasks_show(struct seq_file *m, struct rc_state *state, const struct rc_cftype *type)
{
	return rc_visit_tasks(state, type->private, show_task, m);
}

static int refusing_open(struct rc_state *state, struct file *file)
{
	return -EDOM;
}

static void count_open(int change)
{
	spin_lock(&open_lock);
	open_files += change;
	spin_unlock(&open_lock);
}

/* Nothing of this must be called for a file that has not been opened. */
static void refusing_release(struct rc_state *state, struct file *file)
{
	count_open(-1000);
}

/* What is left in the file is a prefix of all that is read from it. */
static int raw_open(struct rc_state *state, struct file *file)
{
	file->private_data = kasprintf(GFP_KERNEL, "%d:", recorder_of(state)->number);
	if (!file->private_data)
		return -ENOMEM;
	count_open(1);
	return 0;
}

static void raw_release(struct rc_state *state, struct file *file)
{
	/* The state is still there. */
	recorder_of(state)->value++;
	kfree(file->private_data);
	count_open(-1);
}

static ssize_t raw_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct recorder *r = recorder_of(rc_file_state(file));
	char *all = kasprintf(GFP_KERNEL, "%s%s", (char *)file->private_data, r->text);
	size_t len, count = 0;

	if (!all)
		return -ENOMEM;
	len = strlen(all);
	if (iocb->ki_pos < len)
		count = copy_to_iter(all + iocb->ki_pos, len - iocb->ki_pos, to);
	if (iocb->ki_pos < len && !count && iov_iter_count(to))
		count = -EFAULT;
	else
		iocb->ki_pos += count;
	kfree(all);
	return count;
}

/* It takes no more than there is room for, and says so. */
static ssize_t raw_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct recorder *r = recorder_of(rc_file_state(iocb->ki_filp));
	size_t len = min_t(size_t, iov_iter_count(from), TEXT_MAX - 1);

	if (!copy_from_iter_full(r->text, len, from))
		return -EFAULT;
	r->text[len] = '\0';
	wake_up_interruptible(&r->wait);
	return len;
}

/* There is something to read when something has been written. */
static __poll_t raw_poll(struct file *file, struct poll_table_struct *wait)
{
	struct recorder *r = recorder_of(rc_file_state(file));

	poll_wait(file, &r->wait, wait);
	return EPOLLOUT | (*r->text ? EPOLLIN : 0);
}

/* As with a seq_file of the core's, and opened all the same. */
static int counted_open(struct rc_state *state, struct file *file)
{
	count_open(1);
	return 0;
}

static void counted_release(struct rc_state *state, struct file *file)
{
	count_open(-1);
}

const struct rc_cftype recorder_files[] = {
	{ .name = "value", .read_u64 = value_read, .write_u64 = value_write },
	{ .name = "text", .seq_show = text_show, .write = text_write, .private = 42 },
	{ .name = "short", .seq_show = text_show, .write = text_write, .max_write = 8 },
	{ .name = "raw", .open = raw_open, .release = raw_release, .read_iter = raw_read,
	  .write_iter = raw_write, .poll = raw_poll },
	{ .name = "counted", .open = counted_open, .release = counted_release,
	  .seq_show = text_show },
	{ .name = "refusing", .open = refusing_open, .release = refusing_release,
	  .seq_show = text_show },
	{ .name = "broken", .seq_show = broken_show },
	{ .name = "long", .seq_show = long_show },
	{ .name = "tasks", .seq_show = tasks_show },
	{ .name = "all_tasks", .seq_show = tasks_show, .private = 1 },
	{ .name = "nothing" },
	{ .name = "write_only", .write_u64 = value_write },
	{ .name = "read_only", .read_u64 = value_read },
	{ .name = "root", .flags = RC_ONLY_ON_ROOT, .read_u64 = value_read },
	{ .name = "not_root", .flags = RC_NOT_ON_ROOT, .read_u64 = value_read },
	/* Of several ways, the first of those that subsys.h names is used. */
	{ .name = "ways", .read_u64 = value_read, .seq_show = text_show,
	  .write_u64 = value_write, .write = text_write },
	{}
};

const struct rc_cftype recorder_added_files[] = {
	{ .name = "added", .read_u64 = value_read, .write_u64 = value_write },
	{ .name = "added_to_root", .flags = RC_ONLY_ON_ROOT, .read_u64 = value_read },
	{}
};
