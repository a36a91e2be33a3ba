#!/bin/sh
# The job scripts under a real Slurm, on two nodes of this host: a chain from images to a report, requeueing, links, mistakes.
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
jobs=$abs_top_srcdir/jobs
steps=60

cat >site.env <<END
RELIQUARY=$RELIQUARY
RELIQUARY_PARTITION=low
RELIQUARY_SBATCH=--signal=B:USR1@1
RELIQUARY_WATCH_MINUTES=0
END
RELIQUARY_SITE=$scratch/site.env RELIQUARY_JOBS=$jobs
export RELIQUARY_SITE RELIQUARY_JOBS

submit() { # arguments of jobs/submit, before the settings
	# shellcheck disable=SC2086 # words
	"$jobs/submit" --time 10 "$@" -- $tiny --train.steps=$steps --checkpoint.every=20 >submitted 2>said ||
		{ sed 's/^/# /' said; return 1; }
}
# The number of the job that a line of submit's output names.
job_of() { # name
	sed -n "s/^job \([0-9]*\) *$1 .*/\1/p" submitted | tail -n 1
}
show_job() { # job
	sed 's/^/# /' submitted
	find . -name "*-$1.log" -exec tail -n 30 {} + | sed 's/^/# /'
	return 1
}
completed() { # job, seconds
	slurm_await "$1" "$2" && [ "$(slurm_state "$1")" = COMPLETED ] || show_job "$1"
}
same_end() { # run
	for name in params momentum target stats target_stats; do
		h5diff -q whole/checkpoints/step-000000060.h5 "$1/checkpoints/step-000000060.h5" "/$name" || { echo "# /$name differs"; return 1; }
	done
}
has_lines() { # job, run, lines of metrics
	slurm_hurry "$1"
	[ "$(cat "$2/metrics.jsonl" 2>/dev/null | wc -l)" -ge "$3" ]
}

by_hand() {
	"$RELIQUARY" pack images/train plain --shards 12 >said 2>&1 && pretrain 2 --data.train=plain --train.steps=$steps --checkpoint.every=20 --run.dir=whole || show
}
dry_run() {
	"$jobs/submit" --source images/train --data new --run none --test plain --nodes 2 --time 1:00 --dry-run -- --train.seed=7 >out 2>said
	[ $? = 0 ] && [ "$(grep -c '^sbatch ' out)" = 4 ] && grep -q 'dependency=afterok:JOB1.*pretrain.sbatch.*--train.seed=7  # JOB2' out &&
		grep -q -- '--partition=low' out && [ ! -e none ] && [ -z "$(squeue -h)" ] && return
	sed 's/^/# /' out said
	return 1
}
# Packed, trained on two nodes, evaluated, reported.
chain() { # launcher
	sed -i "/^RELIQUARY_LAUNCHER=/d; \$aRELIQUARY_LAUNCHER=$1" site.env
	submit --source images/train --shards 12 --data "packed-$1" --run "$1" --test "packed-$1" --nodes 2 &&
		completed "$(job_of report)" 150 && completed "$(job_of pretrain)" 1 || return 1
	grep -q 'on 2 ranks of cpu' "$1/log.txt" && [ "$(grep -c top1 "$1/results.jsonl")" = 2 ] && grep -q 'top-1' "$1/report.txt" ||
		show_job "$(job_of report)"
}

