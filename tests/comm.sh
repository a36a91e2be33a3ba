#!/bin/sh
# Ranks over MPI and over TCP: every collective, ranks that do not come or die, and whole trainings without mpirun.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
cd "$scratch" || exit 1
helper=$abs_top_builddir/tests/comm_ranks
port=$((20000 + $$ % 1000 * 12)) # below those that the system gives away

# launch NAME SIZE RANKS COMMAND...: these ranks of a job, one by one; output in NAME.out, "rank status" in NAME.status.  What
# hangs is killed.
launch() {
	name=$1 size=$2 ranks=$3
	shift 3
	for rank in $ranks; do
		(
			RELIQUARY_RANK=$rank RELIQUARY_RANKS=$size timeout -s KILL 15 "$@" >"$name.$rank" 2>&1
			echo "$rank $?" >>"$name.status"
		) &
	done 2>/dev/null
	wait
	cat "$name".[0-9] >"$name.out"
}
# over NAME BOOTSTRAP RANKS MODE TIMEOUT [BAD]: all ranks, by comm_ranks; BAD is the one that misbehaves
over() {
	name=$1 by=$2 n=$3 mode=$4 limit=$5 bad=${6-0}
	case $by in
	mpi)
		mkdir "$name.tmp" # several at a time must not share one
		TMPDIR=$scratch/$name.tmp timeout 60 mpirun --oversubscribe --bind-to none -n "$n" "$helper" "$mode" mpi - "$limit" "$bad" >"$name.out" 2>&1
		echo "mpirun $?" >"$name.status"
		;;
	tcp) launch "$name" "$n" "$(seq 0 $((n - 1)))" "$helper" "$mode" tcp "localhost:$port" "$limit" "$bad" ;;
	file) launch "$name" "$n" "$(seq 0 $((n - 1)))" "$helper" "$mode" file "$scratch/$name.address" "$limit" "$bad" ;;
	esac
}
# In the background, with a port of its own.
meanwhile() {
	port=$((port + 1))
	"$@" &
}
tell() { # name
	sed 's/^/# /' "$1.out" "$1.status"
	return 1
}
# ended NAME STATUS RANKS: so many had this status
ended() {
	[ "$(grep -c " $2\$" "$1.status")" = "$3" ] || tell "$1"
}
# says NAME TIMES TEXT: so many ranks say so, and none says anything else
says() {
	[ "$(grep -c 'fault on\|^comm_ranks:' "$1.out")" = "$2" ] && [ "$(grep -c -e "$3" "$1.out")" = "$2" ] || tell "$1"
}

plan 37

# ---- collectives ----

for by in mpi tcp file; do
	for n in 1 2 3 4 7; do
		over $by$n $by $n collectives 30
		check "collectives on $n ranks over $by" ended $by$n 0 "$([ $by = mpi ] && echo 1 || echo "$n")"
	done
done
check "the file with the address is gone when all have joined" test -z "$(ls ./*.address 2>/dev/null)"

# ---- ranks that do not come or die; all at the same time, since they wait ----

absent() {
	launch absent 4 '0 2' "$helper" collectives tcp "localhost:$port" 3
}
lonely() {
	launch lonely 2 1 "$helper" collectives file "$scratch/never" 1
}
# The file of an earlier job leads to a job that still waits for its ranks.  Ours must not join that one.
old_file() {
	echo "reliquary $(uname -n) $port 0123456789abcdef" >old.address
	launch other 3 0 "$helper" collectives tcp "localhost:$port" 5 &
	launch old 3 '1 2' "$helper" collectives file "$scratch/old.address" 10 &
	sleep 1
	launch chief 3 0 "$helper" collectives file "$scratch/old.address" 10
	wait
}
twice() {
	launch twin 3 1 "$helper" collectives tcp "localhost:$port" 3 &
	launch twice 3 '0 1' "$helper" collectives tcp "localhost:$port" 3
	wait
}
taken() {
	launch taken 2 0 "$helper" collectives tcp "localhost:$port" 3 &
	launch taker 2 0 "$helper" collectives tcp "localhost:$port" 3
	wait
}
no_number() {
	(unset RANK SLURM_PROCID PMI_RANK && "$helper" collectives file "$scratch/never" 1) >no_number.out 2>&1
	echo "0 $?" >no_number.status
}
meanwhile over stopped2 tcp 4 stopped 3 2
meanwhile over stopped0 tcp 4 stopped 3 0
meanwhile over left2 tcp 4 left 10 2
meanwhile over left0 tcp 4 left 10 0
meanwhile over differ tcp 2 out-of-step 10 0
meanwhile over device tcp 3 elsewhere 3 1
meanwhile over mpi-stopped2 mpi 4 stopped 3 2
meanwhile over mpi-stopped0 mpi 3 stopped 3 0
meanwhile over mpi-differ mpi 2 out-of-step 3 1
meanwhile over mpi-device mpi 3 elsewhere 3 1
for what in absent lonely old_file twice taken no_number; do
	meanwhile $what
