#!/bin/sh
# A filesystem without file locks, as Lustre and NFS often are: everything works, unless the user asks HDF5 to lock.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
make_data
cd "$scratch" || exit 1

cat >nolock.c <<'END'
#include <errno.h>
#include <stdlib.h>
int flock(int fd, int operation)
{
	(void)fd, (void)operation;
	errno = ENOLCK;
	return -1;
}
END

# Does what follows with flock() failing, HDF5_USE_FILE_LOCKING as the user has it ("-": not set).
without_locks() { # value, command...
	unset HDF5_USE_FILE_LOCKING
	[ "$1" = - ] || { HDF5_USE_FILE_LOCKING=$1 && export HDF5_USE_FILE_LOCKING; }
	shift
	LD_PRELOAD=$scratch/nolock.so "$@"
}
train() {
	limit=120 pretrain 1 --train.steps=2 --checkpoint.every=1 --run.dir="$scratch/run" --run.resume=true "$@"
}
trains() { without_locks - train && [ -e run/checkpoints/step-000000002.h5 ] || show; }
resumes() { without_locks - train --train.steps=3 && grep -q 'going on from' said || show; }
packs() { without_locks - "$RELIQUARY" pack images/test packed-test --shards 2 >said 2>&1 || show; }
exports() { without_locks - "$RELIQUARY" export run out.safetensors >said 2>&1 || show; }
locks_when_asked() {
	without_locks TRUE "$RELIQUARY" pack --verify packed-test >said 2>&1
	[ $? = 1 ] && grep -qi 'lock' said || show
}

plan 5
${CC:-cc} -shared -fPIC -o nolock.so nolock.c 2>said || { show; exit 1; }
check "pack" packs
check "pretrain, with checkpoints" trains
check "resume" resumes
check "export" exports
check "HDF5_USE_FILE_LOCKING=TRUE of the user's is kept: HDF5 cannot lock, and says so" locks_when_asked
