/* product_cpu.c - products of small matrices, by the machine's widest vectors. */
#include "product_cpu.h"

#include <dnnl.h>
#include <string.h>

#include "base/die.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
/* Less than -O2 contracts nothing: other results, and sums in memory. */
#pragma GCC optimize("O3", "fp-contract=fast")

/* 24 sums, 4 vectors of b and one of a: 32 registers */
#define TARGET "avx512f"
#define LANES 16
#define WIDTH 4
#define ASKS_ALL 1
#define NAME(x) x##_avx512
#include "product_block.h"

/* 12, 2 and one: 16 registers */
#define TARGET "avx2,fma"
#define LANES 8
#define WIDTH 2
#define ASKS_ALL 0
#define NAME(x) x##_avx2
#include "product_block.h"

static product_function *vectors(enum product_set set)
{
	if (set == PRODUCT_AVX512 && __builtin_cpu_supports("avx512f"))
		return make_avx512;
	if (set == PRODUCT_AVX2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return make_avx2;
	return NULL;
}
#else
static product_function *vectors(enum product_set set)
{
	(void)set;
	return NULL;
}
#endif

/* oneDNN takes k = 0 for nothing to do. */
static void by_onednn(const struct product *p, float *y, const float *a, const float *b)
{
	dnnl_status_t status = dnnl_success;

	if (p->k > 0)
		status = dnnl_sgemm(p->a_is_turned ? 'T' : 'N', 'N', (dnnl_dim_t)p->m,
			(dnnl_dim_t)p->n, (dnnl_dim_t)p->k, 1, a, (dnnl_dim_t)p->a_row, b,
			(dnnl_dim_t)p->b_row, (float)p->add, y, (dnnl_dim_t)p->y_row);
	else if (!p->add)
		for (size_t i = 0; i < p->m; i++)
			memset(y + i * p->y_row, 0, p->n * sizeof *y);
	CHECK(status == dnnl_success, "oneDNN reports status %d", (int)status);
}

product_function *product_of(enum product_set set)
{
	return set == PRODUCT_ONEDNN ? by_onednn : vectors(set);
}

enum product_set product_best(void)
{
	enum product_set set = PRODUCT_AVX512;

	while (!product_of(set))
		set++;
	return set;
}

size_t product_columns(enum product_set set)
{
	return set == PRODUCT_AVX2 ? 16 : 64;
}

void product_cpu(const struct product *p, float *y, const float *a, const float *b)
{
	product_of(product_best())(p, y, a, b);
}