done
wait

named() { # name, times, text, ranks that end by it
	says "$1" "$2" "$3" && ended "$1" 70 "$4"
}
aborted() { # name, text
	says "$1" 1 "$2" && { grep -q 'mpirun 70' "$1.status" || tell "$1"; }
}
refused() { # name, text
	says "$1" 1 "$2" && ended "$1" 1 1
}
check "tcp: a stopped rank is named, once" named stopped2 1 'rank 2 has not arrived' 3
check "tcp: a stopped rank 0 is named, once" named stopped0 1 'rank 0 has not arrived' 3
check "the message tells seconds, collective and step" \
	says stopped2 1 'waited [3-9]\.[0-9] s for collective 3 (sum of 2 doubles) of step 3'
check "tcp: a rank that died is named by all" named left2 3 'rank 2 is gone' 3
check "tcp: a rank 0 that died is named by all" named left0 3 'rank 0 is gone' 3
check "tcp: ranks in different collectives" named differ 2 '(sum of 2 doubles).*rank . at.*(broadcast of 16 bytes)\|(broadcast.*rank . at.*(sum' 2
check "tcp: a rank that waits for its device is not missing" \
	named device 1 'rank 2 has not arrived; rank 1 waits for collective 12 (sum of 5 doubles on the device)' 2
check "mpi: a stopped rank is named, once" aborted mpi-stopped2 'rank 2 has not arrived'
check "mpi: a stopped rank 0 is named, once" aborted mpi-stopped0 'rank 0 has not arrived'
check "mpi: ranks in different collectives" \
	aborted mpi-differ 'no rank is missing; rank 1 waits for collective 3 (broadcast of 16 bytes)'
check "mpi: a rank that waits for its device is not missing" aborted mpi-device 'rank 2 has not arrived; rank 1 waits for'
check "ranks that have not joined are named to those that have" says absent 2 'ranks 1, 3 of 4 have not joined within 3 s'
check "a file that nobody writes" refused lonely 'rank 1 has not found rank 0 within 1 s.*never'
check "the file of an earlier job leads nowhere" ended old 0 2
check "the job that it leads to is left alone" says other 1 'ranks 1-2 of 3 have not joined'
check "one rank started twice" grep -q 'there is a rank 1 already' twice.out twin.out
check "a port that is in use" grep -q 'cannot listen on port.*in use' taken.out taker.out
check "an environment that does not say the rank" refused no_number 'set RELIQUARY_RANK'

# ---- the whole program ----

alone() { # name, ranks, arguments of pretrain...: in the background of one another, without mpirun
	name=$1 ranks=$2
	shift 2
	# shellcheck disable=SC2086
	launch "$name" 2 "$ranks" "$RELIQUARY" pretrain --comm.bootstrap=file --comm.address="$scratch/$name.address" \
		--data.train="$data" $tiny "$@"
}
losses() {
	sed 's/,"images_per_s.*//' "$1/metrics.jsonl"
}
same_losses() {
	pretrain 2 --train.steps=6 --run.dir=by-mpi || { show; return 1; }
	alone program '0 1' --train.steps=6 --run.dir=by-file
	ended program 0 2 || return 1
	losses by-mpi >mpi.losses
	losses by-file >file.losses
	[ "$(wc -l <file.losses)" = 6 ] && cmp mpi.losses file.losses
}
# Rank 1 is killed in the middle; rank 0 must not wait for it.
killed() {
	alone victim '0 1' --train.steps=100000 --run.dir=killed &
	until [ -s killed/metrics.jsonl ] || [ -s victim.status ]; do
		sleep 0.1
	done
	kill -9 "$(pgrep -n -f "reliquary pretrain.*comm.address=$scratch/victim.address")"
	wait
	grep -q 'rank . is gone' victim.out && ended victim 70 1
}
mistyped() {
	alone mistyped '0 1' --loss.temprature=0.3 --run.dir=never
	[ "$(grep -c '^reliquary pretrain: ' mistyped.out)" = 1 ] && grep -q 'loss.temperature' mistyped.out && ended mistyped 2 2
}
if [ -d /usr/share/tuxpaint/stamps ]; then
	make_data
	check "two ranks without mpirun have the losses of two with it" same_losses
	check "a rank of a training that is killed" killed
	check "a mistyped setting is told once" mistyped
else
	for what in "losses without mpirun" "a killed rank" "a mistyped setting"; do
		skip "$what" "the demo's photographs are not installed (jobs/install.sh demo)"
	done
fi
