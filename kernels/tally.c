/* tally.c - lists of memory, work and messages. */
#include "cuda_sizes.h"
#include "tally.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Where the addresses begin: no program's memory is there. */
#define FIRST_ADDRESS ((size_t)1 << 52)

enum { ADDRESS_STEP = 256 /* alignment of real device memory */ };

struct tally_piece {
	size_t address, bytes;
	const char *purpose;
};

/* From memory of the makers' data sheets; rates without sparsity; a link of 0: no direct one. */
static const struct card cards[] = {
	{ "h100", "NVIDIA H100 SXM 80 GB", 80e9, 3.35e12, { 67e12, 494e12, 989e12 }, 450e9 },
	{ "h100-pcie", "NVIDIA H100 PCIe 80 GB", 80e9, 2.0e12, { 51e12, 378e12, 756e12 }, 64e9 },
	{ "h200", "NVIDIA H200 141 GB", 141e9, 4.8e12, { 67e12, 494e12, 989e12 }, 450e9 },
	{ "a100", "NVIDIA A100 SXM 80 GB", 80e9, 2.039e12, { 19.5e12, 156e12, 312e12 }, 300e9 },
	{ "a100-40", "NVIDIA A100 SXM 40 GB", 40e9, 1.555e12, { 19.5e12, 156e12, 312e12 }, 300e9 },
	{ "v100", "NVIDIA V100 SXM2 32 GB", 32e9, 0.9e12, { 15.7e12, 0, 0 }, 150e9 },
	{ "l40s", "NVIDIA L40S 48 GB", 48e9, 0.864e12, { 91.6e12, 183e12, 362e12 }, 32e9 },
	{ "a10", "NVIDIA A10 24 GB", 24e9, 0.6e12, { 31.2e12, 62.5e12, 125e12 }, 32e9 },
};

enum { CARDS = sizeof cards / sizeof *cards };

const struct card *card_find(const char *name, char err[ERR_MAX])
{
	char known[ERR_MAX / 2] = "";
	size_t used = 0;

	for (size_t i = 0; i < CARDS; i++) {
		if (strcmp(cards[i].name, name) == 0)
			return &cards[i];
		used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
			i > 0 ? ", " : "", cards[i].name);
	}
	fail(err, "--gpu: '%s' is not a card that is known here: %s", name, known);
	return NULL;
}

struct tally *tally_open(
	const struct card *card, enum precision precision, size_t workspace, char err[ERR_MAX])
{
	struct tally *t;

	if (card->rate[precision] == 0) {
		fail(err, "the %s has no arithmetic of this precision: use precision=float32",
			card->title);
		return NULL;
	}
	t = xcalloc(1, sizeof *t);
	t->device = (struct device){ .be = &backend_tally,
		.precision = precision,
		.element = precision == PRECISION_BF16 ? 2 : sizeof(float),
		.recompute = RECOMPUTE_NONE };
	t->card = card;
	t->next = FIRST_ADDRESS;
	t->workspace = workspace;
	tally_scratch(t, 0);
	tally_alloc(&t->device, CUDA_BLAS_WORKSPACE, "workspace of cuBLAS");
	return t;
}

void tally_close(struct tally *t)
{
	if (!t)
		return;
	xfree(t->memory);
	xfree(t->work);
	xfree(t->messages);
	xfree(t->pieces);
	xfree(t);
}

void tally_restart(struct tally *t)
{
	t->work_count = t->message_count = 0;
	memset(t->kinds, 0, sizeof t->kinds);
}

/* ---- memory ---- */

static struct tally_memory *purpose_of(struct tally *t, const char *purpose)
{
	for (int i = 0; i < t->memory_count; i++)
		if (strcmp(t->memory[i].purpose, purpose) == 0)
			return &t->memory[i];
	t->memory = xrealloc(t->memory, (size_t)(t->memory_count + 1) * sizeof *t->memory);
	t->memory[t->memory_count] = (struct tally_memory){ .purpose = purpose };
	return &t->memory[t->memory_count++];
}

void *tally_alloc(struct device *dev, size_t bytes, const char *purpose)
{
	struct tally *t = tally_of(dev);
	struct tally_memory *m = purpose_of(t, purpose);
	struct tally_piece piece = { t->next, bytes, purpose };

	t->pieces = xrealloc(t->pieces, (size_t)(t->piece_count + 1) * sizeof *t->pieces);
	t->pieces[t->piece_count++] = piece;
	t->next += (bytes / ADDRESS_STEP + 1) * ADDRESS_STEP;
	m->bytes += bytes;
	m->peak = m->bytes > m->peak ? m->bytes : m->peak;
	dev->counts.allocations++;
	return (void *)piece.address;
}

void tally_free(struct device *dev, void *p)
{
	struct tally *t = tally_of(dev);

	for (int i = t->piece_count - 1; i >= 0; i--)
		if (t->pieces[i].address == (size_t)p) {
			purpose_of(t, t->pieces[i].purpose)->bytes -= t->pieces[i].bytes;
			t->pieces[i] = t->pieces[--t->piece_count];
			return;
		}
	CHECK(!p, "memory that the tally did not give");
}

void tally_scratch(struct tally *t, size_t bytes)
{
	size_t room = cuda_scratch_room(bytes, t->workspace);

	if (room > t->scratch)
		t->scratch = room;
}

size_t tally_bytes(const struct tally *t)
{
	size_t sum = t->scratch;

	for (int i = 0; i < t->memory_count; i++)
		sum += t->memory[i].peak;
	return sum;
}

/* ---- work and messages ---- */

static struct tally_work *work_of(struct tally *t, const char *layer)
{
	for (int i = 0; i < t->work_count; i++)
		if (strcmp(t->work[i].layer, layer) == 0)
			return &t->work[i];
	t->work = xrealloc(t->work, (size_t)(t->work_count + 1) * sizeof *t->work);
	t->work[t->work_count] = (struct tally_work){ .calls = 0 };
	params_name(t->work[t->work_count].layer, "%s", layer);
	return &t->work[t->work_count++];
}

static void add_work(const struct tally *t, struct tally_work *w, double operations, double bytes)
{
	double compute = operations / t->card->rate[t->device.precision],
	       move = bytes / t->card->bandwidth;

	w->operations += operations;
	w->bytes += bytes;
	w->floor_s += compute > move ? compute : move;
	w->calls++;
}

void tally_add(struct tally *t, enum kind kind, const char *layer, double operations, double bytes)
{
	layer = layer ? layer : t->device.layer ? t->device.layer : "other";
	add_work(t, work_of(t, layer), operations, bytes);
	add_work(t, &t->kinds[kind], operations, bytes);
}

void tally_send(struct tally *t, const char *what, double bytes)
{
	struct tally_message *m = NULL;

	for (int i = 0; i < t->message_count; i++)
		if (strcmp(t->messages[i].what, what) == 0)
			m = &t->messages[i];
	if (!m) {
		t->messages =
			xrealloc(t->messages, (size_t)(t->message_count + 1) * sizeof *t->messages);
		m = &t->messages[t->message_count++];
		*m = (struct tally_message){ .what = what };
	}
	m->bytes += bytes;
	m->largest = bytes > m->largest ? bytes : m->largest;
	m->calls++;
}
