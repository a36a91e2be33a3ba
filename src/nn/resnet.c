/* resnet.c - what the network is made of: architectures as a table, tensors in the order of the
 * forward pass. */
#include "nn/resnet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { GROUPS = 4 };

static const struct arch {
	const char *name;
	int blocks[GROUPS];
	int bottleneck;
} archs[] = {
	{ "resnet18", { 2, 2, 2, 2 }, 0 },
	{ "resnet34", { 3, 4, 6, 3 }, 0 },
	{ "resnet50", { 3, 4, 6, 3 }, 1 },
	{ "resnet101", { 3, 4, 23, 3 }, 1 },
	{ "resnet152", { 3, 8, 36, 3 }, 1 },
	{ "resnet200", { 3, 24, 36, 3 }, 1 },
	/* The paper does not give the blocks of its ResNet295; these extend ResNet-200's pattern
	   (spec 3.1). */
	{ "resnet295", { 3, 38, 54, 3 }, 1 },
};

static const struct arch *find_arch(const char *name)
{
	for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
		if (strcmp(archs[i].name, name) == 0)
			return &archs[i];
	return NULL;
}

int resnet_check(const char *arch, char err[ERR_MAX])
{
	char names[256] = "";

	if (find_arch(arch))
		return 0;
	for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
		snprintf(names + strlen(names), sizeof names - strlen(names), " %s", archs[i].name);
	return fail(err, "model.arch: there is no '%s'; the architectures are%s", arch, names);
}

static int channels(int base, double width)
{
	int n = (int)lround(base * width);

	return n > 0 ? n : 1;
}

/* Where a network under construction stands. */
struct builder {
	struct params *p;
	struct stats *s;
	const struct config *c;
	int in; /* channels so far */
};

static void add_unit(struct builder *b, struct unit *u, const char *prefix, int number, int in,
	int out, int kernel, int stride, int last)
{
	char conv[PARAM_NAME_MAX], norm[PARAM_NAME_MAX];

	*u = (struct unit){ .in = in,
		.out = out,
		.kernel = kernel,
		.stride = stride,
		.relu = 1,
		.padding = b->c->model.padding };
	params_name(conv, "%sconv%d", prefix, number);
	params_name(norm, "%sbn%d", prefix, number);
	unit_declare(u, b->p, b->s, conv, norm, last && b->c->model.zero_gamma);
}

static void add_shortcut(struct builder *b, struct unit *u, const char *prefix, int out, int stride)
{
	char conv[PARAM_NAME_MAX], norm[PARAM_NAME_MAX];

	*u = (struct unit){ .in = b->in,
		.out = out,
		.kernel = 1,
		.stride = stride,
		.remade = stride == 1, /* the first: few channels in, and as large an output */
		.padding = b->c->model.padding };
	params_name(conv, "%sdownsample.0", prefix);
	params_name(norm, "%sdownsample.1", prefix);
	unit_declare(u, b->p, b->s, conv, norm, 0);
}

/* inner: channels within; out: of the output (four times as many in a bottleneck). */
static void add_block(struct builder *b, struct block *k, const char *prefix, int bottleneck,
	int inner, int out, int stride)
{
	k->first = b->p->length;
	if (bottleneck) {
		k->units = 3;
		add_unit(b, &k->unit[0], prefix, 1, b->in, inner, 1, 1, 0);
		add_unit(b, &k->unit[1], prefix, 2, inner, inner, 3, stride, 0);
		add_unit(b, &k->unit[2], prefix, 3, inner, out, 1, 1, 1);
	} else {
		k->units = 2;
		add_unit(b, &k->unit[0], prefix, 1, b->in, inner, 3, stride, 0);
		add_unit(b, &k->unit[1], prefix, 2, inner, out, 3, 1, 1);
	}
	k->has_shortcut = b->in != out || stride != 1;
	if (k->has_shortcut)
		add_shortcut(b, &k->shortcut, prefix, out, stride);
	b->in = out;
}

static void add_stem(struct builder *b, struct resnet *net)
{
	int out = channels(64, b->c->model.width), small = net->stem == STEM_SMALL;

	add_unit(b, &net->stem_unit, "encoder.", 1, 3, out, small ? 3 : 7, small ? 1 : 2, 0);
	b->in = out;
}

void resnet_declare(struct resnet *net, const struct config *c, struct params *p, struct stats *s)
{
	const struct arch *arch = find_arch(c->model.arch);
	struct builder b = { .p = p, .s = s, .c = c };
	struct block *k;
	char prefix[PARAM_NAME_MAX];

	CHECK(arch, "the architecture '%s' was not checked", c->model.arch);
	*net = (struct resnet){ .stem = c->model.stem, .padding = c->model.padding };
	for (int g = 0; g < GROUPS; g++)
		net->block_count += arch->blocks[g];
	net->blocks = k = xcalloc((size_t)net->block_count, sizeof *net->blocks);
	add_stem(&b, net);
	for (int g = 0; g < GROUPS; g++) {
		int inner = channels(64 << g, c->model.width),
		    out = channels((arch->bottleneck ? 256 : 64) << g, c->model.width);

		for (int i = 0; i < arch->blocks[g]; i++) {
			params_name(prefix, "encoder.layer%d.%d.", g + 1, i);
			add_block(&b, k++, prefix, arch->bottleneck, inner, out,
				g > 0 && i == 0 ? 2 : 1);
		}
	}
	net->features = b.in;
}

void resnet_free(struct resnet *net)
{
	xfree(net->blocks);
}
