#ifndef SIMT_H
#define SIMT_H

/* Run a .cu file on the host, compiled by g++ or clang++ and not by nvcc: kernels/gpu.h includes
 * this in the place of <cuda_runtime.h>.
 *
 * One block runs at a time on one OS thread, so __shared__ arrays are plain statics; a thread of
 * the block that meets a barrier is a fiber.  What is checked is listed in simt.cc. */

/* The real headers define it only when nobody has.  A thread that comes past a shared array says
 * so, and it is filled with NaN before the next block.  `used`: the compiler must not conclude that
 * an array which nobody writes is zero. */
#define __shared__                                                                                 \
	simt_shared(__func__);                                                                     \
	static __attribute__((used))

#include <cuda_runtime_api.h>
#include <vector_functions.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HOST_DEVICE
#undef __launch_bounds__
#define __launch_bounds__(...)

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
enum { warpSize = 32 };

#define __syncthreads() simt_barrier(__FILE__, __LINE__)
#define __shfl_xor_sync(mask, v, lanes) simt_shuffle_xor((mask), (v), (lanes), __FILE__, __LINE__)

/* The launch is checked and queued, with copies of its arguments; it runs when the host waits. */
#define LAUNCH(kernel, grid, block, cuda, ...)                                                     \
	do {                                                                                       \
		const struct simt_launch launch_ = { __FILE__, __LINE__, #kernel, simt_dim(grid),  \
			simt_dim(block), NULL, NULL };                                             \
		simt_queue((cuda)->compute, launch_, simt_of(kernel).pack(__VA_ARGS__),            \
			[](auto... a_) { (kernel)(a_...); });                                      \
		(cuda)->device.counts.launches++;                                                  \
	} while (0)

/* ---- what the macros use ---- */

struct simt_launch {
	const char *file;
	int line;
	const char *kernel;
	dim3 grid, block;
	/* Call the kernel for the current thread, or for one thread of the block after another
	 * until one has met a barrier. */
	void (*one)(const struct simt_launch *launch);
	void (*all)(const struct simt_launch *launch);
};

extern "C" {
extern unsigned simt_threads, simt_thread; /* of the running block; the running one */
extern int simt_reverse;                   /* SIMT_ORDER=reverse */
extern int simt_split;                     /* a thread of this block has met a barrier */

void simt_shared(const char *function); /* its __func__ */
void simt_barrier(const char *file, int line);
uint64_t simt_exchange(unsigned mask, uint64_t bits, int lanes, const char *file, int line);
/* Check the shape; queue launch, which begins the bytes at work. */
void simt_enqueue(cudaStream_t stream, const struct simt_launch *launch, size_t bytes);
/* Argument i, [p, p + bytes), must not point to the host's memory; is_pointer: it is one pointer,
 * else a struct that may hold some. */
void simt_check_argument(
	const struct simt_launch *launch, int i, const void *p, size_t bytes, int is_pointer);
unsigned simt_dim_checked(long long n);
}

static inline dim3 simt_dim(const dim3 &d)
{
	return d;
}

template <class T> static inline dim3 simt_dim(T n)
{
	return dim3(simt_dim_checked((long long)n), 1, 1);
}

/* Become thread t of the block. */
static inline void simt_become(unsigned t)
{
	simt_thread = t;
	threadIdx.x = t;
	if (blockDim.y > 1 || blockDim.z > 1) {
		threadIdx.x = t % blockDim.x;
		threadIdx.y = t / blockDim.x % blockDim.y;
		threadIdx.z = t / (blockDim.x * blockDim.y);
	}
}

template <class T>
static inline T simt_shuffle_xor(unsigned mask, T v, int lanes, const char *file, int line)
{
	uint64_t bits = 0;

	static_assert(sizeof v == 4 || sizeof v == 8, "a GPU shuffles 4 or 8 bytes");
	memcpy(&bits, &v, sizeof v);
	bits = simt_exchange(mask, bits, lanes, file, line);
	memcpy(&v, &bits, sizeof v);
	return v;
}

template <class T> struct simt_is_pointer {
	enum { value = 0 };
};
template <class T> struct simt_is_pointer<T *> {
	enum { value = 1 };
};

/* The gaps of a struct may have anything in them, so they are cleared first, by those compilers
 * that can. */
template <class P>
static inline void simt_check(const struct simt_launch *launch, int i, P argument)
{
	if (simt_is_pointer<P>::value)
		simt_check_argument(launch, i, &argument, sizeof argument, 1);
#if __has_builtin(__builtin_clear_padding)
	if (__is_class(P)) {
		__builtin_clear_padding(&argument);
		simt_check_argument(launch, i, &argument, sizeof argument, 0);
	}
#endif
}

