/* knn.c - exact nearest neighbours by cosine, over all ranks.
 * Each rank keeps every size-th block of rows on its device, finds its own k nearest of a query,
 * and the lists are merged.  Nearness is a total order (similarity, then row), so merging in any
 * order gives the same list. */
#include "eval/knn.h"

#include <math.h>
#include <string.h>

#include "base/die.h"
#include "base/memory.h"

struct block {
	int64_t first; /* row number of its first row */
	int rows;
	float *features; /* dev (rows, width), of unit length */
	int32_t *labels; /* (rows) */
};

struct knn {
	struct device *dev;
	struct comm *comm;
	int width, k, block_rows;
	struct block *blocks; /* this rank's */
	int block_count;
	int64_t added_blocks, added_rows;   /* on all ranks */
	float *unit;                        /* (block_rows, width) */
	float *query;                       /* dev (block_rows, width) */
	float *dev_similarity, *similarity; /* (block_rows, block_rows) */
	struct neighbour *all;              /* (size, block_rows, k) */
};

/* Neighbours travel between ranks as pairs of 64-bit words. */
_Static_assert(sizeof(struct neighbour) == 2 * sizeof(int64_t), "a neighbour is two words");

struct knn *knn_open(struct device *dev, struct comm *comm, const struct knn_options *o)
{
	struct knn *knn = xcalloc(1, sizeof *knn);
	size_t rows = (size_t)o->block, floats = rows * (size_t)o->width;

	CHECK(o->width > 0 && o->k > 0 && o->block > 0, "%d features, %d neighbours, blocks of %d",
		o->width, o->k, o->block);
	knn->dev = dev, knn->comm = comm;
	knn->width = o->width, knn->k = o->k, knn->block_rows = o->block;
	knn->unit = xmalloc(floats * sizeof *knn->unit);
	knn->query = dev->be->alloc(dev, floats * sizeof(float), "neighbours");
	knn->dev_similarity = dev->be->alloc(dev, rows * rows * sizeof(float), "neighbours");
	knn->similarity = xmalloc(rows * rows * sizeof(float));
	knn->all = xcalloc((size_t)comm->size * rows * (size_t)o->k, sizeof *knn->all);
	return knn;
}

void knn_close(struct knn *knn)
{
	if (!knn)
		return;
	for (int b = 0; b < knn->block_count; b++) {
		knn->dev->be->free(knn->dev, knn->blocks[b].features);
		xfree(knn->blocks[b].labels);
	}
	knn->dev->be->free(knn->dev, knn->query);
	knn->dev->be->free(knn->dev, knn->dev_similarity);
	xfree(knn->blocks);
	xfree(knn->unit);
	xfree(knn->similarity);
	xfree(knn->all);
	xfree(knn);
}

/* Rows of unit length; a row of zeros stays, and is at cosine 0 from all. */
static void normalise(struct knn *knn, const float *x, int n)
{
	size_t width = (size_t)knn->width;

	for (size_t i = 0; i < (size_t)n; i++) {
		double square = 0;

		for (size_t j = 0; j < width; j++)
			square += (double)x[i * width + j] * (double)x[i * width + j];
		for (size_t j = 0; j < width; j++)
			knn->unit[i * width + j] =
				square > 0 ? (float)((double)x[i * width + j] / sqrt(square)) : 0;
	}
}

/* Normalised rows of x to the device. */
static void upload_rows(struct knn *knn, float *to, const float *x, int n)
{
	normalise(knn, x, n);
	knn->dev->be->upload(knn->dev, to, knn->unit, (size_t)n * (size_t)knn->width * sizeof *x);
}

