#!/bin/sh
# What goes wrong on a cluster, under a real Slurm: each time the job ends or is requeued by itself within bounded time, and the
# finished run is that of an undisturbed one on the same ranks, bit for bit.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
. "$abs_top_srcdir/tests/slurm.sh"
need_photographs
need_slurm
command -v h5diff >/dev/null || skip_all "h5diff is not installed (hdf5-tools)"
make_data
slurm_start
cd "$scratch" || exit 1
steps=60
last=checkpoints/step-0000000$steps.h5

cat >site.env <<END
RELIQUARY=$RELIQUARY
RELIQUARY_SRUN=--wait=3
END
RELIQUARY_SITE=$scratch/site.env RELIQUARY_JOBS=$abs_top_srcdir/jobs
export RELIQUARY_SITE RELIQUARY_JOBS

log_of() { echo "$1.log" | tr / -; }
# A run on both nodes; its job is $job.  The program has to see to the time limit: Slurm sends a signal that means nothing.
start() { # run, arguments...
	run=$1
	shift
	# shellcheck disable=SC2086 # words
	job=$(sbatch --parsable -p low -N 2 -n 2 -t "${limit_minutes:-10}" --signal=B:${signal:-URG}@1 -o "$(log_of "$run")" "$RELIQUARY_JOBS/pretrain.sbatch" \
		--data.train="$data" $tiny --train.steps=$steps --checkpoint.every=4 --checkpoint.keep=20 --run.dir="$scratch/$run" "$@")
}
show_job() {
	tail -n 60 "$(log_of "$run")" | sed 's/^/# /'
	return 1
}
# Only files are looked at: a busy slurmctld takes seconds to answer, in which the run might end.
has_lines() {
	[ "$(cat "$run/metrics.jsonl" 2>/dev/null | wc -l)" -ge "$1" ]
}
# Until the job, or the one that goes on for it, has done all.
finished() { # seconds
	slurm_await "$job" "$1" && [ "$(slurm_state "$job")" = COMPLETED ] || show_job
}
# A job that ended for good: what is submitted again goes on.
ended() { # seconds, exit code of the script, or "killed"
	slurm_await "$job" "$1" && [ "$(slurm_state "$job")" = FAILED ] && [ "$(slurm_restarts "$job")" = 0 ] || { show_job; return 1; }
	[ "$2" = killed ] || [ "$(slurm_exit_code "$job")" = "$2" ] || show_job
}
same_end() { # run
	for name in params momentum target stats target_stats; do
		h5diff -q "whole/$last" "$1/$last" "/$name" || { echo "# /$name differs"; return 1; }
	done
	for dir in whole "$1"; do
		sed 's/,"images_per_s.*//' "$dir/metrics.jsonl" >"$dir.losses"
	done
	[ "$(wc -l <"$1.losses")" = $steps ] && cmp whole.losses "$1.losses" &&
		[ -z "$(find "$1" -name '*tmp-*')" ] || { find "$1" -name '*tmp-*' | sed 's/^/# left: /'; return 1; }
}
# Processes of the run's ranks, of one node or of both.
ranks_on() { # node or nothing
	for pid in $(pgrep -f "^[^ ]*reliquary pretrain .*run.dir=$scratch/$run"); do
		tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "SLURMD_NODENAME=${1:-n[12]}" && echo "$pid"
	done
}
since() { # what has happened since $asked
	echo "# $1 after $(($(date +%s) - asked)) s"
}

