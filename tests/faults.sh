#!/bin/sh
# What a user's mistake gets from pretrain: one clear message, exit status 1 or 2, nothing overwritten, no rank left hanging.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
make_data
cd "$scratch" || exit 1

# refused STATUS WORD RANKS ARGUMENTS...
refused() {
	want=$1 word=$2
	shift 2
	pretrain "$@"
	got=$?
	[ $got = "$want" ] && [ "$(grep -c '^reliquary pretrain: ' said)" = 1 ] && grep '^reliquary pretrain: ' said | grep -q -e "$word" &&
		return
	echo "# exit status $got, expected $want and '$word'"
	show
}
# damaged STATUS WORD COMMAND...: after the command has done its worst to a copy of the data set, in ./set
damaged() {
	want=$1 word=$2
	shift 2
	rm -rf set
	cp -r "$data" set
	(cd set && "$@")
	refused "$want" "$word" 2 --data.train=set --run.dir=never --train.steps=2
}
overwrite() { # file, offset
	printf 'XXXX' | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
finished_run() {
	pretrain 1 --train.steps=2 --run.dir=finished || show
}
unchanged() {
	sum=$(find finished -type f -exec cksum {} + | sort)
	refused 1 'already holds a run.*resume' 1 --train.steps=2 --run.dir=finished && [ "$sum" = "$(find finished -type f -exec cksum {} + | sort)" ]
}
# Settings of the run stay as they were, in its files too.
other_settings() {
	sum=$(cksum finished/config.yaml finished/metrics.jsonl)
	refused 1 'loss.temperature' 2 --run.dir=finished --run.resume=true --loss.temperature=0.3 --train.steps=4 &&
		[ "$sum" = "$(cksum finished/config.yaml finished/metrics.jsonl)" ]
}
# A record whose bytes are bad: the run goes on, says so once, and two ranks replace it by the same image as one.
bad_record() {
	rm -rf set
	cp -r "$data" set
	size=$(wc -c <set/shard-00003.h5)
	offset=4200
	while [ $offset -lt $((size < 20000 ? size : 20000)) ]; do
		overwrite set/shard-00003.h5 $offset
		offset=$((offset + 1500))
	done
	for n in 1 2; do
		pretrain $n --data.train=set --train.steps=6 --run.dir="bad$n" || { show; return 1; }
	done
	grep -q 'shard-00003.h5' said || { show; return 1; }
	near "$(metric bad2 6 loss)" "$(metric bad1 6 loss)" 1e-3 && [ "$(metric bad1 6 bad_records)" -gt 0 ] &&
		[ "$(metric bad1 6 bad_records)" = "$(metric bad2 6 bad_records)" ]
}
disk_full() {
	[ "$(id -u)" = 0 ] && mkdir -p small && mount -t tmpfs -o size=600k none small 2>/dev/null || return 77
	refused 1 'space\|No space\|full' 2 --train.steps=6 --checkpoint.every=1 --checkpoint.keep=100 --run.dir=small/run
	status=$?
	rest=$(find small/run/checkpoints -name '*tmp*' | grep -c .)
	umount small
	[ $status = 0 ] && [ "$rest" = 0 ]
}
not_finite() {
	refused 1 'not applied' 2 --train.steps=6 --optim.lr=10000 --optim.eta=1000 --optim.warmup_epochs=0 --run.dir=nan &&
		ls nan/fault-step-*.h5 >/dev/null
}

plan 24
check "unknown key: the nearest known one" refused 2 'loss.temperature' 2 --loss.temprature=0.3 --run.dir=never
check "value out of range" refused 2 'loss.temperature' 1 --loss.temperature=-1 --run.dir=never
check "a word that is no option" refused 2 'nonsense' 2 nonsense --run.dir=never
check "unknown architecture" refused 2 'resnet50' 1 --model.arch=resnet51 --run.dir=never
check "unknown device" refused 1 'cpu' 2 --device=tpu --run.dir=never
check "batch not divisible by lanes" refused 2 'lanes' 1 --train.batch=50 --run.dir=never
check "lanes not divisible by ranks" refused 1 'lanes' 4 --data.lanes=6 --run.dir=never
check "more ranks than lanes" refused 1 'at least one lane' 4 --data.lanes=2 --run.dir=never
check "more lanes than shards" refused 1 'shards' 2 --data.lanes=24 --run.dir=never
check "no run folder named" refused 1 'run.dir' 2
check "no such data set" refused 1 'nowhere' 2 --data.train=nowhere --run.dir=never
check "a folder that is not packed" refused 1 'index.json' 2 --data.train="$scratch/images/train" --run.dir=never
check "a batch larger than the set" refused 1 'batch' 1 --train.batch=2400 --run.dir=never
check "a shard cut short" damaged 1 'shard-00005.h5' truncate -s 30000 shard-00005.h5
check "a shard missing" damaged 1 'shard-00007.h5' rm shard-00007.h5
check "a shard that is no HDF5 file" damaged 1 'shard-00002.h5' overwrite shard-00002.h5 0
check "an index that is no JSON" damaged 1 'index.json' overwrite index.json 0
check "a finished run" finished_run
check "a folder that holds a run is refused and left alone" unchanged
check "another architecture than the checkpoint's" refused 1 'model' 2 --run.dir=finished --run.resume=true --model.width=0.25 --train.steps=4
check "other settings than the run's" other_settings
check "unreadable records are replaced, alike on 1 and 2 ranks" bad_record
disk_full
case $? in
0) ok "a full disk while a checkpoint is written" ;;
77) skip "a full disk while a checkpoint is written" "only root can mount a small file system" ;;
*) not_ok "a full disk while a checkpoint is written" ;;
esac
check "a step that is not finite ends the run and leaves its inputs" not_finite
