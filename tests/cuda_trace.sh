#!/bin/sh
# What one step of the paper's network (ResNet-50, 4 x 224 + 2 x 96 pixels) asks of a GPU: counted by the double of the runtime,
# which is idle here, so that the sizes are the real ones.  A step waits once, for its loss, and allocates nothing.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
TMPDIR=$scratch
CUDA_DOUBLE_IDLE=1
export TMPDIR CUDA_DOUBLE_IDLE
program=$abs_top_builddir/tests/reliquary_double

# counted RANKS PRECISION WORDS: the line that bench --trace prints
counted() {
	timeout 120 mpirun --oversubscribe --bind-to none -n "$1" "$program" bench --trace --device=cuda --precision="$2" --images 8 \
		--threads=1 >"$scratch/said" 2>&1 &&
		grep -F "a step of rank 0 of $1 on cuda: $3" "$scratch/said" >/dev/null || { sed 's/^/# /' "$scratch/said"; return 1; }
}

plan 3
check "float32 on 1 rank" counted 1 float32 "launches 1606, copies 5, collectives 0, waits 1, allocations 0"
check "bfloat16 on 1 rank" counted 1 bf16 "launches 1714, copies 5, collectives 0, waits 1, allocations 0"
# 270 sums of batch norm, the embeddings, the loss, and 13 buckets of gradients
check "float32 on 2 ranks" counted 2 float32 "launches 1606, copies 5, collectives 285, waits 1, allocations 0"