void knn_add(struct knn *knn, const float *features, const int32_t *labels, int n)
{
	int64_t number = knn->added_blocks++, first = knn->added_rows;
	struct block *b;

	CHECK(n > 0 && n <= knn->block_rows, "%d rows for blocks of %d", n, knn->block_rows);
	knn->added_rows += n;
	if (number % knn->comm->size != knn->comm->rank)
		return;
	knn->blocks = xrealloc(knn->blocks, (size_t)(knn->block_count + 1) * sizeof *knn->blocks);
	b = &knn->blocks[knn->block_count++];
	b->first = first, b->rows = n;
	b->features = knn->dev->be->alloc(
		knn->dev, (size_t)n * (size_t)knn->width * sizeof(float), "neighbours");
	b->labels = xmalloc((size_t)n * sizeof *labels);
	memcpy(b->labels, labels, (size_t)n * sizeof *labels);
	upload_rows(knn, b->features, features, n);
}

static int nearer(const struct neighbour *a, const struct neighbour *b)
{
	return a->similarity > b->similarity || (a->similarity == b->similarity && a->row < b->row);
}

/* Put x in its place among the k nearest so far; false when it is not among them. */
static int insert(struct neighbour *list, int k, const struct neighbour *x)
{
	int i = k - 1;

	if (!nearer(x, &list[i]))
		return 0;
	for (; i > 0 && nearer(x, &list[i - 1]); i--)
		list[i] = list[i - 1];
	list[i] = *x;
	return 1;
}

static void clear(struct neighbour *found, size_t count)
{
	for (size_t i = 0; i < count; i++)
		found[i] = (struct neighbour){ -INFINITY, -1, INT64_MAX };
}

/* Look for nearer neighbours of the n queries in one block. */
static void search(struct knn *knn, struct neighbour *found, const struct block *b, int n)
{
	const struct backend *be = knn->dev->be;

	be->gemm(knn->dev, knn->dev_similarity, knn->query, b->features, n, b->rows, knn->width, 0,
		1, 0);
	be->download(knn->dev, knn->similarity, knn->dev_similarity,
		(size_t)n * (size_t)b->rows * sizeof *knn->similarity);
#pragma omp parallel for schedule(static)
	for (int i = 0; i < n; i++) {
		const float *row = knn->similarity + (size_t)i * (size_t)b->rows;

		for (int j = 0; j < b->rows; j++) {
			struct neighbour x = { row[j], b->labels[j], b->first + j };

			if (x.label >= 0)
				insert(found + (size_t)i * (size_t)knn->k, knn->k, &x);
		}
	}
}

/* Every rank's lists into one. */
static void merge(struct knn *knn, struct neighbour *found, int n)
{
	size_t k = (size_t)knn->k, count = (size_t)n * k;

	comm_gather_int64(knn->comm, (int64_t *)(void *)knn->all,
		(const int64_t *)(const void *)found, 2 * count);
	for (int r = 0; r < knn->comm->size; r++) {
		if (r == knn->comm->rank)
			continue;
		for (size_t i = 0; i < (size_t)n; i++)
			for (size_t j = 0; j < k; j++)
				if (!insert(found + i * k, knn->k,
					    &knn->all[(size_t)r * count + i * k + j]))
					break;
	}
}

void knn_find(struct knn *knn, struct neighbour *found, const float *features, int n)
{
	CHECK(n > 0 && n <= knn->block_rows, "%d rows for blocks of %d", n, knn->block_rows);
	clear(found, (size_t)n * (size_t)knn->k);
	upload_rows(knn, knn->query, features, n);
	for (int b = 0; b < knn->block_count; b++)
		search(knn, found, &knn->blocks[b], n);
	merge(knn, found, n);
}

void knn_vote(double *votes, int classes, const struct neighbour *found, int k, double temperature)
{
	memset(votes, 0, (size_t)classes * sizeof *votes);
	for (int j = 0; j < k && found[j].label >= 0; j++)
		votes[found[j].label] += exp(((double)found[j].similarity - 1) / temperature);
}

int knn_place(const double *votes, int classes, int label)
{
	int place = 0;

	if (!(votes[label] > 0))
		return classes;
	for (int c = 0; c < classes; c++)
		place += votes[c] > votes[label] || (votes[c] == votes[label] && c < label);
	return place;
}
