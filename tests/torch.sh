#!/bin/sh
# A training step against PyTorch: the dump of a step, recomputed in double precision.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
find_python 'torch, h5py' || skip_all "PyTorch and h5py are not installed (python3-torch, python3-h5py)"
need_photographs
make_data
cd "$scratch" || exit 1

number=0
agrees() { # ranks, arguments...
	number=$((number + 1))
	pretrain "$@" --train.steps=3 --train.dump_step=2 --run.dir="t$number" || { show; return 1; }
	"$python" -W ignore "$abs_top_srcdir/tests/compare_torch.py" "t$number/step-000000002.h5" >said 2>&1 || show
}

plan 7
check "basic blocks, 2 ranks" agrees 2
check "bottlenecks, large stem, TensorFlow's padding" agrees 1 --model.arch=resnet50 --model.stem=imagenet --model.padding=same \
	--views.large_size=65 --views.small_size=33
check "three large views, small views follow the other large ones and count in the statistics" agrees 3 --views.large=3 \
	--loss.small_mode=4 --model.small_stats=true
check "large views follow the small ones" agrees 1 --loss.small_mode=2 --views.small=2
check "ReLIC version 1, weight decay" agrees 2 --views.small=0 --loss.diagonal=false --optim.weight_decay=1e-3
check "all others as negatives, target from the same weights" agrees 1 --loss.negatives=100 --model.target_init=copy
check "channels enough for Winograd's convolution" agrees 1 --model.width=0.5 --train.batch=24
