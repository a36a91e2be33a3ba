/* Weights in torchvision's names and layouts: out and back bit for bit, also by way of Python; and
 * files that do not fit. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "train/safetensors.h"
#include "weights_fixture.h"

static int load_network(struct network *n, const char *path, char err[ERR_MAX])
{
	return weights_load_encoder(
		path, &n->c, &n->p, &n->s, n->params, n->stats, &n->updates, err);
}

static void exported_weights_come_back_bit_for_bit(void **state)
{
	static const char *const archs[] = { "resnet18", "resnet50" };
	const char *path = test_path(test_folder(), "a.safetensors"),
		   *again = test_path(test_folder(), "b.safetensors");

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct network a = open_network(archs[i]), b = open_network(archs[i]);
		const double debias = 1 - pow(a.c.model.norm_decay, 3);
		char err[ERR_MAX] = "";

		fill_network(&a);
		export_network(&a, path, ALL_PARTS);
		load_network(&b, path, err);
		assert_string_equal(err, "");
		assert_memory_equal(a.params, b.params, a.p.length * sizeof(float));
		for (size_t k = 0; k < a.s.length; k++)
			assert_true(b.stats[k] == (float)(a.stats[k] / debias));
		/* what was imported goes out unchanged */
		assert_true(b.updates == WEIGHTS_UPDATES_IMPORTED);
		export_network(&b, again, ALL_PARTS);
		memset(a.params, 0, a.p.length * sizeof(float));
		memset(a.stats, 0, a.s.length * sizeof(float));
		assert_int_equal(load_network(&a, again, err), 0);
		assert_memory_equal(a.params, b.params, a.p.length * sizeof(float));
		assert_memory_equal(a.stats, b.stats, a.s.length * sizeof(float));
		close_network(&a);
		close_network(&b);
	}
}

/* Layout by its definition: element (k, y, x, c) here is (k, c, y, x) there. */
static void names_and_layouts_are_torchvisions(void **state)
{
	const char *path = test_path(test_folder(), "a.safetensors");
	struct network n = open_network("resnet50");
	const struct safetensor *t;
	const struct param *p;
	struct safetensors f;
	char err[ERR_MAX];
	float value;

	(void)state;
	fill_network(&n);
	export_network(&n, path, WEIGHTS_ENCODER);
	assert_int_equal(safetensors_read(path, &f, err), 0);
	p = &n.p.table[params_find(&n.p, "encoder.conv1.weight")];
	t = safetensors_find(&f, "conv1.weight");
	assert_non_null(t);
	assert_int_equal(t->shape[0], 8);
	assert_int_equal(t->shape[1], 3);
	assert_int_equal(t->shape[2], 7);
	assert_int_equal(t->shape[3], 7);
	for (int k = 0; k < 8; k++)
		for (int c = 0; c < 3; c++)
			for (int y = 0; y < 7; y++)
				for (int x = 0; x < 7; x++) {
					memcpy(&value,
						(float *)t->data + ((k * 3 + c) * 7 + y) * 7 + x,
						sizeof value);
					assert_true(value ==
						n.params[p->offset +
							(size_t)(((k * 7 + y) * 7 + x) * 3 + c)]);
				}
	assert_non_null(safetensors_find(&f, "layer1.0.downsample.0.weight"));
	assert_non_null(safetensors_find(&f, "layer1.0.downsample.1.running_var"));
	assert_non_null(safetensors_find(&f, "layer4.2.bn3.bias"));
	assert_int_equal(
		safetensors_find(&f, "layer4.2.bn3.num_batches_tracked")->type, SAFETENSORS_I64);
	memcpy(err, safetensors_find(&f, "bn1.num_batches_tracked")->data, 8);
	assert_int_equal(*(int64_t *)err, 3);
	assert_null(safetensors_find(&f, "projector.linear1.weight"));
	/* torchvision's ResNet-50 has 161 parameters and 53 batch norms of 3 buffers; 2 are the
	 * classifier's */
	assert_int_equal(f.count, 159 + 53 * 3);
	assert_string_equal(safetensors_metadata(&f, "arch"), "resnet50");
	assert_string_equal(safetensors_metadata(&f, "width"), "0.125");
	assert_string_equal(safetensors_metadata(&f, "stem"), "imagenet");
	assert_string_equal(safetensors_metadata(&f, "padding"), "symmetric");
	safetensors_free(&f);
	close_network(&n);
}

