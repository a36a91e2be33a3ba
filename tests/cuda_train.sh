#!/bin/sh
# Part of 'make check-gpu': the whole program has the same losses on the CPU and on the GPU.  (On the doubles, cuda_program.sh
# looks closer.)
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
make_data
cd "$scratch" || exit 1
steps=20

train() { # device
	pretrain 1 --device="$1" --train.steps=$steps --optim.lr=0.2 --run.dir="$scratch/$1" || show
}
# Sums in another order and the math library's last bits, which training amplifies.
close_loss() { # step, tolerance
	near "$(metric cuda "$1" loss)" "$(metric cpu "$1" loss)" "$2"
}

plan 4
check "$steps steps on cpu" train cpu
check "$steps steps on cuda" train cuda
check "the first loss within 1e-5" close_loss 1 1e-5
check "the last loss within 1e-3" close_loss $steps 1e-3
