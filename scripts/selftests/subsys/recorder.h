/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the module share: the state of a container, and what is written down. */
#ifndef CONTAINERFS_SELFTESTS_RECORDER_H
#define CONTAINERFS_SELFTESTS_RECORDER_H

#include <linux/wait.h>

#include <containerfs/subsys.h>

#define TEXT_MAX 64

/**
 * struct recorder - the state of a container
 * @rc: what the core knows of it
 * @which: of which of the subsystems it is
 * @number: the how manieth of that; 0 is the root's
 * @value: what has been written to `value`
 * @text: what has been written to `text` or `raw`
 * @wait: for a writer of `raw`
 */
struct recorder {
	struct rc_state rc;
	int which;
	int number;
	u64 value;
	char text[TEXT_MAX];
	wait_queue_head_t wait;
};

static inline struct recorder *recorder_of(struct rc_state *state)
{
	return container_of(state, struct recorder, rc);
}

/* How many files `raw` are open; see there. */
extern int open_files;

extern const struct rc_cftype recorder_files[];
extern const struct rc_cftype recorder_added_files[];

/* Holds no fork any more, and unregisters the probe. */
void hold_end(void);

#endif
