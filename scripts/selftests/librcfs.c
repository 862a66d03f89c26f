// SPDX-License-Identifier: GPL-2.0
// What the selftests share: mounting and clearing trees of type rcfs, and reading of them in /proc.
#include "rcfs.h"

#define CONTAINERS "/proc/containers"
#define SUBSYSTEMS "/proc/rc_subsys"

int make_at(const char *directory)
{
	return result(mkdir(directory, 0755));
}

int mount_at_once(const char *type, const char *directory, const char *options)
{
	mkdir(directory, 0755);
	return result(mount("none", directory, type, 0, options));
}

/* An option alone is a flag; one with a value is a string. */
static int configure(int context, char *option)
{
	char *value = strchr(option, '=');

	if (!value)
		return result(fsconfig(context, FSCONFIG_SET_FLAG, option, NULL, 0));
	*value++ = '\0';
	return result(fsconfig(context, FSCONFIG_SET_STRING, option, value, 0));
}

static int mount_context(int context, const char *directory)
{
	int mounted, error = result(fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0));

	if (error)
		return error;
	mounted = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (mounted < 0)
		return -errno;
	error = result(move_mount(mounted, "", AT_FDCWD, directory, MOVE_MOUNT_F_EMPTY_PATH));
	close(mounted);
	return error;
}

int mount_in_steps(const char *type, const char *directory, const char *options)
{
	char *copy = strdup(options ?: ""), *rest = copy, *option;
	int context = fsopen(type, FSOPEN_CLOEXEC);
	int error = context < 0 ? -errno : 0;

	mkdir(directory, 0755);
	if (!*copy)
		rest = NULL;
	while (!error && (option = strsep(&rest, ",")))
		error = configure(context, option);
	if (!error)
		error = mount_context(context, directory);
	close(context);
	free(copy);
	return error;
}

int mount_rcfs(const char *directory, const char *options)
{
	return mount_at_once("rcfs", directory, options);
}

void end_children(void)
{
	/* Tests have a process group of their own. */
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		;
	signal(SIGTERM, SIG_DFL);
}

/* Clears one tree that is mounted; false if there is none. */
static bool clear_one_mounted(int *error)
{
	FILE *mounts = fopen("/proc/mounts", "re");
	char line[8192], directory[PATH_MAX], type[16];
	bool found = false;

	while (!found && mounts && fgets(line, sizeof(line), mounts))
		found = sscanf(line, "%*s %4095s %15s", directory, type) == 2 &&
			(!strcmp(type, "rcfs") || !strcmp(type, "container"));
	if (mounts)
		fclose(mounts);
	if (found)
		*error = clear_mounted(directory);
	return found && !*error;
}

/* What some tree other than the default one is called; false if there is none. */
static bool find_tree(char *tree)
{
	FILE *containers = fopen(CONTAINERS, "re");
	char line[PATH_MAX];
	bool found = false;
	int id;

	while (!found && containers && fgets(line, sizeof(line), containers))
		found = sscanf(line, "%d\t%4000[^\t]", &id, tree) == 2 && id > 0;
	if (containers)
		fclose(containers);
	return found;
}

/* Clears one tree that is not mounted but has containers; false if there is none. */
static bool clear_one_hidden(int *error)
{
	char tree[PATH_MAX];

	if (!find_tree(tree))
		return false;
	*error = mount_rcfs("/tmp/hidden", text("%s%s", strncmp(tree, "name=", 5) ? "" : "none,",
						tree));
	if (!*error)
		*error = clear_mounted("/tmp/hidden");
	return !*error;
}

int clear_trees(void)
{
	int error = 0;

	umask(022);
	if (chdir("/"))
		return -errno;
	end_children();
	/* What a failed test has left open would keep its tree. */
	syscall(SYS_close_range, 3, ~0U, 0);
	while (clear_one_mounted(&error))
		;
	while (!error && clear_one_hidden(&error))
		;
	return error ?: mount_tree() ?: clear_tree();
}

static const char * const subsystems[] = { "rc_debug", "rc_cpuacct", "rc_numtasks" };
#define NR_SUBSYSTEMS (sizeof(subsystems) / sizeof(*subsystems))

int load_subsystems(void)
{
	size_t i;
	int error = 0;

	for (i = 0; i < NR_SUBSYSTEMS && !error; i++)
		if (!loaded(subsystems[i]))
			error = load(subsystems[i], "");
	return error;
}

int unload_subsystems(void)
{
	size_t i;
	int error = 0;

	for (i = 0; i < NR_SUBSYSTEMS; i++)
		error = unload_patiently(subsystems[i]) ?: error;
	return error;
}

/* A word of the line that has a certain first or second word; lives as text() does. */
static const char *word_of_line(const char *path, unsigned int key_place, const char *key,
				unsigned int place)
{
	FILE *file = fopen(path, "re");
	const char *found = NULL;
	char line[PATH_MAX], *words[5], *rest;
	unsigned int count;

	while (!found && file && fgets(line, sizeof(line), file)) {
		count = 0;
		rest = line;
		while (count < 5 && (words[count] = strsep(&rest, "\t\n")))
			count++;
		if (*line != '#' && key_place < count && place < count &&
		    !strcmp(words[key_place], key))
			found = text("%s", words[place]);
	}
	if (file)
		fclose(file);
	return found;
}

static int tree_word(const char *tree, unsigned int place)
{
	const char *word = word_of_line(CONTAINERS, 1, *tree ? tree : "-", place);

	return word ? atoi(word) : -1;
}

int tree_id(const char *tree)
{
	return tree_word(tree, 0);
}

int tree_containers(const char *tree)
{
	return tree_word(tree, 2);
}

int tree_tasks(const char *tree)
{
	return tree_word(tree, 3);
}

int count_trees(void)
{
	FILE *containers = fopen(CONTAINERS, "re");
	char line[PATH_MAX];
	int count = -1;

	while (containers && fgets(line, sizeof(line), containers))
		count += *line != '#';
	if (containers)
		fclose(containers);
	return count;
}

static int subsys_word(const char *subsystem, unsigned int place)
{
	const char *word = word_of_line(SUBSYSTEMS, 0, subsystem, place);

	return word ? atoi(word) : -1;
}

int subsys_tree_id(const char *subsystem)
{
	return subsys_word(subsystem, 1);
}

int subsys_containers(const char *subsystem)
{
	return subsys_word(subsystem, 2);
}

const char *path_in(const char *tree, pid_t tid)
{
	FILE *file = fopen(text("/proc/%d/containers", tid), "re");
	const char *found = "no such tree";
	char line[2 * PATH_MAX], *name, *path;

	if (!file)
		return text("error %d", errno);
	while (fgets(line, sizeof(line), file)) {
		*strchrnul(line, '\n') = '\0';
		name = strchr(line, ':');
		path = name ? strchr(name + 1, ':') : NULL;
		if (!path)
			continue;
		*path++ = '\0';
		if (!strcmp(name + 1, tree))
			found = text("%s", path);
	}
	fclose(file);
	return found;
}

pid_t sleeper_in(const char *first, const char *second)
{
	pid_t pid = child();
	int error;

	if (pid == 0)
		for (;;)
			pause();
	error = (first ? enter(first, pid) : 0) ?: (second ? enter(second, pid) : 0);
	if (error) {
		end(pid);
		return error;
	}
	return pid;
}

long long number(const char *path)
{
	const char *digits = content(path);
	long long value;
	char *after;

	if (!strncmp(digits, "error ", 6))
		return -atoi(digits + 6);
	value = strtoll(digits, &after, 10);
	return *digits && !*after ? value : -EBADMSG;
}
