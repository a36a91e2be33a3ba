#!/bin/sh
# Collectives of the CUDA back end over 1, 2 and 3 ranks, against the doubles of CUDA and NCCL: values, what runs behind what,
# and how a job ends when NCCL fails or a rank does not come.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
TMPDIR=$scratch # Open MPI keeps its sockets here
export TMPDIR
program=${CUDA_RANKS:-$abs_top_builddir/tests/cuda_ranks}
"$program" >"$scratch/said" 2>&1
[ $? -ne 77 ] || skip_all "no CUDA back end here"

ranks() { # number, cases
	n=$1
	shift
	timeout 120 mpirun --oversubscribe --bind-to none -n "$n" "$program" "$@" >"$scratch/said" 2>&1
}
show() {
	sed 's/^/# /' "$scratch/said"
	return 1
}
right() { # number of ranks, order of the double's streams, one more case
	CUDA_DOUBLE_ORDER=$2
	export CUDA_DOUBLE_ORDER
	ranks "$1" sums same_bits behind waits gathers ${3:+"$3"} || show
}
# The job has ended with the status of a fault, and says all these.
says() { # status, words
	[ "$1" = 70 ] || { echo "# exit status $1"; show; return 1; }
	shift
	for word; do
		grep -q -e "$word" "$scratch/said" || { echo "# no '$word'"; show; return 1; }
	done
}
broken() { # ranks
	CUDA_DOUBLE_ORDER=lazy NCCL_DOUBLE_FAIL=1:3 ranks "$1" fault
	says $? 'NCCL on rank [0-9] of' 'step 42' 'collective 3 of' 'sum of gradients of 4000 bytes' layer2.1.conv2
}
# Nobody hears that it hangs: the watchdog does.
hanging() {
	CUDA_DOUBLE_ORDER=lazy NCCL_DOUBLE_FAIL=1:3:hang ranks 2 fault
	says $? 'collective 3 (sum of gradients of 4000 bytes at layer layer2.1.conv2)' 'step 42'
}
late() { # ranks
	CUDA_DOUBLE_ORDER=lazy ranks "$1" missing
	says $? 'collective 2 (sum of doubles of 800 bytes at layer layer3.0.bn1)' 'step 42' 'rank 1 has not arrived'
}
# The count goes on where more were asked for than are kept track of.
late_in_a_run() {
	CUDA_DOUBLE_ORDER=lazy ranks 2 many missing
	says $? 'collective 602 (sum of doubles of 800 bytes at layer layer3.0.bn1)' 'rank 1 has not arrived'
}

plan 15
for n in 1 2 3; do
	check "$n ranks, lazy: sums, same bits, sums behind other work, gathers, more than are kept track of" right "$n" lazy many
	for order in eager random:1; do
		check "$n ranks, $order: sums, same bits, sums behind other work, gathers" right "$n" "$order"
	done
done
for n in 2 3; do
	check "$n ranks: a fault of NCCL is named by rank, step, collective and layer" broken "$n"
done
check "2 ranks: a collective that never ends is named" hanging
for n in 2 3; do
	check "$n ranks: the rank that does not come is named" late "$n"
done
check "2 ranks: the same after 600 collectives" late_in_a_run
