/* array_cuda.cu - arithmetic on arrays, and between floats and the device's elements. */
#include "gpu.h"

#include "gpu_array.h"

extern "C" void to_float_cuda(struct device *dev, float *y, const void *x, size_t n)
{
	if (dev->element == sizeof(float))
		array_apply<ARRAY_COPY>(cuda_of(dev), y, (const float *)x, 0, n);
	else
		array_apply<ARRAY_COPY>(cuda_of(dev), y, (const struct bf16 *)x, 0, n);
}

extern "C" void from_float_cuda(struct device *dev, void *y, const float *x, size_t n)
{
	if (dev->element == sizeof(float))
		array_apply<ARRAY_COPY>(cuda_of(dev), (float *)y, x, 0, n);
	else
		array_apply<ARRAY_COPY>(cuda_of(dev), (struct bf16 *)y, x, 0, n);
}

extern "C" void axpy_cuda(struct device *dev, float *y, float a, const float *x, size_t n)
{
	array_apply<ARRAY_ADD>(cuda_of(dev), y, x, a, n);
}
