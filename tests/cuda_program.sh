#!/bin/sh
# The whole program on --device cuda, with the doubles of the GPU: 1, 2 and 3 ranks make the same views, draw the same candidates
# and have the same losses and gradients as the CPU; resuming, evaluation, recomputed views, bfloat16, and any order of streams
# and threads.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
command -v h5diff >/dev/null || skip_all "h5diff is not installed (hdf5-tools)"
make_data
cd "$scratch" || exit 1
RELIQUARY=$abs_top_builddir/tests/reliquary_double
first=step-000000000.h5
limit=400 # seconds of a run: the doubles are slow

train() { # name, ranks, arguments...
	name=$1 n=$2
	shift 2
	pretrain "$n" --optim.lr=0.2 --workspace_mib=4 --run.dir="$scratch/$name" "$@" || show
}
same() { # two dumps, names: bit for bit
	a=$1 b=$2
	shift 2
	for name; do
		h5diff -q "$a/$first" "$b/$first" "/$name" || { echo "# /$name differs"; return 1; }
	done
}
# |a - b| <= BOUND for all numbers below a name; h5diff counts attributes too, where the data's checksums are.
close() { # two runs, name, bound
	h5diff -v -d "$4" "$1/$first" "$2/$first" "/$3" |
		awk '/^dataset:/ { data = 1; seen++ } /^attribute:/ { data = 0 }
			data && / differences found/ && $1 > 0 { print "# " $0; bad = 1 } END { exit bad || !seen }'
}
# Views share their arithmetic, and differ by the exponential functions and the order of the sums for the contrast. Embeddings
# have length 1; gradients are of the order of 1: sums of some thousand products, in another order.
close_step() { # run
	close cpu "$1" views 2e-5 && close cpu "$1" o 2e-5 && close cpu "$1" t 2e-5 && close cpu "$1" gradients 1e-3 &&
		near "$(metric "$1" 1 loss)" "$(metric cpu 1 loss)" 1e-5
}
close_loss() { # two runs, step, bound
	near "$(metric "$1" "$3" loss)" "$(metric "$2" "$3" loss)" "$4"
}
losses() { # run
	sed 's/.*"loss":\([^,]*\).*/\1/' "$1/metrics.jsonl"
}

plan 25
check "20 steps on the CPU" train cpu 1 --train.steps=20 --train.dump_step=0
for n in 1 2 3; do
	check "20 steps on $n ranks of cuda" train "cuda$n" "$n" --device=cuda --train.steps=20 --train.dump_step=0
	check "$n ranks: images, candidates and weights are the CPU's, bit for bit" same cpu "cuda$n" images candidates before
	check "$n ranks: views, embeddings, gradients and loss of step 1 are the CPU's" close_step "cuda$n"
	check "$n ranks: loss of step 20 within 1e-3" close_loss cpu "cuda$n" 20 1e-3
done

# The first lines of a run in one go are those of two parts.
stop_and_resume() { # ranks
	train "parts$1" "$1" --device=cuda --train.steps=20 --train.stop_after=2
	[ -d "parts$1/checkpoints" ] || return 1
	train "parts$1" "$1" --device=cuda --train.steps=20 --train.stop_after=4 --run.resume=true
	losses "parts$1" >a && losses "cuda$1" | head -n 4 >b && [ -s a ] && cmp a b
}
for n in 1 2 3; do
	check "$n ranks: stopped and resumed, the same bits as in one go" stop_and_resume $n
done

any_order() {
	CUDA_DOUBLE_ORDER=eager SIMT_ORDER=reverse train eager 2 --device=cuda --train.steps=20 --train.stop_after=3
	CUDA_DOUBLE_ORDER=random:7 train random 2 --device=cuda --train.steps=20 --train.stop_after=3
	losses cuda2 | head -n 3 >a && losses eager >b && losses random >c && [ -s a ] && cmp a b && cmp a c
}
check "streams and threads in other orders: the same bits" any_order

recomputed() {
	train views 1 --device=cuda --train.steps=3 --train.dump_step=0 --train.recompute=views && close_step views
}
check "train.recompute=views: the same gradients" recomputed

refused() {
	pretrain 1 --run.dir="$scratch/exact" --device=cuda --views.exact=true
	grep -q "views.exact=true: device 'cuda'" "$scratch/said" && ! [ -e exact/metrics.jsonl ]
}
check "views.exact=true is refused: there is one path of views" refused

# Top-1 of the run "cpu" on the test images, linear and knn; they are few: one more or less is rounding.
accuracies() { # device, ranks
	timeout "$limit" mpirun --oversubscribe --bind-to none -n "$2" "$RELIQUARY" eval all --checkpoint cpu --test test --device="$1" \
		--workspace_mib=4 --size=24 --epochs=1 --batch=64 --lrs=1 --k=5 --threads=1 --results="$1-$2" >"$scratch/said" 2>&1 ||
		show || return 1
	sed 's/.*"top1":\([^,]*\).*/\1/' "$1-$2" >"$1-$2.top1"
}
same_accuracies() { # ranks
	accuracies cuda "$1" && paste cpu-1.top1 "cuda-$1.top1" |
		awk '{ d = $1 - $2; if (d < 0) d = -d; print "# " $0; if (!(NF == 2 && d <= 0.026)) bad = 1 } END { exit bad || NR != 2 }'
}
"$RELIQUARY" pack images/test test >"$scratch/said" 2>&1 || show
check "eval linear and knn on the CPU" accuracies cpu 1
for n in 1 2 3; do
	check "$n ranks: eval linear and knn give the CPU's accuracies" same_accuracies $n
done

# The rate is low because at higher ones even TensorFloat-32's rounding leads to another trajectory: at 0.2, means of 10 losses
# differed from float32's by up to 4 %, and bfloat16's by up to 5 %. Single losses are noisy: they are compared as means of 5.
low_precision() {
	short='--train.batch=24 --views.large_size=24 --views.small_size=16 --train.steps=100'
	# shellcheck disable=SC2086 # a list of options
	train full 1 $short --optim.lr=0.03 && train low 1 $short --optim.lr=0.03 --device=cuda --precision=bf16
}
near_all() { # two runs, bound
	losses "$1" >a && losses "$2" >b
	paste a b | awk -v bound="$3" '{ x += first[NR] = $1; y += second[NR] = $2 }
		NR > 5 { x -= first[NR - 5]; y -= second[NR - 5] }
		NR >= 5 { d = (y - x) / x; d = d < 0 ? -d : d; if (!(d <= worst)) worst = d }
		END { print "# " NR " steps, at most " 100 * worst " %"; exit !(NR == 100 && worst <= bound) }'
}
check "100 steps in float32 and in bfloat16" low_precision
check "the losses stay within 2 % of each other" near_all full low 0.02
