/* faulty.cc - see faulty.h.  Compiled as the .cu files are for the doubles. */
#include "gpu.h"

extern "C" {
#include "double/faulty.h"
}

enum { BLOCK = 128, WARPS = BLOCK / 32 };

template <int fault> static __device__ float warp_sum(float v)
{
	const unsigned mask = fault == PARTIAL_MASK ? 0xffff : 0xffffffff;

	for (int lanes = fault == LANES_OUTSIDE ? 32 : 16; lanes > 0; lanes /= 2)
		v += __shfl_xor_sync(mask, v, lanes);
	return v;
}

template <int fault> static __device__ float block_sum(float v)
{
	__shared__ float part[WARPS];

	if (fault != HALF_WARP_SHUFFLES || threadIdx.x % 32 < 16)
		v = warp_sum<fault>(v);
	if (threadIdx.x % 32 == 0 && (fault != UNWRITTEN_SHARED || threadIdx.x != 32))
		part[threadIdx.x / 32 + (fault == PAST_SHARED)] = v;
	if (fault == BARRIER_IN_BRANCH && threadIdx.x == 5)
		__syncthreads();
	if (fault == ANOTHER_BARRIER && threadIdx.x < 32)
		__syncthreads();
	else if (fault != NO_FIRST_BARRIER)
		__syncthreads();
	v = 0;
	for (int w = 0; w < WARPS; w++)
		v += part[w];
	if (fault != NO_SECOND_BARRIER)
		__syncthreads(); /* the next sum writes part again */
	return v;
}

template <int fault>
static __global__ __launch_bounds__(BLOCK) void sums_kernel(float *sums, const float *x, int cols)
{
	int row = blockIdx.x, last = fault == PAST_DEVICE;
	float sum = 0, squares = 0;

	if ((fault == EARLY_RETURN && threadIdx.x == 100) ||
		(fault == EARLY_RETURN_OF_FIRST && threadIdx.x == 0) ||
		(fault == EARLY_RETURN_OF_WARP && threadIdx.x / 32 == 1))
		return;
	for (int c = threadIdx.x; c < cols + last; c += BLOCK) {
		float v = x[(size_t)row * cols + c];

		sum += v;
		squares += v * v;
	}
	sum = block_sum<fault>(sum);
	squares = block_sum<fault>(squares);
	if (fault == ONE_BARRIER_MORE)
		for (int i = 0; i < 2 + (threadIdx.x >= 64); i++)
			__syncthreads();
	if (threadIdx.x == 0) {
		sums[2 * row] = sum;
		sums[2 * row + 1 + (fault == WRITE_PAST_DEVICE)] = squares;
	}
	if (fault == WRITE_BEFORE_DEVICE)
		sums[-1] = 0;
}

template <int fault>
static void launch_sums(struct cuda *cuda, float *sums, const float *x, int rows, int cols)
{
	LAUNCH(sums_kernel<fault>, rows, BLOCK, cuda, sums, x, cols);
}

extern "C" void faulty_sums(
	struct cuda *cuda, enum fault fault, float *sums, const float *x, int rows, int cols)
{
	static void (*const launch[FAULTS])(struct cuda *, float *, const float *, int, int) = {
		launch_sums<FINE>,
		launch_sums<NO_FIRST_BARRIER>,
		launch_sums<NO_SECOND_BARRIER>,
		launch_sums<BARRIER_IN_BRANCH>,
		launch_sums<ONE_BARRIER_MORE>,
		launch_sums<ANOTHER_BARRIER>,
		launch_sums<EARLY_RETURN>,
		launch_sums<EARLY_RETURN_OF_FIRST>,
		launch_sums<EARLY_RETURN_OF_WARP>,
		launch_sums<HALF_WARP_SHUFFLES>,
		launch_sums<PARTIAL_MASK>,
		launch_sums<LANES_OUTSIDE>,
		launch_sums<UNWRITTEN_SHARED>,
		launch_sums<PAST_SHARED>,
		launch_sums<PAST_DEVICE>,
		launch_sums<WRITE_PAST_DEVICE>,
		launch_sums<WRITE_BEFORE_DEVICE>,
	};

	launch[fault](cuda, sums, x, rows, cols);
}

static __global__ void warp_sums_kernel(float *sums, const float *x, int rows, int cols)
{
	int row = blockIdx.x * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
	float sum = 0, squares = 0;

	if (row >= rows)
		return;
	for (int c = lane; c < cols; c += 32) {
		float v = x[(size_t)row * cols + c];

		sum += v;
		squares += v * v;
	}
	sum = warp_sum<FINE>(sum);
	squares = warp_sum<FINE>(squares);
	if (lane == 0) {
		sums[2 * row] = sum;
		sums[2 * row + 1] = squares;
	}
}

extern "C" void faulty_warp_sums(struct cuda *cuda, float *sums, const float *x, int rows, int cols)
{
	LAUNCH(warp_sums_kernel, (rows + WARPS - 1) / WARPS, BLOCK, cuda, sums, x, rows, cols);
}

