#!/bin/sh
# The run does not depend on the number of ranks: 1, 2, 3 and 4 agree on images, views, candidates and losses.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
command -v h5diff >/dev/null || skip_all "h5diff is not installed (hdf5-tools)"
make_data
cd "$scratch" || exit 1

train() { # ranks
	pretrain "$1" --train.steps=20 --train.dump_step=0 --optim.lr=0.2 --run.dir="$scratch/r$1" --run.resume=false || show
}
same_inputs() { # ranks: bit for bit
	for name in images views candidates before; do
		h5diff -q r1/step-000000000.h5 "r$1/step-000000000.h5" "/$name" || { echo "# /$name differs"; return 1; }
	done
}
# Over ranks only the order of float sums differs. h5diff counts attributes too, where the data's checksums are.
close_arrays() { # folder in the dump, ranks
	h5diff -v -d 2e-6 r1/step-000000000.h5 "r$2/step-000000000.h5" "$1" |
		awk '/^dataset:/ { data = 1; seen++ } /^attribute:/ { data = 0 }
			data && / differences found/ && $1 > 0 { print "# " $0; bad = 1 } END { exit bad || !seen }'
}
close_step() { # ranks
	close_arrays /o "$1" && close_arrays /t "$1" &&
		near "$(metric "r$1" 1 loss)" "$(metric r1 1 loss)" 1e-6
}
close_run() {
	near "$(metric "r$1" 20 loss)" "$(metric r1 20 loss)" 1e-3
}

plan 13
for n in 1 2 3 4; do
	check "20 steps on $n ranks" train "$n"
done
for n in 2 3 4; do
	check "$n ranks: images, views, candidates and weights are those of 1 rank, bit for bit" same_inputs "$n"
	check "$n ranks: predictions and loss of step 1 within 1e-6" close_step "$n"
	check "$n ranks: loss of step 20 within 1e-3" close_run "$n"
done
