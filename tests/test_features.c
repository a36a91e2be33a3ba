/* Features of a data set against each image encoded by hand; subsets.  The same under mpirun. */
#include "test.h"

#include "kernel.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/jpeg.h"
#include "data_fixture.h"
#include "eval/calibrate.h"
#include "eval/features.h"
#include "eval/transform.h"

/* 825 images, of which every fifth has no label: eleven pieces of an encoder, the last not full, in
 * two batches. */
enum { SHARDS = 3, PER_SHARD = 275, IMAGES = SHARDS * PER_SHARD * 4 / 5, SIZE = 16 };

static struct comm *world;
static struct device *dev;
static struct config config;

/* Each rank writes a set of its own, with the same content. */
static const char *folder_of_images(void)
{
	const struct fixture f = { .shards = SHARDS, .per_shard = PER_SHARD };
	const char *folder = test_folder();

	fixture_dataset(folder, &f);
	return folder;
}

struct bench {
	struct dataset *data;
	struct subset set;
	struct encoder encoder;
};

static void bench_open(struct bench *b, const char *folder)
{
	const struct encoder_options o = { .source = ENCODER_RANDOM, .size = SIZE };
	char err[ERR_MAX] = "";

	b->data = dataset_open(folder, err);
	assert_string_equal(err, "");
	assert_int_equal(subset_labelled(&b->set, b->data, err), 0);
	assert_int_equal(encoder_open(&b->encoder, &o, &config, world, dev, err), 0);
	assert_false(b->encoder.calibrated);
	calibrate(&b->encoder, &b->set, 1);
}

static void bench_close(struct bench *b)
{
	encoder_close(&b->encoder);
	subset_free(&b->set);
	dataset_close(b->data);
}

/* Features of one image, decoded and cropped alone. */
static void encode_alone(float *to, const struct bench *b, uint64_t image)
{
	struct image decoded = { 0 };
	struct view_params p;
	uint32_t record;
	const struct shard *shard = dataset_find(b->data, image, &record);
	uint8_t *bytes = NULL;
	size_t capacity = 0, pixels = 0;
	char err[ERR_MAX];
	long n = shard_read(shard, record, &bytes, &capacity, err);
	float *input = dev->be->alloc(dev, encoder_input_bytes(&b->encoder), "test");

	assert_true(n > 0);
	assert_int_equal(jpeg_decode(&decoded, &pixels, bytes, (size_t)n, err), 0);
	transform_centre(&p, SIZE, decoded.width, decoded.height);
	dev->be->images(dev, 0, &decoded, 1);
	dev->be->views(dev, input, 0, &p, 1, 1);
	infer_features(b->encoder.net, to, input, 1);
	dev->be->free(dev, input);
	image_free(&decoded);
	xfree(bytes);
}

static void a_pass_meets_each_image_once_in_order(void **state)
{
	struct bench b;
	struct feature_batch batch;
	struct feature_stream *stream;
	char err[ERR_MAX];
	float *alone;
	uint64_t seen = 0;
	double largest = 0;

	(void)state;
	bench_open(&b, folder_of_images());
	alone = xcalloc((size_t)b.encoder.width, sizeof *alone);
	stream = features_open(&b.encoder, &(struct feature_options){ .set = &b.set });
	while (features_next(stream, &batch, err) > 0)
		for (int i = 0; i < batch.count; i++, seen++) {
			const float *x = batch.x + (size_t)i * (size_t)b.encoder.width;

			assert_int_equal(
				batch.labels[i], dataset_label(b.data, b.set.images[seen]));
			if (seen % 16 != 0 && seen != IMAGES - 1)
				continue; /* alone, an image takes as long as a piece */
			encode_alone(alone, &b, b.set.images[seen]);
			for (int j = 0; j < b.encoder.width; j++) {
				assert_close((double)x[j], (double)alone[j], 1e-4);
				largest = fmax(largest, fabs((double)x[j]));
			}
		}
	assert_int_equal(seen, IMAGES);
	assert_true(largest > 0.1);
	features_close(stream);
	xfree(alone);
	bench_close(&b);
}

/* All of a training stream: features and labels. */
struct record {
	int count, batches;
	float *x;
	int32_t *labels;
};

