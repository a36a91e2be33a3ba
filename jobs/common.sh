# common.sh - what the sbatch scripts share: the site's settings, how ranks are started, signals, requeueing.  To be sourced by bash.
# shellcheck shell=bash

jobs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export RELIQUARY_JOBS=$jobs

# ---- the site ----

# shellcheck source=/dev/null
[ -e "${RELIQUARY_SITE:=$jobs/site.env}" ] && . "$RELIQUARY_SITE"
export RELIQUARY_SITE

: "${RELIQUARY_LAUNCHER:=srun}" "${RELIQUARY_SRUN_MPI:=pmix}" "${RELIQUARY_TRIES:=3}"
: "${RELIQUARY_PARTITION:=}" "${RELIQUARY_ACCOUNT:=}" "${RELIQUARY_GPUS_PER_NODE:=0}"
[ "$RELIQUARY_GPUS_PER_NODE" = 0 ] || : "${RELIQUARY_RANKS_PER_NODE:=$RELIQUARY_GPUS_PER_NODE}"
: "${RELIQUARY_RANKS_PER_NODE:=1}"
: "${RELIQUARY_CPUS_PER_RANK:=}" "${RELIQUARY_MODULES:=}" "${RELIQUARY_SBATCH:=}" "${RELIQUARY_STAGE_DIR:=}" "${RELIQUARY_SETTINGS:=}"
: "${RELIQUARY_SRUN:=}" "${RELIQUARY_MPIRUN:=}" "${RELIQUARY_LINKS:=}"

say() {
	printf '%s: %s\n' "${SLURM_JOB_NAME:-$(basename "$0")}" "$*" >&2
}

# Lines, one a word: the site's options of sbatch for a job on so many nodes.
site_options() { # nodes, ranks or one
	local gpus=$RELIQUARY_GPUS_PER_NODE ranks=$RELIQUARY_RANKS_PER_NODE
	[ "$2" = ranks ] || { gpus=0 ranks=1; }
	printf '%s\n' "--nodes=$1" "--ntasks-per-node=$ranks"
	[ -z "$RELIQUARY_PARTITION" ] || echo "--partition=$RELIQUARY_PARTITION"
	[ -z "$RELIQUARY_ACCOUNT" ] || echo "--account=$RELIQUARY_ACCOUNT"
	[ -z "$RELIQUARY_CPUS_PER_RANK" ] || echo "--cpus-per-task=$RELIQUARY_CPUS_PER_RANK"
	[ "$gpus" = 0 ] || echo "--gpus-per-node=$gpus"
	# shellcheck disable=SC2086 # words
	[ -z "$RELIQUARY_SBATCH" ] || printf '%s\n' $RELIQUARY_SBATCH
}

find_program() {
	: "${RELIQUARY:=$(dirname "$jobs")/build/reliquary}"
	[ -x "$RELIQUARY" ] || RELIQUARY=$(command -v reliquary || true)
	[ -n "$RELIQUARY" ] && return
	say "the program is not built and not in PATH: build it, or set RELIQUARY in $RELIQUARY_SITE"
	exit 1
}

# ---- in a job ----

# Slurm tells the end of a job in the environment from 23.02 on.
tell_end() {
	local end
	[ -z "${SLURM_JOB_END_TIME:-}" ] || return 0
	end=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%e 2>/dev/null) || return 0
	end=$(date -d "$end" +%s 2>/dev/null) || return 0
	export SLURM_JOB_END_TIME=$end
}

enter_job() {
	local module
	[ -n "${SLURM_JOB_ID:-}" ] || { say "this is a job script: sbatch $0 ..., or jobs/submit"; exit 2; }
	for module in $RELIQUARY_MODULES; do
		module load "$module"
	done
	find_program
	tell_end
	# Threads that wait must not keep a core from those that work: they sleep soon.  At once, as OMP_WAIT_POLICY=passive
	# has it, would cost 3 % of a step on cores of their own.
	[ -n "${OMP_WAIT_POLICY:-}" ] || export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-2000}"
	# srun does not take this from the batch job by itself
	[ -z "${SLURM_CPUS_PER_TASK:-}" ] || export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
	say "job $SLURM_JOB_ID on ${SLURM_JOB_NODELIST:-?}, start number $((${SLURM_RESTART_COUNT:-0} + 1)), $(date '+%F %T')"
}

caught='' launcher='' status=0

