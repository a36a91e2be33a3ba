#include "test.h"

#include "weights_fixture.h"

#include "base/memory.h"
#include "nn/model.h"

struct network open_network(const char *arch)
{
	struct network n = { .updates = 3 };
	char err[ERR_MAX];

	config_default(&n.c);
	assert_int_equal(config_set(&n.c, "model.arch", arch, err), 0);
	assert_int_equal(config_set(&n.c, "model.width", "0.125", err), 0);
	assert_int_equal(config_set(&n.c, "model.hidden", "24", err), 0);
	assert_int_equal(config_set(&n.c, "model.out", "12", err), 0);
	model_tables(&n.c, &n.p, &n.s);
	n.params = xaligned(n.p.length * sizeof(float));
	n.stats = xaligned(n.s.length * sizeof(float));
	return n;
}

void close_network(struct network *n)
{
	xfree(n->params);
	xfree(n->stats);
	params_free(&n->p);
	stats_free(&n->s);
	config_free(&n->c);
}

static float place_value(int tensor, size_t i)
{
	return (float)(tensor + 1) + (float)(i % 65536) / 65536;
}

void fill_network(struct network *n)
{
	for (int t = 0; t < n->p.count; t++)
		for (size_t i = 0; i < n->p.table[t].count; i++)
			n->params[n->p.table[t].offset + i] = place_value(t, i);
	for (int t = 0; t < n->s.count; t++)
		for (size_t i = 0; i < 2 * (size_t)n->s.table[t].channels; i++)
			n->stats[n->s.table[t].offset + i] = place_value(t, i) * 0.75f;
}

void export_network(const struct network *n, const char *path, int parts)
{
	const struct weights w = { &n->p, &n->s, n->params, n->stats, n->updates,
		n->c.model.norm_decay };
	struct safetensors f = { 0 };
	char err[ERR_MAX] = "";

	weights_describe(&f, &n->c);
	weights_add(&f, &w, parts);
	safetensors_write(path, &f, err);
	assert_string_equal(err, "");
	safetensors_free(&f);
}