undisturbed() {
	start whole && finished 60
}
rank_killed() {
	start rank
	within 60 has_lines 10 && kill -9 "$(ranks_on n2)" || { show_job; return 1; }
	asked=$(date +%s)
	finished 120 && since "a rank killed: finished" && restarted_once || show_job
}
script_killed() {
	start script
	within 60 has_lines 10 && pkill -9 -f "slurm_script.*$scratch/script" || { show_job; return 1; }
	asked=$(date +%s)
	ended 30 killed && since "the script killed: the job ended" && within 10 no_ranks && start script && finished 120
}
no_ranks() { [ -z "$(ranks_on)" ]; }
node_lost() {
	start node
	within 60 has_lines 10 && slurm_node_kill n2 || { show_job; return 1; }
	asked=$(date +%s)
	within 90 restarted && since "a node lost: requeued" && slurm_node_start n2 && finished 120 || show_job
}
restarted() {
	[ "$(slurm_restarts "$job")" -ge 1 ]
}
restarted_once() {
	restarts=$(slurm_restarts "$job")
	[ "$restarts" = 1 ] || { echo "# restarted ${restarts:-an unknown number of} times"; return 1; }
}
preempted() {
	signal=USR1
	start preempted
	signal=URG
	within 60 has_lines 10 || { show_job; return 1; }
	asked=$(date +%s)
	urgent=$(sbatch --parsable -p high -N 2 --exclusive -t 5 -o urgent.log --wrap 'sleep 2')
	within 60 slurm_is_running "$urgent" && since "preempted: the other job runs" && slurm_await "$urgent" 60 && finished 120 &&
		restarted_once && grep -q 'stopped by SIG' "$run/log.txt" || { show_job; return 1; }
	sed -n 's/^stopped by/# stopped by/p' "$run/log.txt"
}
disk_full() {
	mkdir full && mount -t tmpfs -o size=9m none full 2>/dev/null || return 77
	start full/run --checkpoint.keep=100
	ended 60 1 && [ "$(grep -c 'reliquary pretrain: .*[Ss]pace' full-run.log)" = 1 ]
}
disk_larger() {
	mount -o remount,size=200m full && start full/run && finished 60
}
corrupted() {
	pretrain 2 --train.steps=$steps --checkpoint.every=4 --run.dir=corrupt --train.stop_after=30
	newest=$(find corrupt/checkpoints -name 'step-*.h5' | sort | tail -n 1)
	printf 'x' | dd of="$newest" bs=1 seek=60000 conv=notrunc 2>/dev/null
	start corrupt && finished 60 && grep -q 'checkpoint passed over: .*is damaged' corrupt/log.txt && grep -q 'after step 28' corrupt/log.txt || show_job
}
rank_stopped() {
	start hung --comm.timeout_s=5
	within 60 has_lines 10 && kill -STOP "$(ranks_on n2)" || { show_job; return 1; }
	asked=$(date +%s)
	finished 120 && since "a rank stopped: finished" && grep -q 'rank 1 has not arrived' hung.log && restarted_once || show_job
}
# Submitted first, it comes to its limit of a minute while the other tests run.
limit_begins() {
	limit_minutes=1
	start limit --train.steps=1000000 --checkpoint.every=1000
	limit_minutes=10 limit_job=$job
}
limit_ends() {
	job=$limit_job run=limit
	within 90 grep -q 'stopped by' limit/log.txt || { show_job; return 1; }
	sed -n 's/^stopped by/# stopped by/p' limit/log.txt
	within 60 restarted && scancel "$job" && grep -q 'stopped by the end of the job' limit/log.txt && ! grep -q 'DUE TO TIME LIMIT' limit.log || show_job
}

plan 17
check "a run that nobody disturbs" undisturbed
limit_begins
check "kill -9 of a rank: requeued" rank_killed
check "  the same end, bit for bit" same_end rank
check "kill -9 of the batch script: the job ends, and what is submitted again goes on" script_killed
check "  the same end, bit for bit" same_end script
check "SIGSTOP of a rank: the watchdog names it, requeued" rank_stopped
check "  the same end, bit for bit" same_end hung
disk_full
case $? in
0)
	ok "a full disk while a checkpoint is written: the job ends with the reason"
	check "  with more room it goes on" disk_larger
	check "  the same end, bit for bit" same_end full/run
	umount full
	;;
77) for name in "a full disk" "  with more room it goes on" "  the same end"; do skip "$name" "a small file system cannot be mounted"; done ;;
*)
	not_ok "a full disk while a checkpoint is written: the job ends with the reason"
	for name in "  with more room it goes on" "  the same end, bit for bit"; do not_ok "$name"; done
	umount full
	;;
esac
check "a corrupt newest checkpoint: the one before is taken" corrupted
check "  the same end, bit for bit" same_end corrupt
check "the time limit: stopped before it, and requeued" limit_ends
check "preempted by another partition's job: requeued" preempted
check "  the same end, bit for bit" same_end preempted
check "a node lost: requeued, on both nodes when it is back" node_lost
check "  the same end, bit for bit" same_end node
