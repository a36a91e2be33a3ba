#!/bin/sh
# reliquary doctor: what it finds fine would run, and each fault is one line with the way out and exit status 1.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
make_data
cd "$scratch" || exit 1

tiny="$tiny --data.threads=1"
# doctor RANKS ARGUMENTS...: output in $scratch/said; the exit status is mpirun's
doctor() {
	ranks=$1
	shift
	# shellcheck disable=SC2086
	timeout -k 10 60 mpirun --oversubscribe --bind-to none -n "$ranks" "$RELIQUARY" doctor $tiny "$@" >said 2>err
}
says() { # words...: each in what was said
	for word; do
		grep -q -e "$word" said || { echo "# not said: $word"; cat err said >both; mv both said; show; return 1; }
	done
}
# fails RANKS WORD ARGUMENTS...: exit status 1, one error, with this word
fails() {
	ranks=$1 word=$2
	shift 2
	doctor "$ranks" "$@"
	[ $? -eq 1 ] || { show; return 1; }
	says "^error: .*$word" '^A run would fail: 1 error' && [ "$(grep -c '^error: ' said)" -eq 1 ]
}

alone() {
	"$RELIQUARY" doctor >said 2>err && says '^versions' 'HDF5 [0-9]' 'Open MPI' 'oneDNN' '^data: not looked at' '^run: not looked at' \
		'^A run would start: '
}
two_ranks() {
	doctor 2 --data.train="$data" --run.dir=run && says "288 images in 12 shards" ' MB/s (' 'mpirun, which says 2 ranks' \
		'a checkpoint is' '^A run would start: ' && [ "$(grep -c '^versions' said)" -eq 1 ] &&
		[ ! -e run ] && [ -z "$(find . -name '.reliquary-doctor*')" ]
}
# What the doctor calls fine does run, and after that the folder holds a run.
agrees_with_pretrain() {
	pretrain 2 --train.steps=2 --optim.warmup_epochs=0 --run.dir="$scratch/begun" || show
	fails 2 'already holds a run' --data.train="$data" --run.dir="$scratch/begun" &&
		doctor 2 --data.train="$data" --run.dir="$scratch/begun" --run.resume=true
}
# Two ranks on one core of several, started by hand.
one_core() {
	core=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
	rm -f address
	# shellcheck disable=SC2086
	RELIQUARY_RANK=1 RELIQUARY_RANKS=2 timeout 60 taskset -c "$core" "$RELIQUARY" doctor $tiny --comm.bootstrap=file \
		--comm.address=address >other 2>&1 &
	job=$!
	# shellcheck disable=SC2086
	RELIQUARY_RANK=0 RELIQUARY_RANKS=2 timeout 60 taskset -c "$core" "$RELIQUARY" doctor $tiny --comm.bootstrap=file \
		--comm.address=address >said 2>err
	[ $? -eq 1 ] || { show; return 1; }
	wait $job
	[ $? -eq 1 ] && [ ! -s other ] &&
		says "^error: .*ranks 0 and 1 are bound to the same cores ($core and $core of .*--cpu-bind=cores" '^A run would fail: 1 error'
}
damaged() {
	cp -r "$data" broken && truncate -s -1 broken/shard-00003.h5 && fails 2 'shard-00003.h5: .*copy this shard again' --data.train=broken
}
few_files() {
	# shellcheck disable=SC2086,SC3045 # dash and bash have it
	(ulimit -n 70 && "$RELIQUARY" doctor $tiny --data.train="$data" >said 2>err)
	[ $? -eq 1 ] && says '^error: .*ulimit -n 76'
}
a_file_in_the_way() {
	: >file && fails 1 'file is a file, not a folder' --run.dir=file/run
}
no_pmix() {
	SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=4 SLURM_NTASKS=4 SLURM_PROCID=0 SLURM_MPI_TYPE=none "$RELIQUARY" doctor >said 2>err
	[ $? -eq 1 ] && says '^error: srun --mpi=none started 4 tasks .*--mpi=pmix' '^A run would fail: 1 error'
}
# Cray's plugin of Slurm tells of the ranks in its own variables: MPI has its chance.
cray() {
	PALS_RANKID=0 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=4 SLURM_NTASKS=4 SLURM_PROCID=0 SLURM_MPI_TYPE=cray_shasta \
		"$RELIQUARY" doctor >said 2>err
	[ $? -eq 1 ] && says '^error: the launcher (srun) started 4 ranks, but MPI found 1'
}
others_are_silent() {
	SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=4 SLURM_NTASKS=4 SLURM_PROCID=3 "$RELIQUARY" doctor >said 2>&1
	[ $? -eq 1 ] && [ ! -s said ]
}
jobs_of_one() {
	RANK=0 WORLD_SIZE=4 LOCAL_RANK=0 "$RELIQUARY" doctor >said 2>err
	[ $? -eq 1 ] && says '^error: the launcher (torchrun) started 4 ranks, but MPI found 1'
}
helps() {
	"$RELIQUARY" doctor --help >said 2>&1 && says '^usage: reliquary doctor' 'data.train'
}
refused() { # word, arguments...
	word=$1
	shift
	"$RELIQUARY" doctor "$@" >said 2>&1
	[ $? -eq 2 ] && says "$word" && [ "$(wc -l <said)" -eq 1 ]
}

plan 17
check "alone, without settings" alone
check "two ranks: one table, and nothing is left behind" two_ranks
check "a folder that holds a run" agrees_with_pretrain
if [ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ] && command -v taskset >/dev/null; then
	check "two ranks on one core" one_core
else
	skip "two ranks on one core" "there is one core, or no taskset (util-linux)"
fi
check "a damaged shard" damaged
check "no data set" fails 2 'nowhere' --data.train=nowhere
check "lanes that the ranks do not divide" fails 5 'data.lanes=12 is not divisible by the 5 ranks' --data.train="$data"
check "fewer shards than lanes" fails 1 'shards are too few' --data.train="$data" --data.lanes=24
check "too few open files" few_files
check "a file where the run would be" a_file_in_the_way
check "a device that is not there" fails 1 "abacus" --device=abacus
check "srun without PMIx" no_pmix
check "and only its first task speaks" others_are_silent
check "srun with the PMI of Cray" cray
check "each rank a job of its own" jobs_of_one
check "--help" helps
check "a wrong option" refused "there is no option '--fast'" --fast
