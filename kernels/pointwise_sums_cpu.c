/* pointwise_sums_cpu.c - convolutions of side 1 that make what batch norm sums up, where they are
 * streams: some rows are made, and added up while they are in the cache. */
#include <string.h>

#include "columns_cpu.h"
#include "norm_cpu.h"
#include "pick_cpu.h"
#include "pointwise_cpu.h"
#include "stream_cpu.h"

/* Rows that are made at a time: of y; and, fewer, of x and then y. */
enum { ROWS = 112, ROWS_OF_BOTH = 48 };

/* y = x b, or += */
struct made {
	const struct norm_output *output;           /* NULL, or what makes x */
	const struct norm_input_gradient *gradient; /* likewise */
	const float *means;                         /* of its sums */
	float *y;
	const float *x, *panels;
	struct stream stream;
	int add;
};

static void make_rows(const void *maker, size_t first, size_t end)
{
	const struct made *m = maker;

	if (m->output)
		norm_apply_rows(m->output, first, end);
	if (m->gradient)
		norm_backward_rows(m->gradient, m->means, first, end);
	stream_rows(m->y, m->x, m->panels, &m->stream, first, end, m->add);
}

int pointwise_forward_sums(struct cpu *cpu, const struct conv_shape *s, float *y, const float *x,
	const float *w, double *sums, int groups, const struct norm_output *before)
{
	const struct stream stream = stream_of(points_of(cpu, s).count, (size_t)s->c, (size_t)s->k);
	size_t rows = stream.pixels / (size_t)groups;
	size_t picked = s->stride > 1 ? stream.pixels * stream.k : 0;
	struct columns in = norm_squares(y, groups, rows, s->k);
	struct made made = { .y = y, .stream = stream, .output = before };
	double *room;
	float *panels;

	if (!stream_fits(&stream) || s->k > COLUMNS_BLOCK || (before && picked))
		return 0;
	if (before) {
		made.stream.ahead[0] = before->x;
		made.stream.ahead[1] = before->residual ? before->residual : before->x;
		made.stream.ahead[2] = before->y != before->x ? before->y : NULL;
	}
	room = cpu_scratch(cpu,
		columns_room(&in) * sizeof(double) +
			(stream.k * stream.n + picked) * sizeof(float));
	panels = (float *)(room + columns_room(&in));
	if (picked)
		pick_pixels(cpu, panels + stream.k * stream.n, (float *)x, s, PICK);
	stream_pack_turned(cpu, panels, w, &stream);
	made.x = picked ? panels + stream.k * stream.n : x;
	made.panels = panels;
	in.make = make_rows, in.maker = &made, in.made = before ? ROWS_OF_BOTH : ROWS;
	columns_sum_in(room, cpu, &in);
	memcpy(sums, room, (size_t)groups * 2 * stream.n * sizeof *sums);
	return 1;
}

int pointwise_backward_data_sums(struct cpu *cpu, const struct conv_shape *s, float *dx,
	const float *dy, const float *w, int add, const struct norm_gradient *of,
	const struct norm_input_gradient *before)
{
	const struct stream stream = stream_of(points_of(cpu, s).count, (size_t)s->k, (size_t)s->c);
	size_t rows = (size_t)s->n * (size_t)s->h * (size_t)s->w / (size_t)of->groups;
	struct columns in = norm_gradients(dx, of, rows, s->c);
	struct made made = { .y = dx, .x = dy, .stream = stream, .add = add, .gradient = before };
	size_t b = stream.k * stream.n;
	double *room;
	float *panels;

	if (!stream_fits(&stream) || s->stride > 1 || s->c > COLUMNS_BLOCK)
		return 0;
	room = cpu_scratch(cpu,
		columns_room(&in) * sizeof(double) +
			(b + (before ? norm_means_room(before) : 0)) * sizeof(float));
	panels = (float *)(room + columns_room(&in));
	stream_pack(cpu, panels, w, &stream);
	made.panels = panels;
	if (before) {
		norm_means(panels + b, before);
		made.means = panels + b;
		made.stream.ahead[0] = before->x;
		made.stream.ahead[1] = before->dy;
		made.stream.ahead[2] = before->y;
	}
	made.stream.beside[0] = of->x;
	made.stream.beside[1] = of->y ? of->y : of->x;
	in.make = make_rows, in.maker = &made, in.made = before ? ROWS_OF_BOTH : ROWS;
	columns_sum_in(room, cpu, &in);
	norm_gradients_put(of, room, s->c);
	return 1;
}
