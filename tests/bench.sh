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

plan 8
check "a table" bench
for key in views_per_s_per_core crops_per_s_per_core shard_reads_per_s_per_core step_images_per_s peak_bytes; do
	check "$key" positive $key
done
check "an unknown option" refused secnods --secnods 3
check "nothing is left in the temporary folder" test -z "$(find . -name 'reliquary-bench-*')"