static __global__ void odd_blocks_kernel(float *y)
{
	__shared__ int numbers[64];

	if (blockIdx.x % 2 == 0) {
		y[blockIdx.x] = 1;
		return;
	}
	numbers[threadIdx.x] = threadIdx.x;
	for (unsigned left = 32; left > 0; left /= 2) {
		__syncthreads();
		if (threadIdx.x < left)
			numbers[threadIdx.x] += numbers[threadIdx.x + left];
	}
	if (threadIdx.x == 0)
		y[blockIdx.x] = numbers[0];
}

extern "C" void faulty_odd_blocks(struct cuda *cuda, float *y, int blocks)
{
	LAUNCH(odd_blocks_kernel, blocks, 64, cuda, y);
}

static __global__ void race_kernel(float *y)
{
	if (threadIdx.x == 0)
		y[0] = blockIdx.x;
}

extern "C" void faulty_race(struct cuda *cuda, float *y, int blocks)
{
	LAUNCH(race_kernel, blocks, 32, cuda, y);
}

static __global__ void fill_kernel(float *y, float value, size_t n)
{
	size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		y[i] = value;
}

extern "C" void faulty_fill(
	struct cuda *cuda, float *y, float value, size_t n, long grid, int block)
{
	LAUNCH(fill_kernel, grid, block, cuda, y, value, n);
}

extern "C" void faulty_fill_grid(struct cuda *cuda, float *y, int x, int y_blocks, int z)
{
	LAUNCH(fill_kernel, dim3(x, y_blocks, z), 32, cuda, y, 0, 0);
}

struct filled {
	int dummy;
	size_t n;
	float *y;
};

static __global__ void fill_struct_kernel(struct filled to, float value)
{
	size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;

	if (i < to.n)
		to.y[i] = value;
}

extern "C" void faulty_fill_struct(struct cuda *cuda, float *y, float value, size_t n)
{
	struct filled to = { 0, n, y };

	LAUNCH(fill_struct_kernel, n / 64 + 1, 64, cuda, to, value);
}

extern "C" void faulty_changed_arguments(struct cuda *cuda, float *y)
{
	float value = 1;
	size_t n = 1;

	LAUNCH(fill_kernel, 1, 32, cuda, y++, value++, n);
	LAUNCH(fill_kernel, 1, 32, cuda, y, value, n--);
	n = 0;
}

template <int floats> static __device__ void use_shared(float *y)
{
	__shared__ float numbers[floats];

	numbers[threadIdx.x] = 1;
	__syncthreads();
	if (threadIdx.x == 0)
		y[0] += numbers[31];
}

template <int floats> static __global__ void shared_kernel(float *y)
{
	use_shared<24 * 256>(y);
	use_shared<floats>(y);
}

extern "C" void faulty_shared(struct cuda *cuda, float *y, int too_many)
{
	if (too_many)
		LAUNCH(shared_kernel<25 * 256>, 1, 32, cuda, y);
	else
		LAUNCH(shared_kernel<23 * 256>, 1, 32, cuda, y);
}

static __global__ void vector_kernel(float *y, int i)
{
	if (threadIdx.x == 0)
		*(float4 *)(y + i) = make_float4(1, 1, 1, 1);
}

extern "C" void faulty_vector(struct cuda *cuda, float *y, int i)
{
	LAUNCH(vector_kernel, 1, 32, cuda, y, i);
}

static __global__ void three_dimensions_kernel(float *y)
{
	int t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);

	__syncthreads();
	y[t] = t;
}

extern "C" void faulty_three_dimensions(struct cuda *cuda, float *y)
{
	LAUNCH(three_dimensions_kernel, 1, dim3(4, 4, 2), cuda, y);
}

template <class T> static __device__ T typed_sum(T v)
{
	for (int lanes = 16; lanes > 0; lanes /= 2)
		v += __shfl_xor_sync(0xffffffffu, v, lanes);
	return v;
}

static __global__ void shuffle_types_kernel(double *y)
{
	double d = typed_sum(threadIdx.x + 1e-12);
	int i = typed_sum((int)threadIdx.x - 32);

	if (threadIdx.x == 0) {
		y[0] = d;
		y[1] = i;
	}
}

extern "C" void faulty_shuffle_types(struct cuda *cuda, double *y)
{
	LAUNCH(shuffle_types_kernel, 1, 32, cuda, y);
}

/* Each block but the first finds what nobody wrote in it. */
static __global__ void uninitialised_kernel(float *y)
{
	__shared__ float numbers[32];

	if (blockIdx.x == 0)
		numbers[threadIdx.x] = 1;
	if (threadIdx.x == 0)
		y[blockIdx.x] = 1 + numbers[5];
}

extern "C" void faulty_uninitialised(struct cuda *cuda, float *y, int blocks)
{
	LAUNCH(uninitialised_kernel, blocks, 32, cuda, y);
}
