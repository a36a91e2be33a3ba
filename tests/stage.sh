#!/bin/sh
# data.stage_dir: ranks copy their shards to a disk of the node and train from there.  The result is that of the unstaged run, bit for
# bit, and the copies are gone after any end but kill -9; then the next run finds them.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
command -v h5diff >/dev/null || skip_all "h5diff is not installed (hdf5-tools)"
make_data
cd "$scratch" || exit 1
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM
mkdir disk disk-a disk-b

last=checkpoints/step-000000006.h5
bound=20 # seconds from being asked to the end; some tenths on an idle machine

# Reading the originals by large blocks takes a second a call, writing copies fails, as the environment says.
cat >disk.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int is(int fd, const char *part)
{
	char link[64], path[4096] = "";

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	return readlink(link, path, sizeof path - 1) > 0 && strstr(path, part);
}
ssize_t pread(int fd, void *to, size_t n, off_t at)
{
	ssize_t (*real)(int, void *, size_t, off_t) = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");

	if (getenv("SLOW_SOURCE") && n > 1 << 20 && is(fd, "/packed/shard-"))
		sleep(1);
	return real(fd, to, n, at);
}
ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t) = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");

	if (getenv("FULL_DISK") && is(fd, "shard-00007.h5.tmp-")) {
		errno = ENOSPC;
		return -1;
	}
	return real(fd, from, n, at);
}
END
${CC:-cc} -shared -fPIC -o disk.so disk.c -ldl 2>said || { show; exit 1; }

# train RUN ARGUMENTS...: two ranks, copies in disk
train() {
	dir=$1
	shift
	pretrain 2 --train.steps=6 --checkpoint.every=3 --run.dir="$scratch/$dir" --run.resume=true --data.stage_dir="$scratch/disk" "$@"
}
no_copies() {
	[ -z "$(ls -A disk)" ] || { ls -lR disk | sed 's/^/# /'; return 1; }
}
same_end() { # run
	for name in params momentum target stats target_stats; do
		h5diff -q "whole/$last" "$1/$last" "/$name" || { echo "# /$name differs"; return 1; }
	done
	for line in 1 2 3 4 5 6; do
		[ "$(metric whole $line loss)" = "$(metric "$1" $line loss)" ] || { echo "# the loss of step $line differs"; return 1; }
	done
}
wait_until() { # command...: for at most 30 s
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.05
	done
}
has_metrics() { [ -s "$1/metrics.jsonl" ]; }
ranks_of() { pgrep -f "^[^ ]*reliquary .*$1"; }
copies_in() { find "$1" -name 'shard-*.h5' | wc -l; }
some_copied() { [ "$(copies_in disk)" -ge 2 ]; }

unstaged() {
	train whole --data.stage_dir= && ! grep -q 'copies in' said && no_copies || show
}
staged() {
	train staged && grep -q "12 shards (0.00 GB) are read from copies in $scratch/disk/reliquary-$(id -u)-[0-9a-f]*; 0 of them" said ||
		show || return 1
	same_end staged && no_copies
}

# The descriptors of a rank: its own shards are the copies, the others (for their sizes alone) the originals.
reads_copies() { # rank's process
	own=$(find "/proc/$1/fd" -lname "$scratch/disk/*/shard-*" | wc -l)
	rest=$(find "/proc/$1/fd" -lname "$data/shard-*" | wc -l)
	[ "$own" = 6 ] && [ "$rest" = 6 ] || { echo "# $own copies and $rest originals are open"; return 1; }
}
in_use() {
	train long --train.steps=100000 &
	job=$!
	wait_until has_metrics long || { show; return 1; }
	copies=$(copies_in disk)
	result=0
	for rank in $(ranks_of "run.dir=$scratch/long"); do reads_copies "$rank" || result=1; done
	kill -TERM "$(ranks_of "run.dir=$scratch/long" | tail -n 1)"
	wait $job
	[ $? = 75 ] && [ "$copies" = 12 ] && [ $result = 0 ] || { echo "# $copies copies"; show; return 1; }
	no_copies
}