# Asked to stop it is requeued, and goes on.
restarted() { # job, times
	slurm_hurry "$1"
	[ "$(slurm_restarts "$1")" = "$2" ]
}
requeued() {
	submit --data plain --run requeued --nodes 2 || return 1
	job=$(job_of pretrain) times=0
	for lines in 2 25; do
		times=$((times + 1))
		within 60 has_lines "$job" requeued $lines && within 60 slurm_is_running "$job" && scancel --batch --signal=USR1 "$job" &&
			within 60 restarted "$job" $times || { show_job "$job"; return 1; }
	done
	completed "$job" 120 && sed -n 's/.*\(stopped by .*\)/# \1/p' requeued/log.txt && [ "$(grep -c 'stopped by SIGUSR1' requeued/log.txt)" = 2 ]
}
# The other way to go on: the next job.
links() {
	submit --data plain --run links --nodes 2 --links 3 || return 1
	first=$(sed -n 's/^job \([0-9]*\) *pretrain .*/\1/p' submitted | head -n 1)
	within 60 has_lines "$first" links 2 && scancel --batch --signal=USR1 "$first" && completed "$(job_of report)" 120 &&
		[ "$(slurm_exit_code "$first")" = 75 ] && [ "$(slurm_restarts "$first")" = 0 ] && grep -q 'all 60 steps are done' links/log.txt ||
		show_job "$first"
}
stop_file() {
	steps=100000 && submit --data plain --run stopped
	steps=60 job=$(job_of pretrain)
	within 60 has_lines "$job" stopped 2 && touch stopped/STOP && slurm_await "$job" 60 && [ "$(slurm_exit_code "$job")" = 75 ] &&
		[ "$(slurm_restarts "$job")" = 0 ] && grep -qs 'remove it and submit again' stopped/logs/* || show_job "$job"
}
mistake() {
	"$jobs/submit" --time 10 --data plain --run mistake -- --model.arch=resnet51 >submitted 2>said
	job=$(job_of pretrain)
	slurm_await "$job" 60 && [ "$(slurm_state "$job")" = FAILED ] && [ "$(slurm_exit_code "$job")" = 2 ] &&
		[ "$(slurm_restarts "$job")" = 0 ] || show_job "$job"
}
# A task for each pair of checkpoint and test set.
array() {
	rm -f whole/results.jsonl
	job=$(sbatch --parsable --array=0-3 -t 5 -o array-%a.log "$jobs/evals.sbatch" whole/checkpoints/step-000000040.h5 \
		whole/checkpoints/step-000000060.h5 -- packed-srun plain -- --size=32 --epochs=1 --lrs=0.1 --threads=1 --results="$scratch/array")
	for task in 0 1 2 3; do
		slurm_await "${job}_$task" 90 || return 1
	done
	[ "$(grep -c '"protocol"' array)" = 8 ] && [ "$(sort -u array | wc -l)" = 8 ] || { tail -n 5 array-*.log | sed 's/^/# /'; return 1; }
}
# Each checkpoint once; the run is finished, so no further job is submitted.
watching() {
	for round in 1 2; do
		job=$(sbatch --parsable -t 5 -o watch-$round.log "$jobs/watch.sbatch" "$scratch/whole" plain --size=32 --epochs=1 --lrs=0.1 --threads=1)
		slurm_await "$job" 120 && [ "$(slurm_state "$job")" = COMPLETED ] || { sed 's/^/# /' watch-$round.log; return 1; }
	done
	[ "$(wc -l <whole/results.jsonl)" = 6 ] && [ -z "$(squeue -h)" ] && grep -q 'is finished' watch-1.log || { sed 's/^/# /' watch-*.log; return 1; }
}

# Beside a run that goes on it submits itself again until all is evaluated.
no_jobs() {
	[ -z "$(squeue -h)" ]
}
watching_a_run() {
	submit --data plain --run watched --test plain --watch || return 1
	within 150 no_jobs &&
		[ "$(sed 's/.*"protocol":"\([a-z]*\)".*"step":\([0-9]*\).*/\1 \2/' watched/results.jsonl | sort -u | wc -l)" = 6 ] &&
		[ "$(find watched/logs -name '*watch*' | wc -l)" -gt 1 ] && return
	tail -n 20 watched/logs/* | sed 's/^/# /'
	return 1
}

plan 14
check "a run that nobody disturbs" by_hand
check "jobs/submit --dry-run prints the chain" dry_run
for launcher in srun mpirun; do
	check "pack, pretrain on two nodes, eval, report by $launcher" chain $launcher
	check "  the same end as without Slurm, bit for bit" same_end $launcher
done
sed -i 's/^RELIQUARY_LAUNCHER=.*/RELIQUARY_LAUNCHER=srun/' site.env
check "asked to stop it is requeued, twice, and goes on" requeued
check "  the same end, bit for bit" same_end requeued
check "--links: the next job goes on" links
check "a file STOP ends the run for good" stop_file
check "a mistake fails at once" mistake
check "an array of evaluations" array
check "watch evaluates each checkpoint once" watching
check "watch goes on beside a run until all is evaluated" watching_a_run
