#!/bin/sh
# Reliquary beside its peers on this machine, as a table in Markdown.
#   tests/peers.sh [--repeats N] [--only NAME,...] [--images N] [--out FILE] [FOLDER]
# FOLDER holds class folders of JPEG files; without it crops of photographs are made, or textures.  NAME is one of those in
# `all` below.  Ours and each peer take turns, N times (5), and medians are compared.  RELIQUARY is the program (build/reliquary);
# PEER_PYTHONS ("python3 /usr/bin/python3") are the interpreters, of which the fastest counts for each peer.
# A peer that is not installed is left out, with the reason below the table.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${RELIQUARY:=$here/../build/reliquary}" "${PEER_PYTHONS:=python3 /usr/bin/python3}" "${PEER_SECONDS:=1}"
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM
all=version,start,save,reads,pack,unchecked,crops,views,memory2,memory6,recompute,step18,step50,ranks
repeats=5 only=$all images=96 out='' folder=''
command="tests/peers.sh $*"

complain() {
	echo "peers.sh: $1" >&2
	exit 2
}
while [ $# -gt 0 ]; do
	case $1 in
	--repeats | --only | --images | --out) [ $# -gt 1 ] || complain "$1 wants a value" ;;
	esac
	case $1 in
	--repeats) repeats=$2; shift ;;
	--only) only=$2; shift ;;
	--images) images=$2; shift ;;
	--out) out=$2; shift ;;
	-h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"; echo "NAME: $all"; exit 0 ;;
	-*) complain "there is no option $1 (see --help)" ;;
	*) folder=$1 ;;
	esac
	shift
done
for name in $(echo "$only" | tr , ' '); do
	case ,$all, in
	*",$name,"*) ;;
	*) complain "--only $name: name some of $all" ;;
	esac
done
[ -x "$RELIQUARY" ] || complain "$RELIQUARY is not there: build first, or set RELIQUARY"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$scratch/figures"
TMPDIR=$scratch
export TMPDIR
. "$here/peers/table.sh"
cores=$(nproc)
# the last of the cores that this process may use
core=$(taskset -cp $$ | sed 's/.*[:, -]//')

say() {
	echo "$*" >&2
}

# ---- the images ----

# All interpreters once; a name twice is one that PATH finds.
pythons=''
for python in $PEER_PYTHONS; do
	path=$("$python" -c 'import sys; print(sys.executable)' 2>/dev/null) || continue
	case " $pythons " in *" $path "*) ;; *) pythons="$pythons $path" ;; esac
done

# photos.py by the first interpreter that can
make_images() { # arguments...
	for python in $pythons; do
		"$python" "$here/peers/photos.py" "$scratch/images" "$images" "$@" 2>/dev/null && return
	done
	return 1
}

if [ -z "$folder" ]; then
	folder=$scratch/images
	if bytes=$(make_images); then
		about="$images crops of 500 x 375 from photographs, $bytes bytes on average"
	elif bytes=$(make_images textures); then
		about="$images textures of 500 x 375 for want of photographs, $bytes bytes on average"
	else
		complain "no interpreter of PEER_PYTHONS has Pillow to make images with; name a FOLDER"
	fi
else
	about="those of $(basename "$folder")"
fi
"$RELIQUARY" pack "$folder" "$scratch/set" --shards 8 >"$scratch/said" 2>&1 || { cat "$scratch/said" >&2; exit 1; }

# ---- ours: each prints one number ----

member() { # key: its value in the JSON object of the input
	tr '{,}' '\n\n\n' | sed -n "s/^\"$1\"://p"
}
ours() { # JSON key, arguments of bench...
	key=$1
	shift
	"$RELIQUARY" bench --json --data "$scratch/set" --repeats 1 "$@" 2>"$scratch/err" | member "$key"
}
pinned() {
	taskset -c "$core" "$@"
}
ours_core() { # JSON key, figure
	pinned "$RELIQUARY" bench --json --data "$scratch/set" --repeats 1 --seconds "$PEER_SECONDS" --only "$2" --threads=1 \
		2>"$scratch/err" | member "$1"
}
memory() { # arguments of bench...
	ours peak_bytes --only step --threads=2 "$@" | awk '{ print $1 / 1e9 }'
}
time_version() { # ms, of ten
	start=$(date +%s%N)
	for _ in 1 2 3 4 5 6 7 8 9 10; do "$RELIQUARY" --version >"$scratch/said"; done
	end=$(date +%s%N)
	echo "$start $end" | awk '{ printf "%.1f\n", ($2 - $1) / 1e7 }'
}
# A run is stopped as soon as it has said so.
time_start() {
	"$RELIQUARY" pretrain --data.train="$scratch/set" --run.dir="$scratch/run" --data.lanes=8 --train.batch=8 --threads="$cores" \
		--train.steps=100 --optim.warmup_epochs=0.1 >"$scratch/said" 2>&1 &
	run=$!
	for _ in $(seq 600); do
		grep -q 'training begins' "$scratch/said" && break
		kill -0 $run 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL $run 2>/dev/null || true
	wait $run 2>/dev/null || true
	rm -rf "$scratch/run"
	sed -n 's/.*first batch, \([0-9.]*\) s.*/\1/p' "$scratch/said"
}
two_ranks() {
	mpirun -n 2 --bind-to core "$RELIQUARY" bench --json --data "$scratch/set" --repeats 2 --only step --threads=1 2>"$scratch/err" |
		member step_images_per_s
}

