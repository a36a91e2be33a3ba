#!/bin/sh
# reliquary bench answers, in both forms, with figures that are not 0.
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
cd "$scratch" || exit 1

bench() {
	"$RELIQUARY" bench --images 3 --seconds 0.05 --repeats 1 --model.arch=resnet18 --model.width=0.125 --views.large_size=32 \
		--views.small_size=16 --threads=1 "$@" >said 2>err || { sed 's/^/# /' err; return 1; }
}
positive() {
	bench --json && awk -F'[:,}]' -v key="\"$1\"" '{ sub(/^{/, ""); for (i = 1; i < NF; i++) if ($i == key && $(i + 1) > 0) found = 1 }
		END { exit !found }' said
}
refused() { # word, arguments...
	word=$1
	shift
	"$RELIQUARY" bench "$@" >said 2>err
	[ $? -eq 2 ] && grep -q -e "$word" err
}

# Every row of the profile has its calls, which take time, and what has a floor is not 0; shares add up to the step.
profiled() {
	bench --profile && grep -q 'time/floor' said && awk '$1 == "convolution," { convolutions += $(NF - 4) > 0 && $NF > 0 }
		$NF ~ /^[0-9.]+$/ || $NF == "-" { for (i = NF; i > 0; i--) if ($i ~ /%$/ && !/the step/) sum += $i }
		END { exit !(convolutions == 3 && sum > 98 && sum < 102) }' said
}
profiled_json() {
	bench --profile --json && tr '{' '\n' <said | awk -F'[:,}]' '/^"step_s"/ { step = $2; rest = $4 }
		/^"kind"/ { kinds++; sum += $4; if ($6 <= 0 || $4 < 0) bad = 1 }
		END { exit !(kinds == 12 && !bad && step > 0 && (sum + rest) / step > 0.99 && (sum + rest) / step < 1.01) }'
}

# One figure, and no other.
only() { # figure, key
	bench --json --only "$1" && grep -q "^{\"$2\":[0-9.e+-]*,\"peak_bytes\":[0-9]*}$" said
}

# Two cheap figures of the script that runs the peers.
beside_peers() {
	"$python" "$abs_top_srcdir/tests/peers/photos.py" images 8 textures >said &&
		PEER_PYTHONS=$python PEER_SECONDS=0.05 sh "$abs_top_srcdir/tests/peers.sh" --repeats 1 --only version,reads images >said 2>err ||
		{ sed 's/^/# /' err; return 1; }
	[ "$(grep -cE '^\| [^|]* \| [0-9.]+ \|' said)" -eq 2 ]
}

plan 20
check "a table" bench
for key in views_per_s_per_core crops_per_s_per_core shard_reads_per_s_per_core pack_images_per_s_per_core \
	pack_work_s_per_image pack_decode_s_per_image pack_crc_s_per_image first_batch_s checkpoint_stall_s \
	step_images_per_s peak_bytes; do
	check "$key" positive $key
done
check "only the start" only start first_batch_s
check "only the stall of a checkpoint" only save checkpoint_stall_s
check "an unknown figure" refused 'flights: name some of views' --only reads,flights
if find_python PIL; then
	check "beside its peers" beside_peers
else
	skip "beside its peers" "no Python here has Pillow (python3-pil)"
fi
check "a profile, which adds up" profiled
check "the same in JSON" profiled_json
check "an unknown option" refused secnods --secnods 3
check "nothing is left in the temporary folder" test -z "$(find . -name 'reliquary-bench-*')"
