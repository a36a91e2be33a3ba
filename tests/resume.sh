#!/bin/sh
# Stop and go on: at any step, by signal or by kill -9, on the same ranks to the bit and on others within rounding.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
command -v h5diff >/dev/null || skip_all "h5diff is not installed (hdf5-tools)"
make_data
cd "$scratch" || exit 1

steps='--train.steps=20 --checkpoint.every=4 --checkpoint.keep=20'
last=checkpoints/step-000000020.h5

# As a job script does it: the same command again and again while it ends with 75. Sets $parts.
requeue() { # ranks, run, arguments...
	n=$1 dir=$2
	shift 2
	parts=0
	while [ $parts -lt 60 ]; do
		parts=$((parts + 1))
		# shellcheck disable=SC2086
		pretrain "$n" $steps --run.dir="$dir" --run.resume=true "$@"
		status=$?
		[ $status -eq 75 ] || return $status
	done
	return 1
}
same_end() { # run
	for name in params momentum target stats target_stats; do
		h5diff -q "whole/$last" "$1/$last" "/$name" || { echo "# /$name differs"; return 1; }
	done
}
same_losses() { # run: all 20 lines, each of them once
	sed 's/,"images_per_s.*//' whole/metrics.jsonl >whole.losses
	sed 's/,"images_per_s.*//' "$1/metrics.jsonl" >run.losses
	[ "$(wc -l <run.losses)" = 20 ] && cmp whole.losses run.losses
}
undisturbed() {
	requeue 2 whole || show
}
# In the middle of an epoch (6 steps each) and at its end; also after a single step.  The folder's name looks like a pattern.
stop_after() { # step
	pretrain 2 --train.steps=20 --checkpoint.every=100 --run.dir="stop[$1]" --train.stop_after="$1"
	[ $? -eq 75 ] || show || return 1
	pretrain 2 --train.steps=20 --checkpoint.every=100 --run.dir="stop[$1]" --run.resume=true || show || return 1
	grep -q "going on from .*after step $1\$" said || show
}
# To one rank alone: all must stop after the same step.
by_signal() { # name, run
	parts=0
	pretrain 2 --train.steps=20 --checkpoint.every=100 --run.dir="$2" &
	job=$!
	until [ -s "$2/metrics.jsonl" ]; do
		sleep 0.05
		kill -0 $job 2>/dev/null || break
	done
	kill "-$1" "$(pgrep -f "run.dir=$2" | tail -n 1)" 2>/dev/null
	wait $job
	[ $? -eq 75 ] || { show; return 1; }
	pretrain 2 --train.steps=20 --checkpoint.every=100 --run.dir="$2" --run.resume=true || show
}
# Kill -9 of a rank at random moments, until the run is through.
by_kill() {
	rounds=0
	while [ $rounds -lt 12 ]; do
		rounds=$((rounds + 1))
		# shellcheck disable=SC2086
		pretrain 2 $steps --checkpoint.every=1 --run.dir=killed --run.resume=true &
		job=$!
		sleep "0.$((rounds * 37 % 90 + 10))"
		sleep "0.$((rounds * 53 % 70 + 20))"
		pkill -9 -f "run.dir=killed" 2>/dev/null
		wait $job
	done
	touch killed/config.yaml.tmp-1 killed/metrics.jsonl.tmp-1 killed/step-000000003.h5.tmp-1 killed/checkpoints/step-000000003.h5.tmp-1 \
		killed/encoder.safetensors.tmp-1
	requeue 2 killed --checkpoint.every=1 || show
}
# Nothing half written but what an export writes, which may be at work.
nothing_is_left() {
	[ "$(find killed -name '*.tmp-*')" = killed/encoder.safetensors.tmp-1 ] || { find killed -name '*.tmp-*' | sed 's/^/# /'; return 1; }
}
# At a rate at which rounding errors do not grow beyond the bound within 20 steps, as in ranks.sh.
other_ranks() {
	pretrain 2 --train.steps=20 --optim.lr=0.2 --run.dir=stayed || { show; return 1; }
	pretrain 4 --train.steps=20 --optim.lr=0.2 --run.dir=moved --train.stop_after=7
	[ $? -eq 75 ] || show || return 1
	pretrain 1 --train.steps=20 --optim.lr=0.2 --run.dir=moved --run.resume=true --train.stop_after=13
	[ $? -eq 75 ] || show || return 1
	pretrain 3 --train.steps=20 --optim.lr=0.2 --run.dir=moved --run.resume=true || show
}
close_losses() {
	near "$(metric moved 20 loss)" "$(metric stayed 20 loss)" 1e-3
}
corrupt_newest() {
	cp -r whole broken
	rm broken/$last
	printf 'x' | dd of=broken/checkpoints/step-000000016.h5 bs=1 seek=60000 conv=notrunc 2>/dev/null
	requeue 2 broken || { show; return 1; }
	grep -q 'after step 12' "$scratch/said"
}

# Out as safetensors and in again, as initial weights of both networks.
initial_weights() {
	"$RELIQUARY" export whole whole.safetensors >said 2>&1 &&
		pretrain 2 --train.steps=1 --optim.warmup_epochs=0 --train.dump_step=0 --run.dir=init --run.init=whole.safetensors ||
		{ show; return 1; }
	for network in params target; do
		for name in conv1.weight layer2.0.downsample.0.weight layer4.1.bn2.bias; do
			h5diff -q whole/$last init/step-000000000.h5 "/params/encoder.$name" "/before/$network/encoder.$name" || return 1
		done
	done
}
imported_run() {
	# shellcheck disable=SC2086
	"$RELIQUARY" import whole.safetensors imported $tiny >said 2>&1 && requeue 1 imported || show
}

plan 22
check "a run that nobody disturbs" undisturbed
for k in 1 6 11; do
	check "stopped after step $k and resumed" stop_after $k
	check "  the same end, bit for bit" same_end "stop[$k]"
	check "  the same losses, each once" same_losses "stop[$k]"
done
for signal in TERM USR1 USR2; do
	check "SIG$signal to one rank: exit status 75, and on" by_signal $signal "by$signal"
done
check "  the same end, bit for bit" same_end byUSR1
check "kill -9 of the ranks at random moments" by_kill
check "  the same end, bit for bit" same_end killed
check "  nothing is left of what they were writing" nothing_is_left
check "4 ranks, then 1, then 3" other_ranks
check "  the loss of step 20 within 1e-3" close_losses
check "a corrupt newest checkpoint: the one before is taken" corrupt_newest
check "an exported encoder is where another run starts, bit for bit" initial_weights
check "an imported encoder is a run to go on with" imported_run