/* The arguments of one launch: a plain struct, that can be copied as bytes. */
template <class... P> struct simt_arguments;

template <> struct simt_arguments<> {
	void check(const struct simt_launch *, int) const
	{
	}
	template <class F, class... Q>
	inline __attribute__((always_inline)) void call(F f, const Q &...q) const
	{
		f(q...);
	}
};

template <class P, class... Rest> struct simt_arguments<P, Rest...> {
	P first;
	simt_arguments<Rest...> rest;

	void check(const struct simt_launch *launch, int i) const
	{
		simt_check(launch, i, first);
		rest.check(launch, i + 1);
	}
	template <class F, class... Q>
	inline __attribute__((always_inline)) void call(F f, const Q &...q) const
	{
		rest.call(f, q..., first);
	}
};

static inline simt_arguments<> simt_pack()
{
	return {};
}

template <class P, class... Rest>
static inline simt_arguments<P, Rest...> simt_pack(P first, Rest... rest)
{
	return { first, simt_pack(rest...) };
}

/* The signature of a kernel: pack converts as a call would. */
template <class... P> struct simt_signature {
	static simt_arguments<P...> pack(P... p)
	{
		return simt_pack<P...>(p...);
	}
};

template <class... P> static inline simt_signature<P...> simt_of(void (*)(P...))
{
	return {};
}

template <class A, class F> struct simt_work {
	struct simt_launch launch; /* first: a pointer to it is one to the whole */
	A arguments;
	F kernel; /* without state: the compiler sees which kernel is called */

	static void one(const struct simt_launch *launch)
	{
		const simt_work *work = (const simt_work *)launch;

		work->arguments.call(work->kernel);
	}
	static void all(const struct simt_launch *launch)
	{
		const simt_work *work = (const simt_work *)launch;

		for (unsigned i = 0; i < simt_threads; i++) {
			simt_become(simt_reverse ? simt_threads - 1 - i : i);
			work->arguments.call(work->kernel);
			if (simt_split)
				return;
		}
	}
};

template <class A, class F>
static inline void simt_queue(
	cudaStream_t stream, struct simt_launch launch, const A &arguments, F kernel)
{
	simt_work<A, F> work = { launch, arguments, kernel };

	static_assert(__is_trivially_copyable(A), "arguments of a kernel are plain data");
	static_assert(alignof(simt_work<A, F>) <= 16, "more than the queue aligns");
	work.launch.one = work.one;
	work.launch.all = work.all;
	arguments.check(&work.launch, 1);
	simt_enqueue(stream, &work.launch, sizeof work);
}

/* ---- what CUDA has and C has not ---- */

/* By macros, since a later C library has functions of these names. */
#define rsqrtf(x) (1.0f / sqrtf(x))
#define rsqrt(x) (1.0 / sqrt(x))

#define SIMT_MIN_MAX(type)                                                                         \
	static inline type min(type a, type b)                                                     \
	{                                                                                          \
		return b < a ? b : a;                                                              \
	}                                                                                          \
	static inline type max(type a, type b)                                                     \
	{                                                                                          \
		return a < b ? b : a;                                                              \
	}
SIMT_MIN_MAX(int)
SIMT_MIN_MAX(unsigned)
SIMT_MIN_MAX(long)
SIMT_MIN_MAX(unsigned long)
SIMT_MIN_MAX(long long)
SIMT_MIN_MAX(unsigned long long)
#undef SIMT_MIN_MAX

static inline float min(float a, float b)
{
	return fminf(a, b);
}

static inline float max(float a, float b)
{
	return fmaxf(a, b);
}

static inline double min(double a, double b)
{
	return fmin(a, b);
}

static inline double max(double a, double b)
{
	return fmax(a, b);
}

/* One thread runs at a time; float has none, its sums would depend on the order. */
static inline int atomicAdd(int *p, int v)
{
	int old = *p;

	*p = old + v;
	return old;
}

static inline unsigned atomicAdd(unsigned *p, unsigned v)
{
	unsigned old = *p;

	*p = old + v;
	return old;
}

template <class T> static inline T __ldg(const T *p)
{
	return *p;
}

static inline float __uint_as_float(unsigned bits)
{
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

static inline unsigned __float_as_uint(float f)
{
	unsigned bits;

	memcpy(&bits, &f, sizeof bits);
	return bits;
}

#endif
