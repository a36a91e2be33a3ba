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

plan 10
check "a table" bench
for key in views_per_s_per_core crops_per_s_per_core shard_reads_per_s_per_core step_images_per_s peak_bytes; do
	check "$key" positive $key
done
check "a profile, which adds up" profiled
check "the same in JSON" profiled_json
check "an unknown option" refused secnods --secnods 3
check "nothing is left in the temporary folder" test -z "$(find . -name 'reliquary-bench-*')"
