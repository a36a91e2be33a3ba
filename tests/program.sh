# program.sh - what the tests of the whole program share; to be sourced after make_scratch.  One small packed set and one short
# training command.
# shellcheck shell=sh
# shellcheck disable=SC2154
# Open MPI keeps its sockets here: other tests that run at the same time must not meet ours.
TMPDIR=$scratch
OMP_WAIT_POLICY=passive
export TMPDIR OMP_WAIT_POLICY

# Needs the photographs of the demo data.
need_photographs() {
	[ -d /usr/share/tuxpaint/stamps ] || skip_all "the demo's photographs are not installed (jobs/install.sh demo)"
}

# $data: 288 images of 80 pixels in 12 shards, with masks.
make_data() {
	data=$scratch/packed
	"$RELIQUARY" demo-data "$scratch/images" --train 288 --test 40 --test-objects 20 --size 80 --threads 1 >"$scratch/said" 2>&1 &&
		"$RELIQUARY" pack "$scratch/images/train" "$data" --masks "$scratch/images/masks/train" --shards 12 >"$scratch/said" 2>&1 ||
		{ sed 's/^/# /' "$scratch/said"; echo "Bail out! the test data cannot be made"; exit 1; }
}

# A network and views that take milliseconds a step; masks are used.
tiny='--model.arch=resnet18 --model.width=0.125 --model.stem=small --model.hidden=32 --model.out=16 --views.large=2
	--views.small=1 --views.large_size=32 --views.small_size=24 --views.small_area_min=0.2 --views.small_area_max=0.5
	--views.blur_taps=7 --views.mask=0.3 --optim.lr=3 --optim.warmup_epochs=0.1 --optim.ema=0.9 --data.lanes=12
	--train.batch=48 --train.log_every=1 --threads=1 --data.threads=1'

# pretrain RANKS ARGUMENTS...: at most $limit seconds; output in $scratch/said; the exit status is mpirun's
pretrain() {
	ranks=$1
	shift
	# shellcheck disable=SC2086
	timeout -k 10 "${limit:-120}" mpirun --oversubscribe --bind-to none -n "$ranks" "$RELIQUARY" pretrain --data.train="$data" $tiny "$@" \
		>"$scratch/said" 2>&1
}

show() {
	sed 's/^/# /' "$scratch/said"
	return 1
}

# The value of KEY in line N (1 is the first) of RUN's metrics
metric() { # run, line, key
	sed -n "$2p" "$1/metrics.jsonl" | sed "s/.*\"$3\":\([^,}]*\).*/\1/"
}

# |A - B| <= TOLERANCE |B|, and both are numbers
near() {
	awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a - b; if (d < 0) d = -d; if (b < 0) b = -b;
		ok = a != "" && b != "" && a == a + 0 && d <= t * b; if (!ok) print "# " a " and " b; exit !ok }'
}
