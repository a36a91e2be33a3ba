/* ref.c - the reference; see ref.h.  Loops over every index, no sharing, nothing clever. */
#include "ref.h"

#include <math.h>
#include <string.h>

/* Visit every product of a convolution: output (n, p, q, k), input (n, h, w, c), weight (k, r, s,
 * c). */
#define EACH_PRODUCT(s, y_at, x_at, w_at, body)                                                    \
	do {                                                                                       \
		int P_ = conv_out(s->h, s->top, s->bottom, s->r, s->stride);                       \
		int Q_ = conv_out(s->w, s->left, s->right, s->r, s->stride);                       \
		for (int n = 0; n < s->n; n++)                                                     \
			for (int p = 0; p < P_; p++)                                               \
				for (int q = 0; q < Q_; q++)                                       \
					EACH_TAP(s, y_at, x_at, w_at, body)                        \
	} while (0)

#define EACH_TAP(s, y_at, x_at, w_at, body)                                                        \
	for (int i = 0; i < s->r; i++)                                                             \
		for (int j = 0; j < s->r; j++) {                                                   \
			int h = p * s->stride + i - s->top, w_ = q * s->stride + j - s->left;      \
			if (h < 0 || h >= s->h || w_ < 0 || w_ >= s->w)                            \
				continue;                                                          \
			for (int k = 0; k < s->k; k++)                                             \
				for (int c = 0; c < s->c; c++) {                                   \
					int y_at = ((n * P_ + p) * Q_ + q) * s->k + k;             \
					int x_at = ((n * s->h + h) * s->w + w_) * s->c + c;        \
					int w_at = ((k * s->r + i) * s->r + j) * s->c + c;         \
					body;                                                      \
				}                                                                  \
		}

static size_t outputs(const struct conv_shape *s)
{
	return (size_t)s->n * (size_t)conv_out(s->h, s->top, s->bottom, s->r, s->stride) *
		(size_t)conv_out(s->w, s->left, s->right, s->r, s->stride) * (size_t)s->k;
}

void ref_conv(double *y, const double *x, const double *w, const struct conv_shape *s)
{
	memset(y, 0, outputs(s) * sizeof *y);
	EACH_PRODUCT(s, to, from, weight, y[to] += x[from] * w[weight]);
}

void ref_conv_data(double *dx, const double *dy, const double *w, const struct conv_shape *s)
{
	memset(dx, 0, (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c * sizeof *dx);
	EACH_PRODUCT(s, to, from, weight, dx[from] += dy[to] * w[weight]);
}

void ref_conv_weights(double *dw, const double *dy, const double *x, const struct conv_shape *s)
{
	memset(dw, 0, (size_t)s->k * (size_t)s->r * (size_t)s->r * (size_t)s->c * sizeof *dw);
	EACH_PRODUCT(s, to, from, weight, dw[weight] += dy[to] * x[from]);
}

void ref_gemm(double *c, const double *a, const double *b, int m, int n, int k, int ta, int tb,
	double beta)
{
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++) {
			double sum = beta != 0 ? beta * c[i * n + j] : 0;

			for (int l = 0; l < k; l++)
				sum += (ta ? a[l * m + i] : a[i * k + l]) *
					(tb ? b[j * k + l] : b[l * n + j]);
			c[i * n + j] = sum;
		}
}

static void norm_column(double *y, const double *x, double gamma, double beta,
	const double *residual, int relu, double eps, size_t rows, size_t stride)
{
	double mean = 0, variance = 0;

	for (size_t r = 0; r < rows; r++)
		mean += x[r * stride] / (double)rows;
	for (size_t r = 0; r < rows; r++)
		variance += (x[r * stride] - mean) * (x[r * stride] - mean) / (double)rows;
	for (size_t r = 0; r < rows; r++) {
		double v = gamma * (x[r * stride] - mean) / sqrt(variance + eps) + beta;

		v += residual ? residual[r * stride] : 0;
		y[r * stride] = relu && v < 0 ? 0 : v;
	}
}

