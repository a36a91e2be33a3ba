/* cpu.c - the CPU as a device: its threads, its memory, and the table of its operations. */
#include "cpu.h"

#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "nn/about.h"

struct cpu *cpu_of(struct device *dev)
{
	struct cpu *cpu = (struct cpu *)dev;

	/* The setting belongs to the calling thread, and other devices of the process may differ.
	 */
	omp_set_num_threads(cpu->threads);
	return cpu;
}

/* Zeros without writing them: pages of large arrays come, cleared, as they are first used, by the
 * thread that uses them.  A run of gigabytes so starts at once.  From a few huge pages on they are
 * asked for: passes over memory then miss the address cache less; where the kernel has none,
 * nothing changes.  What calloc gave stands before the aligned array. */
static void *take(size_t bytes)
{
	enum { LINE = 64, HUGE_PAGE = 2 << 20, LARGE = 8 << 20 };
	size_t align = bytes >= LARGE ? HUGE_PAGE : LINE;
	char *given = xcalloc(1, cpu_round(bytes) + LINE + align), *p = given + LINE + align - 1;

	p -= (uintptr_t)p % align;
	if (bytes >= LARGE)
		madvise(p, bytes, MADV_HUGEPAGE); /* a wish: its failure is none of ours */
	((void **)p)[-1] = given;
	return p;
}

static void give_back(void *p)
{
	void *given = p ? ((void **)p)[-1] : NULL;

	xfree(given);
}

void *cpu_scratch(struct cpu *cpu, size_t bytes)
{
	if (bytes > cpu->scratch_bytes) {
		give_back(cpu->scratch);
		cpu->scratch = take(bytes);
		cpu->scratch_bytes = bytes;
	}
	return cpu->scratch;
}

static void begin(struct cpu *cpu, int backwards)
{
	cpu->backwards = backwards;
	for (int t = 0; t < cpu->threads; t++)
		atomic_store_explicit(&cpu->shares[t].taken, 0, memory_order_relaxed);
}

void cpu_turn(struct cpu *cpu)
{
	begin(cpu, !cpu->backwards);
}

void cpu_go_forwards(struct cpu *cpu)
{
	begin(cpu, 0);
}

size_t cpu_next(const struct cpu *cpu, size_t n)
{
	size_t threads = (size_t)cpu->threads, self = (size_t)omp_get_thread_num();

	for (size_t i = 0; i < threads; i++) {
		size_t t = (self + i) % threads, first = n * t / threads;
		size_t end = n * (t + 1) / threads;
		size_t taken =
			atomic_fetch_add_explicit(&cpu->shares[t].taken, 1, memory_order_relaxed);

		if (taken < end - first)
			return cpu->backwards ? end - 1 - taken : first + taken;
	}
	return n;
}

static struct device *open_cpu(const struct device_options *options, char *err)
{
	struct cpu *cpu;

	if (options->threads < 1) {
		fail(err, "device cpu: %d compute threads; it needs at least 1", options->threads);
		return NULL;
	}
	if (options->precision != PRECISION_FLOAT32) {
		fail(err, "device cpu computes in float32 only: leave precision=float32");
		return NULL;
	}
	cpu = xcalloc(1, sizeof *cpu);
	/* One view at a time: its arrays are nearer to the caches' size, and memory is half. */
	cpu->device = (struct device){
		.be = &backend_cpu, .element = sizeof(float), .recompute = RECOMPUTE_OUTPUTS
	};
	cpu->threads = options->threads;
	cpu->shares = take((size_t)cpu->threads * sizeof *cpu->shares);
	cpu->convolution = options->convolution;
	omp_set_num_threads(cpu->threads);
	DNNL_CHECK(dnnl_engine_create(&cpu->engine, dnnl_cpu, 0));
	DNNL_CHECK(dnnl_stream_create(&cpu->stream, cpu->engine, dnnl_stream_default_flags));
	return &cpu->device;
}

static void close_cpu(struct device *dev)
{
	struct cpu *cpu = (struct cpu *)dev;

	if (!cpu)
		return;
	DNNL_CHECK(dnnl_stream_destroy(cpu->stream));
	DNNL_CHECK(dnnl_engine_destroy(cpu->engine));
	give_back(cpu->scratch);
	give_back(cpu->shares);
	xfree(cpu);
}

