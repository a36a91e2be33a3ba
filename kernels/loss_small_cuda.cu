/* loss_small_cuda.cu - mode 3: what this rank's anchors give to everyone's small views.
 * It is gathered, so that it has an order: a block has one small view of one image, looks the image
 * up among the candidates of each anchor in turn (loss_cuda.cu noted where it is), and adds. */
#include "gpu.h"

#include "gpu_loss.h"

enum { BLOCK = 256 };

static __global__ void __launch_bounds__(BLOCK) small_kernel(float *g_small, const struct loss l)
{
	__shared__ int place[BLOCK];
	const struct relic_batch *in = &l.in;
	const int s = (int)blockIdx.x / in->total, c = (int)blockIdx.x % in->total;
	const int large = l.options.large;
	float *g = g_small + ((size_t)s * (size_t)in->total + (size_t)c) * (size_t)in->d;

	for (int column = 0; column < in->d; column += BLOCK) {
		const int x = column + (int)threadIdx.x;
		double sum = 0;

		for (int start = 0; start < l.part; start += BLOCK) {
			const int own = start + (int)threadIdx.x,
				  n = loss_fewer(l.part - start, BLOCK);

			if (own < l.part)
				place[threadIdx.x] =
					l.place[(size_t)own * (size_t)in->total + (size_t)c];
			__syncthreads();
			for (int j = 0; j < n && x < in->d; j++) {
				const int anchor = start + j, row = in->first + l.start + anchor;

				for (int b = 0; place[j] >= 0 && b < large; b++)
					sum += loss_rows(&l, anchor)
							.wq[(size_t)(s * large + b) *
									(size_t)l.count +
								(size_t)place[j]] *
						loss_embedding(in->t, b, in->total, row, in->d)[x];
			}
			__syncthreads(); /* before the next places are written */
		}
		if (x < in->d)
			g[x] = (l.start > 0 ? g[x] : 0.0f) + (float)(l.scale * sum);
	}
}

void loss_small_cuda(struct cuda *cuda, float *g_small, const struct loss *part)
{
	LAUNCH(small_kernel, (unsigned)part->options.small * (unsigned)part->in.total, BLOCK, cuda,
		g_small, *part);
}