void ref_norm(double *y, const double *x, const double *gamma, const double *beta,
	const double *residual, int relu, double eps, int groups, size_t rows, int channels)
{
	size_t width = (size_t)channels;

	for (size_t g = 0; g < (size_t)groups; g++)
		for (size_t c = 0; c < width; c++) {
			size_t at = g * rows * width + c;

			norm_column(y + at, x + at, gamma[c], beta[c],
				residual ? residual + at : NULL, relu, eps, rows, width);
		}
}

void ref_max_pool(double *y, uint8_t *index, const double *x, const struct pool_shape *s)
{
	int p = conv_out(s->h, s->top, s->bottom, s->r, s->stride);
	int q = conv_out(s->w, s->left, s->right, s->r, s->stride);

	for (int at = 0; at < s->n * p * q * s->c; at++) {
		int c = at % s->c, j = at / s->c % q, i = at / s->c / q % p, n = at / s->c / q / p;

		y[at] = -INFINITY;
		for (int place = s->r * s->r - 1; place >= 0; place--) {
			int h = i * s->stride - s->top + place / s->r;
			int w = j * s->stride - s->left + place % s->r;
			double v;

			if (h < 0 || h >= s->h || w < 0 || w >= s->w)
				continue;
			v = x[((n * s->h + h) * s->w + w) * s->c + c];
			if (v >= y[at]) {
				y[at] = v;
				index[at] = (uint8_t)place;
			}
		}
	}
}

void ref_mean_pool(double *y, const double *x, int n, int pixels, int c)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k < c; k++) {
			y[i * c + k] = 0;
			for (int pixel = 0; pixel < pixels; pixel++)
				y[i * c + k] += x[(i * pixels + pixel) * c + k] / pixels;
		}
}

void ref_unit_length(double *o, double *length, const double *u, size_t rows, int d)
{
	for (size_t r = 0; r < rows; r++) {
		double square = 0;

		for (size_t i = r * (size_t)d; i < (r + 1) * (size_t)d; i++)
			square += u[i] * u[i];
		length[r] = sqrt(fmax(square, 1e-12));
		for (size_t i = r * (size_t)d; i < (r + 1) * (size_t)d; i++)
			o[i] = u[i] / length[r];
	}
}

void ref_lars(double *p, double *m, const double *g, const struct param_span *spans, int count,
	const struct lars_step *step)
{
	for (int s = 0; s < count; s++) {
		const size_t from = spans[s].offset, to = from + spans[s].count;
		double decay = spans[s].plain ? 0 : step->weight_decay, p2 = 0, g2 = 0, ratio = 1;

		for (size_t i = from; i < to; i++) {
			p2 += p[i] * p[i];
			g2 += (g[i] + decay * p[i]) * (g[i] + decay * p[i]);
		}
		if (!spans[s].plain && p2 > 0 && g2 > 0)
			ratio = step->eta * sqrt(p2) / sqrt(g2);
		for (size_t i = from; i < to; i++) {
			m[i] = step->momentum * m[i] + ratio * (g[i] + decay * p[i]);
			p[i] -= step->lr * m[i];
		}
	}
}

static double at(
	double *x, size_t i, double shift, double (*f)(const double *x, void *with), void *with)
{
	double keep = x[i], value;

	x[i] = keep + shift;
	value = f(x, with);
	x[i] = keep;
	return value;
}

void ref_gradient(double *d, double *x, size_t n, double h,
	double (*f)(const double *x, void *with), void *with)
{
	for (size_t i = 0; i < n; i++) {
		double near = at(x, i, h, f, with) - at(x, i, -h, f, with);
		double far = at(x, i, 2 * h, f, with) - at(x, i, -2 * h, f, with);

		d[i] = (8 * near - far) / (12 * h);
	}
}
