/* cuda_device.c - a GPU as a device: opening it with its libraries, and the table of its
 * operations. What is wrong with a machine shows here first, so each way in which opening can fail
 * says what it means and what to do; all later faults end the job. */
#include "cuda_device.h"
#include "cuda_sizes.h"

#include <stdlib.h>

#include "base/memory.h"

enum { CAPABILITY = 8 /* the oldest major that the kernels are compiled for; 8 has bfloat16 */ };

static const char *visible_devices(void)
{
	const char *list = getenv("CUDA_VISIBLE_DEVICES");

	return list ? list : "not set";
}

/* -1 with the reason in err, unless the call succeeded. */
static int try_cuda(cudaError_t error, const char *call, char *err)
{
	int driver = 0;

	if (error == cudaSuccess)
		return 0;
	if (error == cudaErrorInsufficientDriver && cudaDriverGetVersion(&driver) == cudaSuccess &&
		driver > 0)
		return fail(err,
			"device cuda: %s: the NVIDIA driver here is for CUDA %d.%d, older than the "
			"%d.%d that this program was built with: update the driver; --device cpu "
			"works here",
			call, driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000,
			CUDART_VERSION % 1000 / 10);
	return fail(err,
		"device cuda: %s: %s (%s)%s; CUDA_VISIBLE_DEVICES: %s; --device cpu works here",
		call, cudaGetErrorString(error), cudaGetErrorName(error), cuda_meaning(error),
		visible_devices());
}

#define TRY(call, err) try_cuda((call), #call, (err))

/* Make GPU `index` of those that this process sees the current one; *device: which it is. */
static int select_device(int index, int *device, char *err)
{
	int count = 0;

	if (try_cuda(cudaGetDeviceCount(&count), "cudaGetDeviceCount", err) != 0)
		return -1;
	/* A launcher may show each rank a GPU of its own (Slurm's --gpus-per-task=1); should ranks
	 * share one, NCCL says so. */
	if (count == 1 && getenv("CUDA_VISIBLE_DEVICES"))
		index = 0;
	if (index >= count)
		return fail(err,
			"device cuda: this is rank %d of its node (from 0) and would take GPU %d, "
			"but sees only %d (CUDA_VISIBLE_DEVICES: %s): one rank needs one GPU, so "
			"start at most %d ranks per node, or let each rank see all GPUs of the "
			"node",
			index, index, count, visible_devices(), count);
	*device = index;
	return try_cuda(cudaSetDevice(index), "cudaSetDevice", err);
}

/* This build against the GPU and the libraries that are here. */
static int check_versions(struct cuda *cuda, char *err)
{
	int major = 0, minor = 0, dnn = (int)(cudnnGetVersion() / 10000);

	if (TRY(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, cuda->index),
		    err) != 0 ||
		TRY(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, cuda->index),
			err) != 0 ||
		TRY(cudaDeviceGetAttribute(
			    &cuda->multiprocessors, cudaDevAttrMultiProcessorCount, cuda->index),
			err) != 0)
		return -1;
	if (major < CAPABILITY)
		return fail(err,
			"device cuda: GPU %d has compute capability %d.%d, and this program needs "
			"%d.0 (A100) or later; --device cpu works here",
			cuda->index, major, minor, CAPABILITY);
	if (dnn != CUDNN_MAJOR)
		return fail(err,
			"device cuda: the cuDNN library here is version %d, but this program was "
			"built with version %d: put the right one first in LD_LIBRARY_PATH",
			dnn, CUDNN_MAJOR);
	return try_cuda(cuda_kernels_probe(), "cudaFuncGetAttributes", err);
}

static int open_libraries(struct cuda *cuda, char *err)
{
	static const cublasMath_t math[] = {
		[PRECISION_FLOAT32] = CUBLAS_DEFAULT_MATH,
		[PRECISION_TF32] = CUBLAS_TF32_TENSOR_OP_MATH,
		/* else parts of a sum may be added up in bfloat16 */
		[PRECISION_BF16] = CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION,
	};
	cublasStatus_t blas = cublasCreate(&cuda->blas);
	cudnnStatus_t dnn = cudnnCreate(&cuda->dnn);

	if (blas != CUBLAS_STATUS_SUCCESS)
		return fail(err,
			"device cuda: cublasCreate: %s; is all memory of GPU %d in use (nvidia-smi)?",
			cublasGetStatusString(blas), cuda->index);
	if (dnn != CUDNN_STATUS_SUCCESS)
		return fail(err,
			"device cuda: cudnnCreate: %s; are all of cuDNN's libraries (libcudnn_*.so) "
			"beside libcudnn.so?",
			cudnnGetErrorString(dnn));
	CUDNN_CHECK(cudnnSetStream(cuda->dnn, cuda->compute));
	CUBLAS_CHECK(cublasSetStream(cuda->blas, cuda->compute));
	/* After the stream, which sets it back to memory that cuBLAS allocates. */
	cuda->blas_workspace = alloc_cuda(&cuda->device, CUDA_BLAS_WORKSPACE, "cuBLAS workspace");
	CUBLAS_CHECK(cublasSetWorkspace(cuda->blas, cuda->blas_workspace, CUDA_BLAS_WORKSPACE));
	CUBLAS_CHECK(cublasSetMathMode(cuda->blas, math[cuda->device.precision]));
	return 0;
}