static void record_training(
	struct record *r, const struct bench *b, int steps, int batch, uint64_t seed)
{
	const struct feature_options o = {
		.set = &b->set, .steps = steps, .batch = batch, .seed = seed
	};
	struct feature_stream *stream = features_open(&b->encoder, &o);
	size_t width = (size_t)b->encoder.width;
	struct feature_batch got;
	char err[ERR_MAX];

	*r = (struct record){ .x = xcalloc((size_t)(steps * batch) * width, sizeof *r->x),
		.labels = xcalloc((size_t)(steps * batch), sizeof *r->labels) };
	assert_int_equal(features_steps(stream), steps);
	while (features_next(stream, &got, err) > 0) {
		assert_int_equal(got.count, batch);
		memcpy(r->x + (size_t)r->count * width, got.x,
			(size_t)batch * width * sizeof *r->x);
		memcpy(r->labels + r->count, got.labels, (size_t)batch * sizeof *r->labels);
		r->count += batch;
		r->batches++;
	}
	assert_int_equal(r->batches, steps);
	features_close(stream);
}

static void record_free(struct record *r)
{
	xfree(r->x);
	xfree(r->labels);
}

static void training_is_a_function_of_the_seed(void **state)
{
	enum { STEPS = 3, BATCH = 440 }; /* two epochs of 660 images */
	struct bench b;
	struct record r, again, other;
	int seen[2][FIXTURE_CLASSES] = { { 0 } }, expected[FIXTURE_CLASSES] = { 0 };
	size_t bytes;

	(void)state;
	bench_open(&b, folder_of_images());
	bytes = (size_t)(STEPS * BATCH) * (size_t)b.encoder.width * sizeof(float);
	record_training(&r, &b, STEPS, BATCH, 4);
	record_training(&again, &b, STEPS, BATCH, 4);
	record_training(&other, &b, STEPS, BATCH, 5);
	assert_memory_equal(r.x, again.x, bytes);
	assert_memory_equal(r.labels, again.labels, STEPS * BATCH * sizeof *r.labels);
	assert_memory_not_equal(r.labels, other.labels, STEPS * BATCH * sizeof *r.labels);
	assert_memory_not_equal(r.labels, r.labels + IMAGES, IMAGES * sizeof *r.labels);
	for (int i = 0; i < STEPS * BATCH; i++)
		seen[i / IMAGES][r.labels[i]]++;
	for (int i = 0; i < IMAGES; i++)
		expected[dataset_label(b.data, b.set.images[i])]++;
	assert_memory_equal(seen[0], expected, sizeof expected);
	assert_memory_equal(seen[1], expected, sizeof expected);
	record_free(&r);
	record_free(&again);
	record_free(&other);
	bench_close(&b);
}

/* views.exact: the same features but for the views' rounding, which shows that the path is another.
 */
static void exact_views_give_the_same_features(void **state)
{
	enum { BATCH = 128 };
	const char *folder = folder_of_images();
	struct record fast, exact;
	struct bench b;
	double largest = 0;

	(void)state;
	bench_open(&b, folder);
	record_training(&fast, &b, 1, BATCH, 4);
	b.encoder.exact = 1;
	record_training(&exact, &b, 1, BATCH, 4);
	for (int i = 0; i < BATCH * b.encoder.width; i++) {
		assert_close((double)exact.x[i], (double)fast.x[i], 1e-4);
		largest = fmax(largest, fabs((double)exact.x[i] - (double)fast.x[i]));
	}
	assert_true(largest > 0 || !device_is_cpu());
	record_free(&fast);
	record_free(&exact);
	bench_close(&b);
	config.views.exact = 1;
	bench_open(&b, folder);
	assert_int_equal(b.encoder.exact, 1);
	bench_close(&b);
	config.views.exact = 0;
}

/* Of a broken record the single pass says so; in training another image stands in, the same each
 * time. */
static void a_broken_record_is_left_out(void **state)
{
	const char *folder = folder_of_images(), *shard = test_path(folder, "shard-00001.h5");
	struct bench b;
	struct feature_batch batch;
	struct feature_stream *stream;
	struct record r, again;
	char err[ERR_MAX];
	int broken = 0, place = 0;

	(void)state;
	fixture_flip(shard, fixture_bytes(shard) / 2); /* most of a shard is images */
	bench_open(&b, folder);
	stream = features_open(&b.encoder, &(struct feature_options){ .set = &b.set });
	while (features_next(stream, &batch, err) > 0)
		for (int i = 0; i < batch.count; i++, place++) {
			broken += batch.labels[i] == -1;
			assert_true(batch.labels[i] == dataset_label(b.data, b.set.images[place]) ||
				batch.labels[i] == -1);
		}
	features_close(stream);
	assert_int_equal(place, IMAGES);
	assert_int_equal(broken, 1);
	record_training(&r, &b, 3, 220, 4);
	record_training(&again, &b, 3, 220, 4);
	assert_memory_equal(r.x, again.x, (size_t)IMAGES * (size_t)b.encoder.width * sizeof *r.x);
	for (int i = 0; i < IMAGES; i++)
		assert_in_range(r.labels[i], 0, FIXTURE_CLASSES - 1);
	record_free(&r);
	record_free(&again);
	bench_close(&b);
}