# Two nodes, as far as one host can show: each rank has a disk of its own, where only its own shards are.
two_disks() {
	# shellcheck disable=SC2086
	command="$RELIQUARY pretrain --data.train=$data $tiny --train.steps=100000 --run.dir=$scratch/nodes"
	# shellcheck disable=SC2086
	timeout -k 10 120 mpirun --oversubscribe --bind-to none -n 1 $command --data.stage_dir="$scratch/disk-a" : \
		-n 1 $command --data.stage_dir="$scratch/disk-b" >said 2>&1 &
	job=$!
	wait_until has_metrics nodes || { show; return 1; }
	a=$(cd disk-a/* && echo shard-*.h5) b=$(cd disk-b/* && echo shard-*.h5)
	kill -TERM "$(ranks_of "run.dir=$scratch/nodes" | tail -n 1)"
	wait $job
	[ $? = 75 ] || show || return 1
	expected_a=$(printf 'shard-%05d.h5 ' 0 1 2 3 4 5) expected_b=$(printf 'shard-%05d.h5 ' 6 7 8 9 10 11)
	[ "$a " = "$expected_a" ] && [ "$b " = "$expected_b" ] || { echo "# $a / $b"; return 1; }
	[ -z "$(find disk-a disk-b -mindepth 1)" ]
}

stopped_while_staging() {
	SLOW_SOURCE=1 LD_PRELOAD=$scratch/disk.so train early &
	job=$!
	wait_until some_copied || { show; return 1; }
	kill -TERM "$(ranks_of "run.dir=$scratch/early" | tail -n 1)"
	wait $job
	[ $? = 75 ] && grep -q 'staging ends early' said || show || return 1
	seconds=$(sed -n 's/.*stopped by SIGTERM: \([0-9.]*\) s later the program ends.*/\1/p' said)
	echo "# ${seconds:-?} s from the request to the end"
	awk -v s="${seconds:-99}" -v b=$bound 'BEGIN { exit !(s < b) }' && no_copies || return 1
	train early && same_end early && no_copies || show
}
killed_and_found_again() {
	SLOW_SOURCE=1 LD_PRELOAD=$scratch/disk.so train killed &
	job=$!
	wait_until some_copied || { show; return 1; }
	# shellcheck disable=SC2046 # several
	kill -KILL $(ranks_of "run.dir=$scratch/killed")
	wait $job
	some_copied || { echo "# nothing is left to find"; return 1; }
	find disk -name 'shard-*.h5' -exec sh -c 'cmp "$1" "$2/${1##*/}"' - {} "$data" \; >differ 2>&1
	[ ! -s differ ] || { sed 's/^/# /' differ; return 1; }
	train killed && grep -q '; [1-9][0-9]* of them were there before' said && same_end killed && no_copies || show
}
two_jobs() {
	# a folder of its own for Open MPI's sessions: two mpirun that make the same one at once may fail
	mkdir session
	OMPI_MCA_orte_tmpdir_base=$scratch/session OMP_NUM_THREADS=1 timeout 120 mpirun --oversubscribe --bind-to none -n 1 "$RELIQUARY" pretrain --data.train="$data" \
		$tiny --train.steps=6 --checkpoint.every=3 --run.dir="$scratch/other" --data.stage_dir="$scratch/disk" >said-other 2>&1 &
	job=$!
	train beside || show || return 1
	wait $job || { sed 's/^/# /' said-other; return 1; }
	same_end beside && no_copies
}
error_exit() {
	train wrong --run.init=nowhere.safetensors
	[ $? = 1 ] && grep -q nowhere.safetensors said && grep -q 'read from copies' said || show || return 1
	no_copies
}
write_fails() {
	FULL_DISK=1 LD_PRELOAD=$scratch/disk.so train full
	[ $? = 1 ] && grep -q "^reliquary pretrain: $(hostname): $scratch/disk/.*shard-00007.h5.tmp-.*No space left.*leave data.stage_dir empty" said ||
		show || return 1
	no_copies
}
no_folder() {
	train none --data.stage_dir=/nowhere
	[ $? = 1 ] && grep -q "^reliquary pretrain: $(hostname): data.stage_dir: /nowhere: no such folder" said || show
}
too_small() { # a disk of 40 MB, in a mount namespace of its own
	train_small="$RELIQUARY pretrain --data.train=$data $(echo $tiny) --train.steps=6 --run.dir=$scratch/small --data.stage_dir=$scratch/disk"
	unshare -m sh -c "mount -t tmpfs -o size=40m none disk && { timeout 120 mpirun --oversubscribe --bind-to none -n 2 $train_small
		echo status \$?; ls -A disk; }" >said 2>&1
	grep -q "the copies need 0.07 GB, and 0.04 GB are free on $scratch/disk (tmpfs)" said && [ "$(tail -n 1 said)" = 'status 1' ] || show
}

plan 11
check "unstaged" unstaged
check "staged: the same losses and checkpoint, and no copies after" staged
check "ranks read the copies of their own shards; stopped with 75, no copies after" in_use
check "each node gets only what its ranks read" two_disks
check "SIGTERM while shards are copied: 75, no copies after; then the same end" stopped_while_staging
check "kill -9 while shards are copied: what has its name is whole, the next run uses it" killed_and_found_again
check "two jobs with one data set on one node" two_jobs
check "an error exit leaves no copies" error_exit
check "a disk that is full names file and host" write_fails
check "a folder that is not there names the host" no_folder
if unshare -m mount -t tmpfs none disk 2>/dev/null; then
	check "too little room is told before anything is copied" too_small
else
	skip "too little room is told before anything is copied" "no small disk can be mounted here"
fi
