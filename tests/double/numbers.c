#include "numbers.h"

#include <cblas.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

static uint32_t bits_of(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof bits);
	return bits;
}

static float float_of(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

size_t number_bytes(enum number type)
{
	return type == NUMBER_BF16 ? sizeof(uint16_t) : sizeof(float);
}

/* As PTX's cvt.rna.tf32.f32: to nearest, ties away from zero. */
static float round_tf32(float f)
{
	if (!isfinite(f))
		return f;
	return float_of((bits_of(f) + 0x1000u) & ~0x1fffu);
}

double number_read(const void *x, size_t i, enum number type)
{
	if (type == NUMBER_BF16)
		return float_of((uint32_t)((const uint16_t *)x)[i] << 16);
	if (type == NUMBER_TF32)
		return round_tf32(((const float *)x)[i]);
	return ((const float *)x)[i];
}

static uint16_t round_bf16(double value)
{
	float f = (float)value;
	uint32_t bits = bits_of(f);

	if (isnan(f))
		return (uint16_t)(bits >> 16 | 0x40u);
	/* A value that its rounding to float has moved onto a tie goes back to its side of it. */
	if ((bits & 0xffffu) == 0x8000u && (double)f != value)
		bits += fabs(value) > fabs((double)f) ? 1u : -1u;
	return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

void number_write(void *y, size_t i, enum number type, double value)
{
	if (type == NUMBER_BF16)
		((uint16_t *)y)[i] = round_bf16(value);
	else
		((float *)y)[i] = (float)value;
}

double *numbers_zero(size_t n)
{
	double *out = calloc(n ? n : 1, sizeof *out);

	if (!out)
		double_fault("no host memory for %zu doubles", n);
	return out;
}

double *numbers_read(const void *x, size_t n, enum number type)
{
	double *out = numbers_zero(n);

	for (size_t i = 0; i < n; i++)
		out[i] = number_read(x, i, type);
	return out;
}

void numbers_product(double *c, const double *a, const double *b, int m, int n, int k, int ta,
	int tb, double beta)
{
	openblas_set_num_threads(1); /* tests run side by side; and the same bits everywhere */
	cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
		m, n, k, 1, a, ta ? (m ? m : 1) : (k ? k : 1), b, tb ? (k ? k : 1) : (n ? n : 1),
		beta, c, n ? n : 1);
}

void numbers_spoil(void *p, size_t bytes)
{
	if (bytes)
		memset(p, 0xff, bytes);
}

int numbers_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
	uintptr_t first = (uintptr_t)a, second = (uintptr_t)b;

	return a_bytes && b_bytes && first < second + b_bytes && second < first + a_bytes;
}