static void features_that_are_not_finite_are_refused(void **state)
{
	struct bench b;
	struct feature_batch batch;
	struct feature_stream *stream;
	const struct params *p;
	float *values, *stats;
	char err[ERR_MAX] = "";

	(void)state;
	bench_open(&b, folder_of_images());
	p = infer_params(b.encoder.net);
	values = xcalloc(p->length, sizeof *values);
	stats = xcalloc(infer_stats(b.encoder.net)->length, sizeof *stats);
	params_init(p, values, 1, RNG_INIT);
	values[p->table[0].offset] = NAN;
	infer_load(b.encoder.net, values, stats, 1);
	stream = features_open(&b.encoder, &(struct feature_options){ .set = &b.set });
	assert_int_equal(features_next(stream, &batch, err), -1);
	assert_says(err, "not finite");
	features_close(stream);
	xfree(values);
	xfree(stats);
	bench_close(&b);
}

static void a_split_deals_each_image_to_one_side(void **state)
{
	struct bench b;
	struct subset rest, held, again_rest, again;
	char err[ERR_MAX];
	int seen[SHARDS * PER_SHARD] = { 0 };

	(void)state;
	bench_open(&b, folder_of_images());
	assert_int_equal(subset_split(&rest, &held, &b.set, 0.2, 3, err), 0);
	assert_int_equal(held.count, IMAGES / 5);
	assert_int_equal(rest.count, IMAGES - IMAGES / 5);
	for (uint64_t i = 0; i < held.count; i++)
		seen[held.images[i]]++;
	for (uint64_t i = 0; i < rest.count; i++)
		seen[rest.images[i]]++;
	for (uint64_t i = 0; i < b.set.count; i++)
		assert_int_equal(seen[b.set.images[i]], 1);
	assert_int_equal(b.set.count, IMAGES);
	assert_int_equal(subset_split(&again_rest, &again, &b.set, 0.2, 4, err), 0);
	assert_memory_not_equal(held.images, again.images, IMAGES / 5 * sizeof *held.images);
	subset_free(&again);
	subset_free(&again_rest);
	assert_int_equal(subset_split(&again_rest, &again, &b.set, 1e-9, 4, err), 0);
	assert_int_equal(again.count, 1);
	subset_free(&again);
	subset_free(&again_rest);
	subset_free(&held);
	subset_free(&rest);
	b.set.count = 1;
	assert_int_equal(subset_split(&rest, &held, &b.set, 0.2, 3, err), -1);
	assert_says(err, "single");
	bench_close(&b);
}

static int set_up(char err[ERR_MAX])
{
	config_default(&config);
	if (config_set(&config, "model.arch", "resnet18", err) != 0 ||
		config_set(&config, "model.width", "0.125", err) != 0 ||
		config_set(&config, "model.stem", "small", err) != 0 ||
		config_set(&config, "data.threads", "2", err) != 0)
		return -1;
	dev = device_open_bare(1);
	dev->be->connect(dev, world);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_pass_meets_each_image_once_in_order),
		cmocka_unit_test(training_is_a_function_of_the_seed),
		cmocka_unit_test(exact_views_give_the_same_features),
		cmocka_unit_test(a_broken_record_is_left_out),
		cmocka_unit_test(features_that_are_not_finite_are_refused),
		cmocka_unit_test(a_split_deals_each_image_to_one_side),
	};
	char err[ERR_MAX] = "";
	int failed = 1;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	world = comm_open(NULL, err);
	if (set_up(err) == 0)
		failed = cmocka_run_group_tests(cases, NULL, test_cleanup);
	else
		print_error("%s\n", err);
	if (dev)
		device_close(dev);
	config_free(&config);
	comm_close(world);
	return failed;
}