static void statistics_never_updated_stay_so(void **state)
{
	const char *path = test_path(test_folder(), "a.safetensors");
	struct network n = open_network("resnet18");
	struct safetensors f;
	char err[ERR_MAX];
	float one;

	(void)state;
	fill_network(&n);
	n.updates = 0;
	export_network(&n, path, ALL_PARTS);
	assert_int_equal(safetensors_read(path, &f, err), 0);
	memcpy(&one, safetensors_find(&f, "bn1.running_var")->data, sizeof one);
	assert_true(one == 1);
	safetensors_free(&f);
	assert_int_equal(load_network(&n, path, err), 0);
	assert_int_equal(n.updates, 0);
	for (size_t i = 0; i < n.s.length; i++)
		assert_true(n.stats[i] == 0);
	close_network(&n);
}

static void heads_that_the_file_lacks_stay(void **state)
{
	const char *path = test_path(test_folder(), "a.safetensors");
	struct network a = open_network("resnet18"), b = open_network("resnet18");
	const struct param *head = &b.p.table[params_find(&b.p, "projector.linear1.weight")];
	char err[ERR_MAX];

	(void)state;
	fill_network(&a);
	export_network(&a, path, WEIGHTS_ENCODER);
	b.params[head->offset] = 42;
	assert_int_equal(load_network(&b, path, err), 0);
	assert_true(b.params[head->offset] == 42);
	for (int t = 0; t < b.s.count; t++)
		if (strcmp(b.s.table[t].name, "projector.bn1") == 0) {
			assert_true(b.stats[b.s.table[t].offset] == 0);
			assert_true(
				b.stats[b.s.table[t].offset + (size_t)b.s.table[t].channels] == 1);
		}
	close_network(&a);
	close_network(&b);
}

/* ---- files that do not fit ---- */

/* Export, change one tensor of the file by `change`, and expect the message. */
static void load_changed(void (*change)(struct safetensors *f), const char *says)
{
	const char *path = test_path(test_folder(), "w.safetensors");
	struct network n = open_network("resnet18");
	const struct weights w = { &n.p, &n.s, n.params, n.stats, 3, 0.9 };
	struct safetensors f = { 0 };
	char err[ERR_MAX] = "";

	fill_network(&n);
	weights_describe(&f, &n.c);
	weights_add(&f, &w, ALL_PARTS);
	change(&f);
	assert_int_equal(safetensors_write(path, &f, err), 0);
	safetensors_free(&f);
	if (says) {
		assert_int_equal(load_network(&n, path, err), -1);
		assert_says(err, "w.safetensors: ");
		assert_says(err, says);
	} else {
		load_network(&n, path, err);
		assert_string_equal(err, "");
	}
	close_network(&n);
}

static struct safetensor *tensor(struct safetensors *f, const char *name)
{
	return (struct safetensor *)safetensors_find(f, name);
}

static void rename_tensor(struct safetensors *f, const char *name, const char *to)
{
	struct safetensor *t = tensor(f, name);

	xfree(t->name);
	t->name = xstrdup(to);
}

static void change_missing(struct safetensors *f)
{
	rename_tensor(f, "layer2.0.bn1.weight", "layer2.0.bn1.gamma");
}

static void change_extra(struct safetensors *f)
{
	const int64_t one = 1;

	safetensors_add(f, "conv1.bias", SAFETENSORS_F32, 1, &one);
}

static void change_shape(struct safetensors *f)
{
	struct safetensor *t = tensor(f, "conv1.weight");

	t->shape[0] = 4;
	t->shape[1] = 6;
}

