#!/bin/sh
# kill -9 inside checkpoint writes: the newest valid checkpoint holds what was written, and none that was
# reported as safe is ever lost.
rounds=15
loop=$abs_top_builddir/tests/checkpoint_loop
[ -x "$loop" ] || { echo "Bail out! $loop is not built"; exit 99; }
dir=$(mktemp -d /tmp/reliquary-test-XXXXXX) || exit 99
trap 'rm -rf "$dir"' EXIT

echo "1..$((rounds + 1))"
inside=0
for i in $(seq "$rounds"); do
	"$loop" write "$dir" >"$dir/safe" 2>"$dir/log" &
	pid=$!
	# at least one checkpoint, however slow the disk, then a little longer, another time each round
	for _ in $(seq 1200); do
		[ "$(wc -l <"$dir/safe")" -ge 2 ] && break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	sleep "0.0$((i * 37 % 100))"
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	safe=$(tail -n 1 "$dir/safe")
	ls "$dir"/checkpoints/*.tmp-* >/dev/null 2>&1 && inside=$((inside + 1))
	newest=$("$loop" check "$dir" 2>"$dir/check")
	if [ -n "$newest" ] && [ -n "$safe" ] && [ "$newest" -ge "$safe" ]; then
		echo "ok $i - killed after step $safe was safe: step $newest is there"
	else
		echo "not ok $i - killed after step '$safe' was safe: '$newest' is the newest; $(cat "$dir/check" "$dir/log")"
	fi
done
if [ "$inside" -gt 0 ]; then
	echo "ok $((rounds + 1)) - $inside of $rounds kills came inside a write"
else
	echo "not ok $((rounds + 1)) - none of $rounds kills came inside a write"
fi