static void *alloc_cpu(struct device *dev, size_t bytes, const char *purpose)
{
	(void)purpose;
	dev->counts.allocations++;
	return take(bytes);
}

static void free_cpu(struct device *dev, void *p)
{
	(void)dev;
	give_back(p);
}

/* Upload, download and copy are one here.  Large ones are shared among the threads, as pages may be
 * new. */
static void copy_cpu(struct device *dev, void *to, const void *from, size_t bytes)
{
	const size_t piece = 4 << 20;
	struct cpu *cpu = cpu_of(dev);

#pragma omp parallel for num_threads(cpu->threads) if (bytes > piece)
	for (size_t at = 0; at < bytes; at += piece)
		memcpy((char *)to + at, (const char *)from + at,
			bytes - at < piece ? bytes - at : piece);
}

static void zero_cpu(struct device *dev, void *p, size_t bytes)
{
	const size_t piece = 4 << 20;
	struct cpu *cpu = cpu_of(dev);

#pragma omp parallel for num_threads(cpu->threads) if (bytes > piece)
	for (size_t at = 0; at < bytes; at += piece)
		memset((char *)p + at, 0, bytes - at < piece ? bytes - at : piece);
}

static void to_float_cpu(struct device *dev, float *y, const void *x, size_t n)
{
	copy_cpu(dev, y, x, n * sizeof *y);
}

static void from_float_cpu(struct device *dev, void *y, const float *x, size_t n)
{
	copy_cpu(dev, y, x, n * sizeof *x);
}

/* Every operation here is done when it returns. */
static void wait_cpu(struct device *dev)
{
	(void)dev;
}

static void about_cpu(struct device_about *about, struct device *dev)
{
	const dnnl_version_t *v = dnnl_version();

	(void)dev;
	*about = (struct device_about){ 0 };
	snprintf(about->libraries, sizeof about->libraries, "oneDNN %d.%d.%d", v->major, v->minor,
		v->patch);
}

const struct backend backend_cpu = {
	.name = "cpu",
	.naive_views = 1,
	.open = open_cpu,
	.close = close_cpu,
	.about = about_cpu,
	.alloc = alloc_cpu,
	.free = free_cpu,
	.upload = copy_cpu,
	.download = copy_cpu,
	.copy = copy_cpu,
	.zero = zero_cpu,
	.wait = wait_cpu,
	.to_float = to_float_cpu,
	.from_float = from_float_cpu,
	.connect = connect_cpu,
	.sum_double = sum_double_cpu,
	.sum_float = sum_float_cpu,
	.sum_start = sum_start_cpu,
	.sum_finish = sum_finish_cpu,
	.gather = gather_cpu,
	.axpy = axpy_cpu,
	.images = images_cpu,
	.views = views_cpu,
	.conv_open = conv_open_cpu,
	.conv_close = conv_close_cpu,
	.conv_forward = conv_forward_cpu,
	.conv_forward_sums = conv_forward_sums_cpu,
	.conv_backward_data = conv_backward_data_cpu,
	.conv_backward_data_sums = conv_backward_data_sums_cpu,
	.conv_backward_weights = conv_backward_weights_cpu,
	.linear_forward = linear_forward_cpu,
	.linear_backward_data = linear_backward_data_cpu,
	.linear_backward_weights = linear_backward_weights_cpu,
	.gemm = gemm_cpu,
	.bias_add = bias_add_cpu,
	.bias_gradient = bias_gradient_cpu,
	.norm_sums = norm_sums_cpu,
	.norm_statistics = norm_statistics_cpu,
	.norm_running = norm_running_cpu,
	.norm_apply = norm_apply_cpu,
	.norm_backward_sums = norm_backward_sums_cpu,
	.norm_parameter_gradient = norm_parameter_gradient_cpu,
	.norm_backward = norm_backward_cpu,
	.max_pool = max_pool_cpu,
	.max_pool_backward = max_pool_backward_cpu,
	.mean_pool = mean_pool_cpu,
	.mean_pool_backward = mean_pool_backward_cpu,
	.unit_length = unit_length_cpu,
	.unit_length_backward = unit_length_backward_cpu,
	.relic_loss = relic_loss_cpu,
	.param_norms = param_norms_cpu,
	.lars = lars_cpu,
	.ema = ema_cpu,
};
