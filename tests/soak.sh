#!/bin/sh
# Nothing lost: 50 kills at random moments of one run, many more ranks than cores, and a run that moves between numbers of ranks.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
command -v h5diff >/dev/null || skip_all "h5diff is not installed (hdf5-tools)"
make_data
cd "$scratch" || exit 1

kills=50 steps=600 # about five between two kills
limit=600 # seconds for a run, which takes fifteen on an idle machine
seed=${SOAK_SEED:-$$}
last=checkpoints/step-000000$steps.h5

train() { # run, arguments...
	dir=$1
	shift
	pretrain 2 --train.batch=24 --train.steps=$steps --checkpoint.every=2 --run.dir="$scratch/$dir" --run.resume=true "$@"
}
undisturbed() {
	train whole || show
}
lines() {
	cat killed/metrics.jsonl 2>/dev/null | wc -l
}
# "RANKS AFTER DELAY" of kill number $1: which processes it meets (the last rank, all, or mpirun), after how many new lines of metrics
# (0: from the start on), and after how many seconds more: as long as a start takes, or some steps.
draw() {
	awk -v seed="$seed" -v n="$1" 'BEGIN { srand(seed * 1000 + n); split("one all mpirun", who, " ")
		lines = int(3 * rand()); printf "%s %d %.3f\n", who[1 + int(3 * rand())], lines, (lines ? 0.03 : 0.4) * rand() }'
}
# Kill -9; 1 when there is nothing to kill.
strike() { # one, all or mpirun
	case $1 in
	one) target=$(pgrep -f "^[^ ]*reliquary pretrain .*run.dir=$scratch/killed" | tail -n 1) ;;
	all) target=$(pgrep -f "^[^ ]*reliquary pretrain .*run.dir=$scratch/killed") ;;
	mpirun) target=$(pgrep -f "^mpirun .*run.dir=$scratch/killed") ;;
	esac
	# shellcheck disable=SC2086 # a list
	[ -n "$target" ] && kill -9 $target 2>/dev/null
}
# Ranks outlive mpirun by a moment: none may write beside the next ones.
await_ranks() {
	tries=0
	while pgrep -f "^[^ ]*reliquary pretrain .*run.dir=$scratch/killed" >/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { echo "# ranks are left after kill $count"; return 1; }
		sleep 0.05
	done
}
# The status of the job.  mpirun may outlive the ranks for ever: killed while they are connecting, they leave it in a deadlock of
# libpmix, which no signal but this one ends.
await_mpirun() {
	tries=0
	while kill -0 $job 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || { pkill -9 -f "^mpirun .*run.dir=$scratch/killed" && echo "# mpirun itself hung, after kill $count"; }
		sleep 0.05
	done
	wait $job
}
soak() {
	echo "# seed $seed (SOAK_SEED=$seed repeats the draws)"
	count=0
	while [ $count -lt $kills ]; do
		# shellcheck disable=SC2046 # three words
		set -- $(draw $count)
		before=$(lines)
		train killed &
		job=$!
		tries=0
		while [ "$(lines)" -lt $((before + $2)) ] && [ $tries -lt 600 ] && kill -0 $job 2>/dev/null; do
			tries=$((tries + 1))
			sleep 0.02
		done
		sleep "$3"
		until strike "$1"; do # too early: they have not begun yet
			kill -0 $job 2>/dev/null || { echo "# the run was over after $count kills"; return 1; }
			sleep 0.01
		done
		count=$((count + 1))
		await_ranks || return 1
		await_mpirun && { echo "# the run was over after $count kills"; return 1; }
	done
	echo "# $kills kills within $(lines) steps"
}
finish() {
	train killed || show
}
same_end() { # run
	for name in params momentum target stats target_stats; do
		h5diff -q "whole/$last" "$1/$last" "/$name" || { echo "# /$name differs"; return 1; }
	done
}
nothing_is_left() {
	check_empty "  nothing is left of what the killed were writing" "$(find killed -name '*tmp-*')"
}
same_losses() {
	for run in whole killed; do
		sed 's/,"images_per_s.*//' $run/metrics.jsonl >$run.losses
	done
	[ "$(wc -l <killed.losses)" = $steps ] && cmp whole.losses killed.losses
}

# 64 lanes; an epoch has as many steps as the shortest lane allows.
pack_lanes() {
	"$RELIQUARY" pack "$scratch/images/train" "$scratch/lanes" --shards 64 >said 2>&1 || show
}
lanes() { # ranks, run, arguments...
	ranks=$1 dir=$2
	shift 2
	pretrain "$ranks" --data.train="$scratch/lanes" --data.lanes=64 --train.batch=64 --optim.lr=0.2 --train.steps=12 \
		--run.dir="$dir" --run.resume=true "$@"
}
link() { # ranks, steps in all
	lanes "$1" moved --train.stop_after="$2"
	[ $? = 75 ] || show
}
three_ranks() {
	sum=$(find moved -type f -name '*.h5' -exec cksum {} + | sort)
	lanes 3 moved
	[ $? = 1 ] && grep -q '^reliquary pretrain: data.lanes=64 is not divisible by the 3 ranks' said &&
		[ "$sum" = "$(find moved -type f -name '*.h5' -exec cksum {} + | sort)" ] || show
}
four_again() {
	lanes 4 moved && lanes 4 stayed || show
}
# The losses differ by the order of sums alone.
close_losses() { # run, of another
	for line in 1 6 12; do
		near "$(metric "$1" $line loss)" "$(metric "$2" $line loss)" 1e-3 || return 1
	done
	[ "$(wc -l <"$1/metrics.jsonl")" = 12 ]
}
sixteen() {
	lanes 16 sixteen || show
}

plan 13
check "a run that nobody disturbs" undisturbed
check "$kills kills at random moments" soak
check "  finished" finish
check "  the same end, bit for bit" same_end killed
nothing_is_left
check "  the same losses, each once" same_losses
check "64 shards" pack_lanes
check "64 lanes on 4 ranks, then 2, then 1" eval 'link 4 3 && link 2 6 && link 1 8'
check "  3 ranks are refused, and nothing is touched" three_ranks
check "  4 ranks again, to the end" four_again
check "  the losses of 4 ranks alone" close_losses moved stayed
check "16 ranks" sixteen
check "  the losses of 4 ranks" close_losses sixteen stayed
