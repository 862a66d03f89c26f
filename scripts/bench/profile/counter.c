// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU: counts which instructions of the kernel the samples of "forks" execute.
 *
 * A sample is what is between two reads of the time stamp counter by a program that is linked where
 * ours are. So many samples are a phase, see "profile"; for each there is a file of addresses with
 * numbers.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

#define EXPORT __attribute((__visibility__("default")))
#define PROGRAMS_END 0x1000000

EXPORT int qemu_plugin_version = 2;

struct block {
	struct block *older;
	unsigned long long address;
	size_t length;
	unsigned long long *executed;
};

static struct block *blocks;
static unsigned long per_phase, phases, samples;
static const char *out;
static bool sampling;

static void on_clock(unsigned int cpu, void *data)
{
	sampling = !sampling;
	if (!sampling)
		samples++;
}

static void on_block(unsigned int cpu, void *data)
{
	struct block *block = data;
	unsigned long phase = samples / per_phase;

	if (sampling && phase < phases)
		block->executed[phase]++;
}

static void on_translate(unsigned long long id, struct qemu_plugin_tb *tb)
{
	size_t i, length = qemu_plugin_tb_n_insns(tb);
	struct block *block = calloc(1, sizeof(*block));
	unsigned char bytes[2];

	if (!block)
		abort();
	block->executed = calloc(phases, sizeof(*block->executed));
	block->address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
	block->length = length;
	block->older = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, 0, block);
	for (i = 0; i < length; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (qemu_plugin_insn_vaddr(insn) < PROGRAMS_END &&
		    qemu_plugin_insn_data(insn, bytes, 2) == 2 && !memcmp(bytes, "\x0f\x31", 2))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_clock, 0, NULL);
	}
}

/* Lines: phase, address, instructions. */
static void on_end(unsigned long long id, void *data)
{
	const struct block *block;
	unsigned long phase;
	FILE *file = fopen(out, "w");

	if (!file)
		abort();
	for (block = blocks; block; block = block->older)
		for (phase = 0; phase < phases; phase++)
			if (block->executed[phase])
				fprintf(file, "%lu %016llx %llu\n", phase,
					block->address, block->executed[phase] * block->length);
	fclose(file);
}

EXPORT int qemu_plugin_install(unsigned long long id, const void *info, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "samples=", 8))
			per_phase = strtoul(argv[i] + 8, NULL, 10);
		else if (!strncmp(argv[i], "phases=", 7))
			phases = strtoul(argv[i] + 7, NULL, 10);
		else if (!strncmp(argv[i], "out=", 4))
			out = argv[i] + 4;
	}
	if (!per_phase || !phases || !out)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, on_end, NULL);
	return 0;
}
