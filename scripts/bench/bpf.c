// SPDX-License-Identifier: GPL-2.0
/*
 * Tracks the children of a process, and theirs, with BPF: bpf TGID; says "ready" when it does. A
 * map tells for each task where it is. At a fork the child comes into the map if its parent is
 * there; at an exit it goes.
 */
#include "bench.h"
#include <linux/bpf.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TASKS 65536
#define PLACE 1

#define INSN(op, dst, src, o, value)	((struct bpf_insn){		\
	.code = (op), .dst_reg = (dst), .src_reg = (src), .off = (o), .imm = (value) })
#define MOVE(dst, src)		INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(dst, value)		INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define ADD(dst, value)		INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value)
#define SHIFT_RIGHT(dst, n)	INSN(BPF_ALU64 | BPF_RSH | BPF_K, dst, 0, 0, n)
#define LOAD(dst, src, off)	INSN(BPF_LDX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define STORE(dst, off, src)	INSN(BPF_STX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define UNLESS(dst, value, off)	INSN(BPF_JMP | BPF_JNE | BPF_K, dst, 0, off, value)
/* One instruction that is as long as two. */
#define MAP(dst, fd)		INSN(BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd)
#define MAP_END()		INSN(0, 0, 0, 0, 0)
#define CALL(function)		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define EXIT()			INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int make_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(uint64_t),
		.value_size = sizeof(uint64_t),
		.max_entries = TASKS,
	};
	int fd = bpf(BPF_MAP_CREATE, &attr);

	if (fd < 0)
		die("a BPF map");
	return fd;
}

static void attach(const char *tracepoint, const struct bpf_insn *insns, unsigned int nr)
{
	static char log[1 << 16];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (uintptr_t)insns,
		.insn_cnt = nr,
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		die("%s: %s", tracepoint, log);
	attr = (union bpf_attr){
		.raw_tracepoint = { .name = (uintptr_t)tracepoint, .prog_fd = fd },
	};
	if (bpf(BPF_RAW_TRACEPOINT_OPEN, &attr) < 0)
		die("%s", tracepoint);
}

/*
 * The arguments: the parent, the child. Only the kernel knows the address of the first task: it
 * comes into the map when it forks.
 */
static void on_fork(int map, int tgid)
{
	const struct bpf_insn insns[] = {
		LOAD(BPF_REG_6, BPF_REG_1, 8),
		LOAD(BPF_REG_2, BPF_REG_1, 0),
		STORE(BPF_REG_10, -8, BPF_REG_2),
		SET(BPF_REG_2, PLACE),
		STORE(BPF_REG_10, -16, BPF_REG_2),
		MAP(BPF_REG_1, map), MAP_END(),
		MOVE(BPF_REG_2, BPF_REG_10),
		ADD(BPF_REG_2, -8),
		CALL(BPF_FUNC_map_lookup_elem),
		UNLESS(BPF_REG_0, 0, 12),
		CALL(BPF_FUNC_get_current_pid_tgid),
		SHIFT_RIGHT(BPF_REG_0, 32),
		UNLESS(BPF_REG_0, tgid, 20),
		MAP(BPF_REG_1, map), MAP_END(),
		MOVE(BPF_REG_2, BPF_REG_10),
		ADD(BPF_REG_2, -8),
		MOVE(BPF_REG_3, BPF_REG_10),
		ADD(BPF_REG_3, -16),
		SET(BPF_REG_4, BPF_ANY),
		CALL(BPF_FUNC_map_update_elem),
		INSN(BPF_JMP | BPF_JA, 0, 0, 2, 0),
		LOAD(BPF_REG_1, BPF_REG_0, 0),
		STORE(BPF_REG_10, -16, BPF_REG_1),
		STORE(BPF_REG_10, -8, BPF_REG_6),
		MAP(BPF_REG_1, map), MAP_END(),
		MOVE(BPF_REG_2, BPF_REG_10),
		ADD(BPF_REG_2, -8),
		MOVE(BPF_REG_3, BPF_REG_10),
		ADD(BPF_REG_3, -16),
		SET(BPF_REG_4, BPF_ANY),
		CALL(BPF_FUNC_map_update_elem),
		SET(BPF_REG_0, 0),
		EXIT(),
	};

	attach("sched_process_fork", insns, sizeof(insns) / sizeof(*insns));
}

/* The argument: the task. */
static void on_exit_task(int map)
{
	const struct bpf_insn insns[] = {
		LOAD(BPF_REG_2, BPF_REG_1, 0),
		STORE(BPF_REG_10, -8, BPF_REG_2),
		MAP(BPF_REG_1, map), MAP_END(),
		MOVE(BPF_REG_2, BPF_REG_10),
		ADD(BPF_REG_2, -8),
		CALL(BPF_FUNC_map_delete_elem),
		SET(BPF_REG_0, 0),
		EXIT(),
	};

	attach("sched_process_exit", insns, sizeof(insns) / sizeof(*insns));
}

int main(int argc, char **argv)
{
	int map = make_map();

	if (argc != 2)
		die("bpf TGID");
	on_fork(map, atoi(argv[1]));
	on_exit_task(map);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