static void change_type(struct safetensors *f)
{
	tensor(f, "bn1.bias")->type = SAFETENSORS_I32;
}

static void change_nan(struct safetensors *f)
{
	((float *)tensor(f, "layer4.1.conv2.weight")->data)[5] = NAN;
}

static void change_variance(struct safetensors *f)
{
	((float *)tensor(f, "bn1.running_var")->data)[0] = -0.5f;
}

static void change_statistic(struct safetensors *f)
{
	rename_tensor(f, "layer1.0.bn2.running_mean", "fc.running_mean");
}

static void change_head(struct safetensors *f)
{
	rename_tensor(f, "predictor.linear2.weight", "fc.weight");
}

static void change_padding(struct safetensors *f)
{
	for (int i = 0; i < f->metadata_count; i++)
		if (strcmp(f->metadata[i].key, "padding") == 0) {
			xfree(f->metadata[i].value);
			f->metadata[i].value = xstrdup("same");
		}
}

static void change_classifier(struct safetensors *f)
{
	const int64_t shape[2] = { 10, 64 };

	safetensors_add(f, "fc.weight", SAFETENSORS_F16, 2, shape);
	safetensors_add(f, "fc.bias", SAFETENSORS_F32, 1, shape);
}

static void weights_that_do_not_fit_are_told(void **state)
{
	(void)state;
	load_changed(change_missing,
		"tensor layer2.0.bn1.weight is missing; the network here has model.arch=resnet18, "
		"model.width=0.125, model.stem=imagenet");
	load_changed(change_extra, "tensor conv1.bias is unknown here");
	load_changed(change_shape,
		"tensor conv1.weight has the shape (4, 6, 7, 7) there and (8, 3, 7, 7) here");
	load_changed(change_type, "tensor bn1.bias is I32; only F32 is read");
	load_changed(change_nan,
		"tensor layer4.1.conv2.weight: value 5 is nan; the weights are damaged");
	load_changed(change_variance, "tensor bn1.running_var: value 0 is -0.5");
	load_changed(change_statistic, "tensor layer1.0.bn2.running_mean is missing");
	load_changed(change_head, "tensor predictor.linear2.weight is missing");
	load_changed(change_padding,
		"made with model.padding=same, here it is symmetric: set --model.padding=same");
	load_changed(change_classifier, NULL);
}

/* ---- Python ---- */

/* Python reads our file in its own way and writes it anew in its own way, with a classifier; bits
 * stay bits. */
static void python_reads_and_writes_the_same(void **state)
{
	const char *folder = test_folder(), *ours = test_path(folder, "ours"),
		   *theirs = test_path(folder, "theirs");
	const char *top = getenv("abs_top_srcdir");
	struct network a = open_network("resnet18"), b = open_network("resnet18");
	char err[ERR_MAX] = "", command[1024];

	(void)state;
	fill_network(&a);
	a.updates = WEIGHTS_UPDATES_IMPORTED;
	export_network(&a, ours, ALL_PARTS);
	if (system("python3 -c 'import json, struct' 2>/dev/null") != 0) {
		print_message("# there is no python3 here\n");
		skip();
	}
	snprintf(command, sizeof command, "python3 '%s/tests/safetensors_rewrite.py' '%s' '%s'",
		top ? top : "..", ours, theirs);
	assert_int_equal(system(command), 0);
	load_network(&b, theirs, err);
	assert_string_equal(err, "");
	assert_memory_equal(a.params, b.params, a.p.length * sizeof(float));
	assert_memory_equal(a.stats, b.stats, a.s.length * sizeof(float));
	close_network(&a);
	close_network(&b);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(exported_weights_come_back_bit_for_bit),
	cmocka_unit_test(names_and_layouts_are_torchvisions),
	cmocka_unit_test(statistics_never_updated_stay_so),
	cmocka_unit_test(heads_that_the_file_lacks_stay),
	cmocka_unit_test(weights_that_do_not_fit_are_told),
	cmocka_unit_test(python_reads_and_writes_the_same),
};
TEST_MAIN(cases)
