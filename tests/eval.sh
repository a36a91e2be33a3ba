#!/bin/sh
# reliquary eval as a user meets it: ranks, checkpoints, results.jsonl, mistakes.
# shellcheck disable=SC2086 # $network and $short are lists of options
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
dir=$scratch
make_set=$abs_top_builddir/tests/eval_set
network='--model.arch=resnet18 --model.width=0.125 --model.stem=small'
short='--size=20 --epochs=2 --batch=100 --lrs=0.3,1 --k=5,20 --threads=1'
# Open MPI keeps its sockets here: other tests that start at the same time must not meet ours.
TMPDIR=$dir
export TMPDIR

# Run a command, and show what it said only when it failed.
quietly() {
	"$@" > "$dir/said" 2>&1 && return
	sed 's/^/# /' "$dir/said"
	return 1
}

try() { # name, command ...
	name=$1
	shift
	check "$name" quietly "$@"
}

evaluate() {
	"$RELIQUARY" eval "$@"
}

# refused STATUS WORD ARGUMENTS...: that status, nothing on standard output, and one line that says the word
refused() {
	status=$1 word=$2
	shift 2
	evaluate "$@" >"$dir/out" 2>"$dir/err"
	got=$?
	cat "$dir/err"
	[ $got = "$status" ] || { echo "exit status $got"; return 1; }
	[ ! -s "$dir/out" ] && [ "$(grep -c '^reliquary eval: ' "$dir/err")" = 1 ] && grep '^reliquary eval: ' "$dir/err" |
		grep -qF -- "$word"
}

# What a result says, without its time, checkpoint and data.
numbers() { sed -e 's/.*"top1":\([^,]*,"top5":[^,]*,.*\),"checkpoint".*/\1/' "$1"; }

on_ranks() {
	mpirun -n "$1" "$RELIQUARY" eval all --random $network $short --data.train="$dir/train" --test="$dir/test" \
		--results="$dir/ranks$1" >/dev/null || return 1
	[ "$(wc -l <"$dir/ranks$1")" = 2 ] || return 1
	numbers "$dir/ranks$1" | sed 's/^/got /'
	numbers "$dir/ranks1" | sed 's/^/expected /'
	[ "$(numbers "$dir/ranks$1")" = "$(numbers "$dir/ranks1")" ]
}

# Each class has its own colours: what a random network sees of them is far above the one in five of chance.
beats_chance() { numbers "$dir/ranks1" | awk -F, '{ print } $1 < 0.4 { low = 1 } END { exit low || NR != 2 }'; }

pretrain() {
	"$RELIQUARY" pretrain --data.train="$dir/train" --data.lanes=1 --run.dir="$dir/run" $network --train.batch=32 \
		--train.steps=3 --optim.warmup_epochs=0 --views.large=2 --views.small=0 --views.large_size=20 \
		--model.hidden=16 --model.out=8 --threads=1
}

trained_and_random() {
	evaluate all --checkpoint "$dir/run" $short --test "$dir/test" >"$dir/first" || return 1
	evaluate all --checkpoint "$dir/run" --random $short --test "$dir/test" >"$dir/second" || return 1
	evaluate knn --checkpoint "$dir"/run/checkpoints/step-000000003.h5 $short --test "$dir/test" >"$dir/third" || return 1
	cat "$dir/first" "$dir/second" "$dir/third"
	[ "$(grep -c 'pre-trained\|random' "$dir/first")" = 0 ] && [ "$(grep -c '% pre-trained$' "$dir/second")" = 2 ] &&
		[ "$(grep -c '% at random initialisation$' "$dir/third")" = 1 ] &&
		[ "$(wc -l <"$dir/run/results.jsonl")" = 5 ] && [ "$(grep -c '"step":3,' "$dir/run/results.jsonl")" = 3 ]
}

same_as_before() { [ "$(numbers "$dir/run/results.jsonl" | sed -n 2p)" = "$(numbers "$dir/run/results.jsonl" | sed -n 5p)" ]; }

networks_differ() {
	evaluate knn --checkpoint "$dir/run" --network target $short --test "$dir/test" --results "$dir/target" &&
		grep -q '"network":"target"' "$dir/target" &&
		[ "$(numbers "$dir/target")" != "$(numbers "$dir/run/results.jsonl" | sed -n 2p)" ]
}

exported() {
	"$RELIQUARY" export "$dir/run" "$dir/encoder.safetensors" &&
		evaluate knn --init "$dir/encoder.safetensors" $network $short --data.train "$dir/train" --test "$dir/test" \
			--results "$dir/exported" &&
		[ "$(numbers "$dir/exported")" = "$(numbers "$dir/run/results.jsonl" | sed -n 2p)" ]
}

