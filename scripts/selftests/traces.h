/* SPDX-License-Identifier: GPL-2.0 */
/* What can be seen of the module from outside, while it is loaded and afterwards. */
#ifndef CONTAINERFS_SELFTESTS_TRACES_H
#define CONTAINERFS_SELFTESTS_TRACES_H

#include "common.h"

/* Whether all functions are hooked that make and end tasks, or none; in between, neither holds. */
bool fork_is_hooked(void);
bool fork_is_untouched(void);

/* All that is hooked, as the kernel describes it; lives as text() does. */
const char *hooks(void);

/* Where the kernel shows something of the module; NULL if nowhere */
const char *trace_of_module(void);

#endif
