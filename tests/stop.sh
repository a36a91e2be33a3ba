#!/bin/sh
# An early end in every phase: start-up, the first step, training, evaluation, while a checkpoint is written; by a signal, by the end
# of the job, by a file STOP.  Each time: exit status 75 within seconds, nothing half written, and the finished run is the undisturbed
# one, bit for bit.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
command -v h5diff >/dev/null || skip_all "h5diff is not installed (hdf5-tools)"
make_data
cd "$scratch" || exit 1
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM

last=checkpoints/step-000000012.h5
bound=20 # seconds from being asked to the end; some tenths on an idle machine

train() { # run, arguments...
	dir=$1
	shift
	pretrain 2 --train.steps=12 --checkpoint.every=4 --run.dir="$scratch/$dir" --run.resume=true "$@"
}
finish() { # run
	train "$1" || show
}
same_end() { # run
	for name in params momentum target stats target_stats; do
		h5diff -q "whole/$last" "$1/$last" "/$name" || { echo "# /$name differs"; return 1; }
	done
	[ "$(find "$1" -name '*tmp*' | wc -l)" = 0 ]
}
# wait_until COMMAND...: for at most 30 s
wait_until() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.05
	done
}
has_metrics() { [ -s "$1/metrics.jsonl" ]; }
is_writing() { [ -n "$(find "$1" -name '*.tmp-*' 2>/dev/null)" ]; }
ranks_of() { pgrep -f "^[^ ]*reliquary .*$1"; }
# The last rank has signals, up to SIGUSR2, wait for it: while it was loaded, they would have ended it.
listens() { # pattern
	rank=$(ranks_of "$1" | tail -n 1)
	[ -n "$rank" ] && mask=$(sed -n 's/^SigBlk:[[:space:]]*//p' "/proc/$rank/status" 2>/dev/null) && [ $((0x${mask:-0} >> 11 & 1)) = 1 ]
}

# ended_by REASON RUN: what the last program said, and how long it took
ended_by() {
	seconds=$(sed -n "s/.*stopped by $1: \([0-9.]*\) s later the program ends.*/\1/p" said)
	echo "# $1: ${seconds:-?} s from the request to the end"
	awk -v s="${seconds:-99}" -v b=$bound 'BEGIN { exit !(s < b) }' || show
}

# signalled SIGNAL RUN CONDITION...: to one rank, once the condition holds
signalled() {
	signal=$1 dir=$2
	shift 2
	train "$dir" &
	job=$!
	wait_until "$@" || { show; return 1; }
	kill "-$signal" "$(ranks_of "run.dir=$scratch/$dir" | tail -n 1)" || { show; return 1; }
	wait $job
	[ $? = 75 ] || show || return 1
	ended_by "SIG$signal" && finish "$dir" && same_end "$dir"
}
at_start() { signalled "$1" "start$1" listens "run.dir=$scratch/start$1"; }
in_training() { signalled "$1" "training$1" has_metrics "training$1"; }

# A signal that was there before the first step: it is not done.
before_the_first_step() {
	rm -rf first
	SLURM_JOB_END_TIME=$(date +%s) train first
	[ $? = 75 ] && [ ! -s first/metrics.jsonl ] && [ -e first/checkpoints/step-000000000.h5 ] || show || return 1
	ended_by 'the end of the job' && finish first && same_end first
}
# A tenth of what the job has left is kept free, and the time of two steps.
at_the_time_limit() {
	rm -rf limit
	SLURM_JOB_END_TIME=$(($(date +%s) + 12))
	export SLURM_JOB_END_TIME
	pretrain 2 --train.steps=1000000 --run.dir=limit --run.stop_before_s=100
	status=$?
	left=$((SLURM_JOB_END_TIME - $(date +%s)))
	unset SLURM_JOB_END_TIME
	echo "# ended $left s before the limit, after $(grep -c step limit/metrics.jsonl) steps"
	[ $status = 75 ] && [ $left -ge 0 ] && [ "$(grep -c step limit/metrics.jsonl)" -gt 1 ] && ended_by 'the end of the job' || show
}
no_time() {
	SLURM_JOB_END_TIME=soon train badtime && grep -q 'SLURM_JOB_END_TIME=soon is no time' said || show
}
by_file() {
	rm -rf file
	train file --train.steps=100000 &
	job=$!
	wait_until has_metrics file || { show; return 1; }
	touch file/STOP
	wait $job
	[ $? = 75 ] && ended_by 'the file STOP in the run.s folder' || show || return 1
	before=$(wc -l <file/metrics.jsonl)
	train file --train.steps=100000
	[ $? = 75 ] && [ "$(wc -l <file/metrics.jsonl)" = "$before" ] || show
}
by_file_resumed() {
	rm file/STOP
	train file --train.steps=100000 --train.stop_after=$((before + 3))
	[ $? = 75 ] && [ "$(wc -l <file/metrics.jsonl)" = $((before + 3)) ] || show
}
# The disk takes its time: a checkpoint is being written when the signal comes.
slow_disk() {
	cat >slow.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>
#include <stdio.h>
int fsync(int fd)
{
	char link[64], path[4096] = "";
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof path - 1) > 0 && strstr(path, ".h5.tmp-"))
		sleep(2);
	return real(fd);
}
END
	${CC:-cc} -shared -fPIC -o slow.so slow.c -ldl 2>said || { show; return 1; }
}
while_writing() {
	LD_PRELOAD=$scratch/slow.so
	export LD_PRELOAD
	signalled TERM writing is_writing writing
	status=$?
	unset LD_PRELOAD
	return $status
}
evaluation() {
	OMP_NUM_THREADS=1 timeout 120 mpirun --oversubscribe --bind-to none -n 2 "$RELIQUARY" eval all --checkpoint "$scratch/whole" --test "$data" \
		--data.train="$data" --size=32 --lrs=0.1 --threads=1 --results="$scratch/results" "$@" >said 2>&1
}
# What was done is kept, and nothing is half done.
in_evaluation() {
	rm -f said # the evaluation before this one said the same
	evaluation --epochs=100000 &
	job=$!
	wait_until grep -qs 'linear: epoch' said || { show; return 1; }
	kill "-$1" "$(ranks_of "checkpoint $scratch/whole" | head -n 1)" || { show; return 1; }
	wait $job
	[ $? = 75 ] && [ ! -s results ] && ended_by "SIG$1" || show
}
evaluation_again() {
	evaluation --epochs=1 && [ "$(wc -l <results)" = 2 ] || show
}

plan 18
check "a run that nobody disturbs" finish whole
for signal in TERM USR1 USR2; do
	check "SIG$signal at the start" at_start $signal
	check "SIG$signal in training" in_training $signal
done
check "asked before the first step" before_the_first_step
check "the end of the job by SLURM_JOB_END_TIME" at_the_time_limit
check "a time that is none is told, and the run goes on" no_time
check "a file STOP ends the run, and the next one until it is removed" by_file
check "  removed: the run goes on" by_file_resumed
check "a disk that is slow to sync" slow_disk
check "a signal while a checkpoint is written" while_writing
for signal in TERM USR1 USR2; do
	check "SIG$signal in evaluation" in_evaluation $signal
done
check "  evaluated again" evaluation_again