holdout() {
	evaluate linear --checkpoint "$dir/run" $short --choose holdout --holdout 0.25 --test "$dir/test" --results "$dir/held" |
		grep 'best of 2 on held-out training images' || return 1
	grep -q '"chosen_on":"holdout".*"holdout_top1":.*"train_images":225,"test_images":100,' "$dir/held"
}

both_lines() {
	# two programs that start MPI in one folder at the same moment may be in each other's way
	TMPDIR=$dir/tmp evaluate knn --checkpoint "$dir/run" $short --test "$dir/test" --results "$dir/both" &
	evaluate knn --checkpoint "$dir/run" $short --test "$dir/test" --results "$dir/both"
	wait $!
	cat "$dir/both"
	[ "$(grep -c '^{"protocol":"knn".*"time":"[^"]*"}$' "$dir/both")" = 2 ] && [ "$(wc -l <"$dir/both")" = 2 ]
}

# lines N: that many are in the run's results, all whole
lines() { [ "$(grep -c '^{"protocol":.*"time":"[^"]*"}$' "$dir/many/results.jsonl")" = "$1" ] && [ "$(wc -l <"$dir/many/results.jsonl")" = "$1" ]; }

# A run of three checkpoints, of which nothing is evaluated.
three_checkpoints() {
	"$RELIQUARY" pretrain --data.train="$dir/train" --data.lanes=1 --run.dir="$dir/many" $network --train.batch=32 \
		--train.steps=3 --checkpoint.every=1 --checkpoint.keep=3 --optim.warmup_epochs=0 --views.large=2 --views.small=0 \
		--views.large_size=20 --model.hidden=16 --model.out=8 --threads=1 &&
		[ "$(ls "$dir/many/checkpoints" | wc -l)" = 3 ]
}

skip_done() {
	evaluate knn --checkpoint "$dir/many" $short --test "$dir/test" --skip-done && lines 1 || return 1
	# linear is left; with it done as well, the images need not be there
	evaluate all --checkpoint "$dir/many" $short --test "$dir/test" --skip-done >"$dir/out" 2>"$dir/err" && lines 2 || return 1
	cat "$dir/out" "$dir/err"
	grep -q '^linear' "$dir/out" && ! grep -q '^knn' "$dir/out" && grep 'knn .* left out' "$dir/err" || return 1
	mv "$dir/test" "$dir/away"
	evaluate all --checkpoint "$dir/many" $short --test "$dir/test" --skip-done >"$dir/out" 2>"$dir/err"
	status=$?
	mv "$dir/away" "$dir/test"
	cat "$dir/err"
	[ $status = 0 ] && [ ! -s "$dir/out" ] && [ "$(grep -c 'left out' "$dir/err")" = 2 ] && lines 2
}

# Other settings, another network and random initialisation are not done.
only_the_same_is_done() {
	evaluate knn --checkpoint "$dir/many" $short --test "$dir/test" --skip-done --temperature 0.2 && lines 3 &&
		evaluate knn --checkpoint "$dir/many" $short --test "$dir/test" --skip-done --network target && lines 4 &&
		evaluate knn --checkpoint "$dir/many" $short --test "$dir/test" --skip-done --random && lines 5 &&
		evaluate knn --checkpoint "$dir/many" $short --test "$dir/test" --skip-done --random && lines 5
}

# The two that are left, oldest first, on two ranks; then none is.
each() {
	mpirun -n 2 "$RELIQUARY" eval knn --checkpoint "$dir/many" $short --test "$dir/test" --each >"$dir/out" 2>"$dir/err" ||
		{ cat "$dir/err"; return 1; }
	cat "$dir/out" "$dir/err"
	lines 7 && [ "$(sed -n 's/^step \([0-9]*\)  knn .*/\1/p' "$dir/out" | tr '\n' ' ')" = "1 2 " ] || return 1
	mpirun -n 2 "$RELIQUARY" eval knn --checkpoint "$dir/many" $short --test "$dir/test" --each >"$dir/out" 2>"$dir/err" && lines 7 &&
		grep 'nothing is left to evaluate of the 3 checkpoints' "$dir/err"
}

# One that is broken holds up no other; one that vanishes after it was listed is passed over.
each_passes_over() {
	head -c 5000 "$dir/run/checkpoints/step-000000003.h5" >"$dir/many/checkpoints/step-000000000.h5"
	rm -f "$dir/many/results.jsonl"
	evaluate knn --checkpoint "$dir/many" $short --test "$dir/test" --each >"$dir/out" 2>"$dir/err" &
	job=$!
	tries=0
	until [ -s "$dir/many/results.jsonl" ] || [ $tries = 600 ]; do tries=$((tries + 1)); sleep 0.02; done
	rm "$dir/many/checkpoints/step-000000003.h5"
	wait $job || { cat "$dir/err"; return 1; }
	cat "$dir/err"
	grep 'passed over.*step-000000000.h5' "$dir/err" && grep 'step-000000003.h5 was removed meanwhile: passed over' "$dir/err" && lines 2
}

unlabelled_left_out() {
	evaluate knn --checkpoint "$dir/run" $short --test "$dir/some" --results "$dir/left" || return 1
	grep -q '"test_images":80,' "$dir/left"
}

# The numbers are printed all the same.
unwritable() {
	evaluate knn --checkpoint "$dir/run" $short --test "$dir/test" --results "$dir/empty" > "$dir/out" 2> "$dir/err"
	[ $? = 1 ] && grep -q '^knn .* top-1' "$dir/out" && grep "^reliquary eval: $dir/empty: " "$dir/err"
}

refused_on_ranks() {
	timeout 60 mpirun -n 3 "$RELIQUARY" eval knn --checkpoint "$dir/run" --test "$dir/six" > "$dir/out" 2>&1
	[ $? = 1 ] && [ "$(grep -c '^reliquary eval: ' "$dir/out")" = 1 ]
}

"$make_set" "$dir/train" 300 5 1 all && "$make_set" "$dir/test" 100 5 2 all && "$make_set" "$dir/some" 100 5 3 some &&
	"$make_set" "$dir/none" 20 5 4 none && "$make_set" "$dir/six" 20 6 5 all || exit 99
mkdir "$dir/empty" "$dir/tmp"

plan 40
try "help" evaluate --help
try "on one rank" on_ranks 1
for ranks in 2 3 4; do
	try "the same result on $ranks ranks" on_ranks $ranks
done
try "a random network is far above chance on colours" beats_chance
try "a short pre-training" pretrain
try "trained and random, side by side" trained_and_random
try "a run and its checkpoint file are the same" same_as_before
try "the target network is another one" networks_differ
try "an exported encoder is the same" exported
try "a hold-out chooses the rate" holdout
try "two at the same time write two whole lines" both_lines
try "a run of three checkpoints" three_checkpoints
try "what is done is left out" skip_done
try "only the same is done" only_the_same_is_done
try "each checkpoint that is left, on 2 ranks" each
try "each but what is broken or gone" each_passes_over
try "images without label are left out" unlabelled_left_out
try "no protocol" refused 2 "linear, knn or all" --checkpoint "$dir/run" --test "$dir/test"
try "unknown protocol" refused 2 "'lunar'" lunar --checkpoint "$dir/run" --test "$dir/test"
try "unknown option" refused 2 "'--epoch'" linear --checkpoint "$dir/run" --test "$dir/test" --epoch 3
try "bad list" refused 2 "--lrs" linear --checkpoint "$dir/run" --test "$dir/test" --lrs 1,,2
try "tiny input" refused 2 "--size" knn --checkpoint "$dir/run" --test "$dir/test" --size 4
try "no encoder" refused 2 "--random" knn --test "$dir/test"
try "each of what is no run" refused 2 "--each" knn --init x --each --test "$dir/test"
try "each of a folder" refused 1 "folder of a run" knn --checkpoint "$dir/empty" --each --test "$dir/test"
try "no test set" refused 2 "--test" knn --checkpoint "$dir/run"
try "unknown setting" refused 2 "data.train" knn --random --data.trane x --test "$dir/test"
try "no such run" refused 1 "$dir/away" knn --checkpoint "$dir/away" --test "$dir/test"
try "no such test set" refused 1 "$dir/away" knn --checkpoint "$dir/run" --test "$dir/away"
try "a folder that is no data set" refused 1 "$dir/empty" knn --checkpoint "$dir/run" --test "$dir/empty"
try "no labels" refused 1 "label" knn --checkpoint "$dir/run" --test "$dir/none"
try "other classes" refused 1 "classes" knn --checkpoint "$dir/run" --test "$dir/six"
try "another architecture" refused 1 "model" knn --checkpoint "$dir/run" --test "$dir/test" --model.width 1
head -c 5000 "$dir/run/checkpoints/step-000000003.h5" > "$dir/cut.h5"
try "half a checkpoint" refused 1 "$dir/cut.h5" knn --checkpoint "$dir/cut.h5" --test "$dir/test"
try "results that cannot be written" unwritable
try "a wrong data set stops all ranks" refused_on_ranks
for ranks in 2 3; do
	if [ -x "$abs_top_builddir/tests/test_knn" ]; then
		try "nearest neighbours on $ranks ranks" mpirun -n $ranks "$abs_top_builddir/tests/test_knn"
	else
		skip "nearest neighbours on $ranks ranks" "built without cmocka"
	fi
done
