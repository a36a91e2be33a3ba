# slurm.sh - a private Slurm for tests: slurmctld and two nodes, n1 and n2, on this host; to be sourced after make_scratch.
# Nothing of it is left when the test ends.
# shellcheck shell=sh
# shellcheck disable=SC2154
PATH=$PATH:/usr/sbin:/sbin
export PATH
slurm_dir=$scratch/slurm
SLURM_CONF=$slurm_dir/slurm.conf
export SLURM_CONF

# Ranks of both nodes share this host's cores.
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_hwloc_base_binding_policy OMPI_MCA_mpi_yield_when_idle

need_slurm() {
	command -v slurmctld >/dev/null && command -v slurmd >/dev/null || skip_all "Slurm is not installed (slurm-wlm)"
	[ "$(id -u)" = 0 ] || skip_all "only root can start Slurm's daemons for both nodes"
}

# Job numbers differ from one test to the next: Open MPI names shared memory by them, and the nodes of two tests share a host.
# Jobs of `low` give way to those of `high` and are requeued; 15 s after being asked to they are killed.
slurm_configure() { # first of three ports
	cat >"$SLURM_CONF" <<END
ClusterName=reliquary$$
FirstJobId=$(($$ % 100000 * 500 + 1))
SlurmctldHost=localhost
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$1
StateSaveLocation=$slurm_dir/state
SlurmdSpoolDir=$slurm_dir/spool-%n
TmpFS=$slurm_dir/tmp-%n
SlurmctldPidFile=$slurm_dir/slurmctld.pid
SlurmdPidFile=$slurm_dir/slurmd-%n.pid
SlurmctldLogFile=$slurm_dir/slurmctld.log
SlurmdLogFile=$slurm_dir/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
JobCompType=jobcomp/filetxt
JobCompLoc=$slurm_dir/jobs.txt
ReturnToService=2
SlurmdTimeout=10
KillWait=5
MinJobAge=3600
MailProg=/bin/true
SlurmdParameters=config_overrides
NodeName=n[1-2] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[$(($1 + 1))-$(($1 + 2))] CPUs=4 Sockets=1 CoresPerSocket=4 RealMemory=2000
PartitionName=low Nodes=n[1-2] Default=YES MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE GraceTime=15
PartitionName=high Nodes=n[1-2] MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
END
}

slurm_node_start() { # node
	mkdir -p "$slurm_dir/spool-$1" "$slurm_dir/tmp-$1"
	slurmd -N "$1" >>"$slurm_dir/said" 2>&1
}

# kill -9, as when a node loses power: its jobs' processes, slurmstepd that started them, and its files go with it.
slurm_node_kill() { # node
	kill -9 "$(cat "$slurm_dir/slurmd-$1.pid")"
	for pid in $(pgrep -x reliquary; pgrep -x orted; pgrep -f slurm_script); do
		tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "SLURMD_NODENAME=$1" || continue
		grep -qsF "SLURM_CONF=$SLURM_CONF" "/proc/$pid/environ" || continue
		kill -9 "$(ps -o ppid= -p "$pid")" "$pid"
	done 2>/dev/null
	rm -rf "$slurm_dir/tmp-$1" "$slurm_dir/spool-$1"
}

# within SECONDS COMMAND...: until it succeeds
within() {
	within_end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt $within_end ] || return 1
		sleep 0.1
	done
}

slurm_nodes_idle() {
	[ "$(timeout 5 sinfo -h -p low -t idle -o %D 2>/dev/null)" = 2 ]
}

# Ports differ from one test to the next; should one be taken, others are tried.
slurm_start() {
	trap 'slurm_stop; rm -rf "$scratch"' EXIT
	mkdir -p "$slurm_dir/state"
	for slurm_try in 0 1 2 3; do
		slurm_configure $((20000 + ($$ * 4 + slurm_try) % 10000 * 3))
		slurmctld -c >"$slurm_dir/said" 2>&1 && slurm_node_start n1 && slurm_node_start n2 && within 10 slurm_nodes_idle && return
		slurm_stop
	done
	sed 's/^/# /' "$slurm_dir/said"
	tail -n 20 "$slurm_dir"/*.log | sed 's/^/# /'
	echo "Bail out! Slurm does not start"
	exit 1
}

slurm_stop() {
	timeout 10 scancel -Q -f -u "$(id -un)" -s KILL >/dev/null 2>&1
	timeout 10 scontrol shutdown >/dev/null 2>&1
	sleep 0.5
	for slurm_file in "$slurm_dir"/*.pid; do
		[ -e "$slurm_file" ] && kill -9 "$(cat "$slurm_file")"
	done 2>/dev/null
	# slurmstepd, and what it has started, name this folder in their environment
	for pid in $(pgrep -x slurmstepd; pgrep -x reliquary; pgrep -x srun; pgrep -x mpirun); do
		grep -qsF "SLURM_CONF=$SLURM_CONF" "/proc/$pid/environ" && kill -9 "$pid"
	done 2>/dev/null
	return 0
}

slurm_field() { # job, name
	timeout 10 scontrol show job -o "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1
}

slurm_state() { # job
	slurm_field "$1" JobState
}

# A requeued job waits for two minutes: here it does not, but for the time in which the nodes still refuse it.
slurm_hurry() { # job
	[ "$(slurm_state "$1")" = PENDING ] && [ "$(slurm_field "$1" Reason)" = BeginTime ] || return 0
	sleep 3
	timeout 10 scontrol update JobId="$1" StartTime=now >/dev/null 2>&1
	return 0
}

slurm_state_ends() { # job
	case $(slurm_state "$1") in
	COMPLETED | FAILED | CANCELLED | TIMEOUT | NODE_FAIL | OUT_OF_MEMORY | DEADLINE) ;;
	*) return 1 ;;
	esac
}
# A job that is being requeued passes through states that look like an end.
slurm_is_over() { # job
	slurm_hurry "$1"
	slurm_state_ends "$1" && sleep 0.5 && slurm_state_ends "$1" && [ -z "$(timeout 5 squeue -h -j "$1" 2>/dev/null)" ]
}

# Until the job has ended for good, however often it is requeued.
slurm_await() { # job, seconds
	within "$2" slurm_is_over "$1" || { echo "# job $1 is $(slurm_state "$1") after $2 s"; return 1; }
}

slurm_is_running() { # job
	slurm_hurry "$1"
	[ "$(slurm_state "$1")" = RUNNING ]
}

slurm_exit_code() { # job
	slurm_field "$1" ExitCode | cut -d: -f1
}

slurm_restarts() { # job
	slurm_field "$1" Restarts
}