# To the ranks: they stop with a checkpoint.  As SIGUSR1, for SIGTERM makes mpirun kill them.
pass_on() {
	caught=$1
	say "SIG$1 at $(date +%T), passed on"
	[ -z "$launcher" ] || kill -USR1 "$launcher" 2>/dev/null || true
}

# mpirun may outlive its ranks for ever, when they are killed while they connect to it.
watch_mpirun() {
	local alone=0
	while kill -0 "$1" 2>/dev/null; do
		sleep 5
		if [ -n "$(pgrep -P "$1")" ]; then alone=0; else alone=$((alone + 1)); fi
		[ $alone -lt 6 ] || kill -9 "$1" 2>/dev/null || true
	done
}

# Traps interrupt wait while the launcher is still there.
await_launcher() {
	while :; do
		status=0
		wait "$launcher" || status=$?
		kill -0 "$launcher" 2>/dev/null || return 0
	done
}

# launch ranks|one ARGUMENTS...: reliquary with these arguments on all ranks of the job, or once; its exit status in $status.  The
# others wait for a rank that has died; srun ends them half a minute later.
launch() {
	local how=$1
	shift
	trap 'pass_on TERM' TERM
	trap 'pass_on USR1' USR1
	trap 'pass_on USR2' USR2
	# shellcheck disable=SC2086 # options are words
	if [ "$how" = one ]; then
		"$RELIQUARY" "$@" &
	elif [ "$RELIQUARY_LAUNCHER" = mpirun ]; then
		mpirun $RELIQUARY_MPIRUN "$RELIQUARY" "$@" $RELIQUARY_SETTINGS &
	else
		srun --mpi="$RELIQUARY_SRUN_MPI" --kill-on-bad-exit=0 --wait=30 $RELIQUARY_SRUN "$RELIQUARY" "$@" $RELIQUARY_SETTINGS &
	fi
	launcher=$!
	[ "$how" = one ] || [ "$RELIQUARY_LAUNCHER" != mpirun ] || watch_mpirun $launcher &
	[ -z "$caught" ] || kill -USR1 $launcher
	await_launcher
	launcher=
	say "exit status $status at $(date +%T)"
	# asked to end before it could catch the signal
	[ -z "$caught" ] || [ "$status" -le 128 ] || status=75
}

requeue() { # why
	say "$1: requeueing"
	if scontrol requeue "$SLURM_JOB_ID"; then
		exec sleep 60 # until Slurm ends it
	fi
	say "this job cannot be requeued here: submit the same command again, it goes on where it was stopped"
	exit 75
}

# After a fault: may it be tried again?  RELIQUARY_TRIES times since the newest checkpoint, counted in a file of the run; jobs without
# a run: so often in all.
may_try_again() { # folder or nothing
	local newest count=0 before=
	[ -n "$1" ] || { [ "${SLURM_RESTART_COUNT:-0}" -lt "$RELIQUARY_TRIES" ]; return; }
	newest=$(find "$1/checkpoints" -name 'step-*.h5' 2>/dev/null | sort | tail -n 1)
	newest=$(basename "${newest:-none}")
	read -r count before 2>/dev/null <"$1/faults" || true
	[ "$before" = "$newest" ] || count=0
	mkdir -p "$1"
	echo "$((count + 1)) $newest" >"$1/faults"
	[ "$count" -lt "$RELIQUARY_TRIES" ]
}

# What follows the exit status: 75, stopped: again.  Faults of machines and kills: again, while the run gets on.  Mistakes: no.
conclude() { # folder of the run, or nothing
	local run=$1
	case $status in
	0 | 1 | 2) exit "$status" ;;
	75)
		if [ -n "$run" ] && [ -e "$run/STOP" ]; then
			say "$run/STOP is there, so this job is not requeued: remove it and submit again to go on"
			exit 75
		fi
		[ -z "$RELIQUARY_LINKS" ] || { say "the next link goes on"; exit 75; }
		requeue "stopped with a checkpoint" ;;
	esac
	if may_try_again "$run"; then
		[ -z "$RELIQUARY_LINKS" ] || { say "a fault; the next link goes on"; exit "$status"; }
		requeue "ended by a fault"
	fi
	say "tried again $RELIQUARY_TRIES times without getting on: given up"
	exit "$status"
}

# The value of an option among the arguments: "--run.dir=X", "--run.dir X".
option() { # name, arguments...
	local name=$1 value=
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		"--$name="*) value=${1#*=} ;;
		"--$name") value=${2-} ;;
		esac
		shift
	done
	printf '%s\n' "$value"
}
