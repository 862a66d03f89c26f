/* SPDX-License-Identifier: GPL-2.0 */
/* The module of subsys/: two subsystems that write down what they are told. */
#ifndef CONTAINERFS_SELFTESTS_USE_RECORDER_H
#define CONTAINERFS_SELFTESTS_USE_RECORDER_H

#include "rcfs.h"

#define RECORDER "rc_recorder"
#define RECORDER_PARAMETER(name) "/sys/module/" RECORDER "/parameters/" name

/* No tree, and the module loaded anew, so that its subsystems count from 0 */
int recorder_begin(void);
int recorder_end(void);

/* Errors for both subsystems, as "0,12": create, populate, can_attach and can_fork; 0 is none */
int recorder_fail(const char *callback, const char *errors);

/* Let each exit take some time while the task is in its container. */
int recorder_delay_exit(unsigned int milliseconds);

/*
 * Hold the fork that a thread begins next, after it was allowed and before the child exists;
 * 0 lets it go on. fork_is_held() waits until it is there.
 */
int hold_fork(pid_t tid);
bool fork_is_held(pid_t tid);

/* What they have been told since this was asked last, a line each; lives as text() does. */
const char *calls(void);

/* A parameter of the module: for both subsystems, as "1,1"; lives as text() does. */
const char *recorder_has(const char *parameter);

#endif
