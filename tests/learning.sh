#!/bin/sh
# What all of it is for: after a short training on the demo's photographs the nearest neighbours of the encoder's features are
# of the right class more often than at random initialisation.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
cd "$scratch" || exit 1
short='--views.large_size=64 --views.small_size=48 --train.epochs=16 --threads=1 --data.threads=1'

data() {
	"$RELIQUARY" demo-data images --train 1600 --test 500 --test-objects 20 --size 96 >said 2>&1 || show || return 1
	for split in train test; do
		"$RELIQUARY" pack "images/$split" "$split" --masks "images/masks/$split" --shards 16 --split $split >said 2>&1 ||
			show || return 1
	done
}
train() {
	# shellcheck disable=SC2086
	timeout 600 mpirun --oversubscribe --bind-to none -n 2 "$RELIQUARY" pretrain --config "$abs_top_srcdir/jobs/configs/demo.yaml" \
		$short --data.train=train --run.dir=run >said 2>&1 || show
}
neighbours() { # random or nothing
	# shellcheck disable=SC2086
	"$RELIQUARY" eval knn --checkpoint run $1 --test test --threads=1 >said 2>&1 || show
}
top1() { # true or false: at random initialisation
	grep "\"random\":$1," run/results.jsonl | grep -o '"top1":[0-9.]*' | head -n 1 | cut -d: -f2
}
# Two shares of 500 images near a quarter differ by 0.07 once in a hundred times by chance (2.6 standard errors).
beats() {
	echo "# kNN top-1: $(top1 false) pre-trained, $(top1 true) at random initialisation"
	awk -v trained="$(top1 false)" -v random="$(top1 true)" 'BEGIN { exit !(random > 0 && trained > random + 0.07) }'
}

plan 5
check "demo data" data
check "400 steps on 2 ranks" train
check "evaluation" neighbours ""
check "evaluation at random initialisation" neighbours --random
check "pre-training beats random initialisation clearly" beats