# ---- peers: one number, or status 3 and the reason ----

# OpenBLAS of numpy-using peers is left to choose for itself.
peer_python() { # script, arguments...
	script=$here/peers/$1
	shift
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE "$python" "$script" "$@" 2>"$scratch/err"
}
# PyTorch's first steps are up to twice as long as later ones: until malloc keeps its memory, all of it comes anew from the kernel.
step_seconds() { # architecture: images a second, by the median of the last six of twelve steps
	peer_python step.py "$1" 8 2 12 "$layout" >"$scratch/steps" || { status=$?; cat "$scratch/steps"; return $status; }
	sed '$d' "$scratch/steps" | tail -n 6 >"$scratch/last"
	median "$scratch/last" | awk '{ print 8 / $1 }'
}
step_memory() { # large and small views: GB
	peer_python step.py resnet50 8 2 2 "$layout" "$@" >"$scratch/steps" || { status=$?; cat "$scratch/steps"; return $status; }
	tail -n 1 "$scratch/steps" | awk '{ print $1 / 1e9 }'
}

# ---- taking turns ----

put() { # figure, column, variant, command...
	file=$scratch/figures/$1.$2.$3
	put_name="$1: $2${3:+ $3}"
	shift 3
	[ ! -e "$file.missing" ] || return 0
	if value=$("$@") && [ -n "$value" ]; then
		echo "$value" >>"$file"
		say "$put_name: $value"
	else
		tail -n 1 "$scratch/err" >"$scratch/last"
		echo "${value:-$(cat "$scratch/last")}" | tail -n 1 >"$file.missing"
		say "$put_name: $(cat "$file.missing")"
	fi
}
each_python() { # figure, column, command...
	figure=$1 column=$2
	shift 2
	number=0
	for python in $pythons; do
		number=$((number + 1))
		put "$figure" "$column" "$number" "$@"
	done
}
each_layout() { # figure, command...
	torch_figure=$1
	shift
	number=0
	for python in $pythons; do
		number=$((number + 1))
		for layout in contiguous channels_last; do
			put "$torch_figure" PyTorch "$number-$layout" "$@"
		done
	done
}
augment() { # figure, JSON key
	put "$1" ours '' ours_core "$2" "$1"
	each_python "$1" torchvision pinned_python views.py torchvision "$1" "$folder" "$PEER_SECONDS"
	each_python "$1" OpenCV pinned_python views.py opencv "$1" "$folder" "$PEER_SECONDS"
}
pinned_python() { # script, arguments...
	script=$here/peers/$1
	shift
	pinned env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE "$python" "$script" "$@" 2>"$scratch/err"
}
shard() { # figure, what of shard.py
	each_python "$1" h5py pinned_python shard.py "$2" "$folder" "$scratch/peer.h5" "$PEER_SECONDS"
}
turn() { # figure
	case $1 in
	version) put version ours '' time_version ;;
	start) put start ours '' time_start ;;
	save) put save ours '' ours checkpoint_stall_s --only save --threads="$cores" ;;
	reads) put reads ours '' ours_core shard_reads_per_s_per_core reads; shard reads reads ;;
	pack) put pack ours '' ours_core pack_images_per_s_per_core pack; shard pack checked ;;
	unchecked) put unchecked ours '' ours_core pack_unchecked_images_per_s_per_core pack; shard unchecked pack ;;
	crops) augment crops crops_per_s_per_core ;;
	views) augment views views_per_s_per_core ;;
	memory2) put memory2 ours '' memory --views.large=2 --views.small=0; each_layout memory2 step_memory 2 0 ;;
	memory6) put memory6 ours '' memory; each_layout memory6 step_memory 4 2 ;;
	recompute) put recompute ours '' memory --train.recompute=views ;;
	step18) put step18 ours '' ours step_images_per_s --only step --repeats 3 --threads=2 --model.arch=resnet18
		each_layout step18 step_seconds resnet18 ;;
	step50) put step50 ours '' ours step_images_per_s --only step --repeats 3 --threads=2; each_layout step50 step_seconds resnet50 ;;
	ranks) if [ "$cores" -ge 2 ]; then
			put ranks ours '' ours step_images_per_s --only step --repeats 2 --threads=2
			put ranks two '' two_ranks
		fi ;;
	esac
}

load=$(cut -d' ' -f1 /proc/loadavg)
say "images: $about"
for name in $(echo "$only" | tr , ' '); do
	i=0
	while [ $i -lt "$repeats" ]; do
		i=$((i + 1))
		say "-- $name $i/$repeats"
		turn "$name"
	done
done
table "$command" "$load" >"$scratch/table"
cat "$scratch/table"
[ -z "$out" ] || cp "$scratch/table" "$out"
