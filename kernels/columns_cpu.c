/* columns_cpu.c - sums over columns.
 * The work is cut into (group, chunk of rows, block of channels); each piece is summed on a
 * thread's stack and put into its own place, and the pieces of a column are added in order at the
 * end. */
#include "columns_cpu.h"

#include <stdalign.h>
#include <string.h>

enum {
	CHUNKS_MAX = 64,
	SPAN = 256 /* doubles that a thread adds up at a time */
};

struct cut {
	size_t chunks, blocks, slab; /* slab: doubles of one chunk, (groups, sums, channels) */
};

/* A power of two of chunks, so that threads have as many. */
static struct cut cut_work(const struct columns *in)
{
	struct cut cut = { .chunks = 1 };

	while (2 * cut.chunks <= CHUNKS_MAX && in->rows >= 2 * cut.chunks * COLUMNS_CHUNK)
		cut.chunks *= 2;
	cut.blocks = ((size_t)in->channels + COLUMNS_BLOCK - 1) / COLUMNS_BLOCK;
	cut.slab = (size_t)in->groups * (size_t)in->sums * (size_t)in->channels;
	return cut;
}

/* So many of the rows left are made at a time: parts of a size, but multiples of four, so that the
 * order of sums is that of rows that were there. */
static size_t made_at_once(size_t most, size_t left)
{
	size_t parts = (left + most - 1) / most, some = ((left + parts - 1) / parts + 3) / 4 * 4;

	return some < left ? some : left;
}

static void sum_piece(double *slabs, const struct columns *in, const struct cut *cut, size_t piece)
{
	/* aligned: vectors that cross lines of the cache would be stored at half the rate */
	alignas(64) double acc[2][COLUMNS_BLOCK];
	size_t block = piece % cut->blocks, chunk = piece / cut->blocks % cut->chunks;
	size_t group = piece / cut->blocks / cut->chunks;
	size_t row = in->rows * chunk / cut->chunks, end = in->rows * (chunk + 1) / cut->chunks;
	size_t channel = block * COLUMNS_BLOCK, channels = (size_t)in->channels;
	size_t count = channels - channel < COLUMNS_BLOCK ? channels - channel : COLUMNS_BLOCK;
	double *to = slabs + chunk * cut->slab + group * (size_t)in->sums * channels + channel;

	for (int s = 0; s < in->sums; s++)
		memset(acc[s], 0, count * sizeof(double));
	for (size_t some; row < end; row += some) {
		some = in->make ? made_at_once(in->made, end - row) : end - row;
		if (in->make)
			in->make(in->maker, group * in->rows + row, group * in->rows + row + some);
		in->add(acc[0], acc[1], in, (int)group, row, some, (int)channel, (int)count);
	}
	for (int s = 0; s < in->sums; s++)
		memcpy(to + (size_t)s * channels, acc[s], count * sizeof(double));
}

/* All chunks' doubles of a span, into the first chunk's. */
static void add_slabs(double *slabs, const struct cut *cut, size_t count)
{
	for (size_t chunk = 1; chunk < cut->chunks; chunk++)
		for (size_t i = 0; i < count; i++)
			slabs[i] += slabs[chunk * cut->slab + i];
}

size_t columns_room(const struct columns *in)
{
	const struct cut cut = cut_work(in);

	return cut.chunks * cut.slab;
}

void columns_sum_in(double *room, struct cpu *cpu, const struct columns *in)
{
	const struct cut cut = cut_work(in);
	size_t pieces = cut.blocks * cut.chunks * (size_t)in->groups;
	int large = in->rows * cut.slab > 32768;

	CHECK(!in->make || cut.blocks <= 1, "rows of %d channels are not made", in->channels);
	cpu_turn(cpu);
#pragma omp parallel num_threads(cpu->threads) if (large)
	{
		for (size_t i; (i = cpu_next(cpu, pieces)) < pieces;)
			sum_piece(room, in, &cut, i);
#pragma omp barrier
#pragma omp for schedule(static)
		for (size_t i = 0; i < cut.slab; i += SPAN)
			add_slabs(room + i, &cut, cut.slab - i < SPAN ? cut.slab - i : SPAN);
	}
}

const double *columns_sum(struct cpu *cpu, const struct columns *in)
{
	double *room = cpu_scratch(cpu, columns_room(in) * sizeof(double));

	columns_sum_in(room, cpu, in);
	return room;
}