static int open_parts(struct cuda *cuda, char *err)
{
	cudaStream_t *streams[] = { &cuda->compute, &cuda->upload, &cuda->ranks_stream };

	if (check_versions(cuda, err) != 0)
		return -1;
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
		if (TRY(cudaStreamCreateWithFlags(streams[i], cudaStreamNonBlocking), err) != 0)
			return -1;
	cuda->reached = cuda_event();
	cuda_staging_open(cuda);
	return open_libraries(cuda, err);
}

struct device *open_cuda(const struct device_options *options, char *err)
{
	struct cuda *cuda;
	int device = 0;

	if (select_device(options->index, &device, err) != 0)
		return NULL;
	cuda = xcalloc(1, sizeof *cuda);
	cuda->device.be = &backend_cuda;
	cuda->device.precision = options->precision;
	cuda->device.recompute = RECOMPUTE_NONE;
	cuda->device.element = options->precision == PRECISION_BF16 ? 2 : sizeof(float);
	cuda->index = device;
	cuda->workspace_limit = options->workspace > 0 ? options->workspace : DEVICE_WORKSPACE;
	if (open_parts(cuda, err) == 0)
		return &cuda->device;
	close_cuda(&cuda->device);
	return NULL;
}

/* Of what open has got, so much as there is. */
void close_cuda(struct device *dev)
{
	struct cuda *cuda = cuda_of(dev);
	cudaStream_t streams[3];

	if (!dev)
		return;
	if (cuda->reached)
		wait_cuda(dev);
	cuda_ranks_close(cuda);
	cuda_images_close(cuda);
	cuda_convs_close(cuda);
	if (cuda->dnn)
		CUDNN_CHECK(cudnnDestroy(cuda->dnn));
	if (cuda->blas)
		CUBLAS_CHECK(cublasDestroy(cuda->blas));
	CUDA_CHECK(cudaFree(cuda->blas_workspace));
	CUDA_CHECK(cudaFree(cuda->scratch));
	cuda_staging_close(cuda);
	streams[0] = cuda->compute, streams[1] = cuda->upload, streams[2] = cuda->ranks_stream;
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
		if (streams[i])
			CUDA_CHECK(cudaStreamDestroy(streams[i]));
	if (cuda->reached)
		CUDA_CHECK(cudaEventDestroy(cuda->reached));
	xfree(cuda);
}

const struct backend backend_cuda = {
	.name = "cuda",
	.open = open_cuda,
	.close = close_cuda,
	.about = about_cuda,
	.alloc = alloc_cuda,
	.free = free_cuda,
	.upload = upload_cuda,
	.download = download_cuda,
	.copy = copy_cuda,
	.zero = zero_cuda,
	.wait = wait_cuda,
	.to_float = to_float_cuda,
	.from_float = from_float_cuda,
	.connect = connect_cuda,
	.sum_double = sum_double_cuda,
	.sum_float = sum_float_cuda,
	.sum_start = sum_start_cuda,
	.sum_finish = sum_finish_cuda,
	.gather = gather_cuda,
	.axpy = axpy_cuda,
	.images = images_cuda,
	.views = views_cuda,
	.conv_open = conv_open_cuda,
	.conv_close = conv_close_cuda,
	.conv_forward = conv_forward_cuda,
	.conv_forward_sums = conv_forward_sums_cuda,
	.conv_backward_data = conv_backward_data_cuda,
	.conv_backward_data_sums = conv_backward_data_sums_cuda,
	.conv_backward_weights = conv_backward_weights_cuda,
	.linear_forward = linear_forward_cuda,
	.linear_backward_data = linear_backward_data_cuda,
	.linear_backward_weights = linear_backward_weights_cuda,
	.gemm = gemm_cuda,
	.bias_add = bias_add_cuda,
	.bias_gradient = bias_gradient_cuda,
	.norm_sums = norm_sums_cuda,
	.norm_statistics = norm_statistics_cuda,
	.norm_running = norm_running_cuda,
	.norm_apply = norm_apply_cuda,
	.norm_backward_sums = norm_backward_sums_cuda,
	.norm_parameter_gradient = norm_parameter_gradient_cuda,
	.norm_backward = norm_backward_cuda,
	.max_pool = max_pool_cuda,
	.max_pool_backward = max_pool_backward_cuda,
	.mean_pool = mean_pool_cuda,
	.mean_pool_backward = mean_pool_backward_cuda,
	.unit_length = unit_length_cuda,
	.unit_length_backward = unit_length_backward_cuda,
	.relic_loss = relic_loss_cuda,
	.param_norms = param_norms_cuda,
	.lars = lars_cuda,
	.ema = ema_cuda,
};
