// SPDX-License-Identifier: GPL-2.0
// What the selftests share: the tree at /dev/container, its containers and who is in them.
#include "common.h"

int remount_tree(void)
{
	mkdir(TREE, 0755);
	return result(mount("container", TREE, "container", 0, NULL));
}

int mount_tree(void)
{
	int error = remount_tree();

	umask(022);
	/* Nothing that an earlier test left behind shall count for this one. */
	if (!error || error == -EBUSY)
		error = clear_tree();
	return error ?: remount_tree();
}

static int evict(const char *root, const char *directory)
{
	struct ids ids;
	size_t i;
	int error;

	error = ids_read(&ids, text("%s/tasks", directory));
	for (i = 0; i < ids.count; i++)
		enter(root, ids.id[i]);
	ids_free(&ids);
	return error;
}

/* Tasks may be forking while they are moved out: so again until nothing is left. */
static bool evict_and_drop(const char *root, const char *directory)
{
	return rmdir(directory) == 0 || (evict(root, directory), rmdir(directory) == 0);
}

static int drop_below(const char *root, const char *directory)
{
	DIR *containers = opendir(directory);
	struct dirent *entry;
	char *path;
	int error = 0;

	if (!containers)
		return -errno;
	while (!error && (entry = readdir(containers))) {
		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		if (asprintf(&path, "%s/%s", directory, entry->d_name) < 0)
			abort();
		error = drop_below(root, path);
		if (!error && !wait_until(evict_and_drop(root, path)))
			error = -EBUSY;
		free(path);
	}
	closedir(containers);
	return error;
}

int clear_mounted(const char *root)
{
	int error = drop_below(root, root);

	/* Files that a failed test still has open go with its processes. */
	if (umount2(root, MNT_DETACH) && !error)
		error = -errno;
	return error;
}

int clear_tree(void)
{
	return clear_mounted(TREE);
}

int make(const char *container)
{
	return result(mkdir(text(TREE "%s", container), 0755));
}

int drop(const char *container)
{
	return result(rmdir(text(TREE "%s", container)));
}

int make_removed(const char *container, const char *file, int flags)
{
	int fd, error;

	error = make(container);
	if (error)
		return error;
	fd = open(text(TREE "%s/%s", container, file), flags | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return drop(container) ?: fd;
}

int make_deep(int depth)
{
	char name[NAME_MAX + 1] = "";

	memset(name, 'd', NAME_MAX);
	if (chdir(TREE))
		return -errno;
	while (depth--)
		if (mkdir(name, 0755) || chdir(name))
			return -errno;
	return 0;
}

int drop_deep(int depth)
{
	char name[NAME_MAX + 1] = "";

	memset(name, 'd', NAME_MAX);
	while (depth--)
		if (chdir("..") || rmdir(name))
			return -errno;
	return result(chdir("/"));
}

int enter(const char *directory, pid_t tid)
{
	return write_file(text("%s/tasks", directory), "%d", tid);
}

bool has_task(const char *directory, pid_t tid)
{
	struct ids ids;
	bool found;

	found = ids_read(&ids, text("%s/tasks", directory)) == 0 && ids_have(&ids, tid);
	ids_free(&ids);
	return found;
}

int count_tasks(const char *directory)
{
	struct ids ids;
	int count;

	count = ids_read(&ids, text("%s/tasks", directory)) ?: (int)ids.count;
	ids_free(&ids);
	return count;
}

int attach(const char *container, pid_t tid)
{
	return enter(text(TREE "%s", container), tid);
}

bool listed(const char *container, pid_t tid)
{
	return has_task(text(TREE "%s", container), tid);
}

int population(const char *container)
{
	return count_tasks(text(TREE "%s", container));
}

const char *where_is(pid_t tid)
{
	return content(text("/proc/%d/container", tid));
}

const char *where_am_i(void)
{
	return content("/proc/thread-self/container");
}

/* A line of /proc/containers ends in the two counts. */
static int count_from_end(unsigned int place)
{
	char buffer[PATH_MAX], *word, *rest;
	int counts[2] = { -1, -1 };

	if (read_file("/proc/containers", buffer, sizeof(buffer)) < 0)
		return -1;
	word = strstr(buffer, "\n0");
	if (!word)
		return -1;
	*strchrnul(word + 1, '\n') = '\0';
	for (word = strtok_r(word, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		counts[1] = counts[0];
		counts[0] = atoi(word);
	}
	return counts[place];
}

int count_containers(void)
{
	return count_from_end(1);
}

int count_tracked(void)
{
	return count_from_end(0);
}
