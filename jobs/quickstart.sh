#!/usr/bin/env bash
# From a clone to a pre-trained encoder: install, build, make demo data, pre-train on 2 ranks, evaluate.
# What is there already is not made again, so a second call is quick.
set -euo pipefail

usage() {
	cat <<END
usage: jobs/quickstart.sh [DIR] [--section.key=value ...]
Installs what is missing, builds, makes a small data set of photographs in DIR/data (default runs/quickstart), pre-trains an
encoder on it on 2 ranks, and tells its accuracy beside that of the same encoder at random initialisation. Settings
are passed on to 'reliquary pretrain'; see jobs/configs/demo.yaml for what it starts from.
END
}

case ${1-} in
-h | --help) usage; exit 0 ;;
esac
top=$(cd "$(dirname "$0")/.." && pwd)
dir=$top/runs/quickstart
if [ $# -gt 0 ] && [ "${1#--}" = "$1" ]; then
	dir=$1
	shift
fi
run=$dir/run
ranks=2
reliquary=$top/build/reliquary
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Threads that wait must not keep a core from those that work.
export OMP_WAIT_POLICY=passive

step() {
	printf '\n== %s\n' "$*"
}

build() {
	"$top/jobs/install.sh" build demo
	[ -e "$top/configure" ] || (cd "$top" && autoreconf -fi)
	mkdir -p "$top/build"
	[ -e "$top/build/Makefile" ] || (cd "$top/build" && "$top/configure" -q)
	make -C "$top/build" -j"$(nproc)" -s reliquary
}

make_data() {
	"$reliquary" demo-data "$dir/data/images"
	for split in train test test-objects; do
		"$reliquary" pack "$dir/data/images/$split" "$dir/data/$split" --masks "$dir/data/images/masks/$split" --shards 16 \
			--name demo --split "$split"
	done
	[ -e "$dir/data/views.png" ] || "$reliquary" views --config "$top/jobs/configs/demo.yaml" --data "$dir/data/train" \
		--out "$dir/data/views.png"
}

# Ranks, and the cores that each may use.
parallel() {
	mpirun --oversubscribe --bind-to none -n "$ranks" "$reliquary" "$@"
}

# pretrain goes on where it was stopped; when all steps are done it says so at once.
pretrain() {
	parallel pretrain --config "$top/jobs/configs/demo.yaml" --data.train="$dir/data/train" --run.dir="$run" --run.resume=true "$@"
}

# The random encoder first, so that the other's figures stand beside it.
evaluate() { # split
	[ -e "$run/evaluated-$1" ] && return
	parallel eval all --checkpoint "$run" --random --test "$dir/data/$1" --epochs 20 --batch 128
	parallel eval all --checkpoint "$run" --test "$dir/data/$1" --epochs 20 --batch 128
	touch "$run/evaluated-$1"
}

# Top-1 of the newest evaluation on a split, in percent.
top1() { # protocol, split, true or false: at random initialisation
	grep "\"protocol\":\"$1\",\"random\":$3," "$run/results.jsonl" | grep "\"test\":\"$dir/data/$2\"" | tail -n 1 |
		grep -o '"top1":[0-9.]*' | head -n 1 | awk -F: '{ printf "%.1f %%", 100 * $2 }'
}

table() {
	printf '%-32s %12s %12s\n' "top-1" "pre-trained" "random"
	for protocol in linear knn; do
		printf '%-32s %12s %12s\n' "$protocol, on test" "$(top1 $protocol test false)" "$(top1 $protocol test true)"
	done
}

start=$SECONDS
step "Installing what is missing, and building"
build
step "Demo data in $dir/data (views.png shows what the network sees)"
make_data
step "Pre-training on $ranks ranks"
pretrain "$@"
step "Evaluation"
evaluate test
printf '\n%d s in all. The run is in %s\n\n' $((SECONDS - start)) "$run"
table
