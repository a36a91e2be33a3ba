#!/bin/sh
# The commands demo-data and views as a user meets them.
folder=$(mktemp -d "${TMPDIR:-/tmp}/reliquary-demo-XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
count=0

# check NAME COMMAND...: one case, passed when the command succeeds.
check() {
	name=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		sed 's/^/# /' "$folder/said"
	fi
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# says STATUS WORD ARGUMENTS...: reliquary ends with that status and says the word.
says() {
	status=$1 word=$2
	shift 2
	"$RELIQUARY" "$@" >"$folder/said" 2>&1
	[ $? -eq "$status" ] && grep -q -e "$word" "$folder/said"
}

# complains STATUS WORD ARGUMENTS...: the same, in a single line.
complains() {
	says "$@" && [ "$(wc -l <"$folder/said")" -eq 1 ]
}

sums() {
	(cd "$1" && find . -type f ! -name demo.json -exec cksum {} + | sort -k3)
}

same() {
	sums "$1" >"$folder/one"
	sums "$2" >"$folder/two"
	[ -s "$folder/one" ] && cmp "$folder/one" "$folder/two" >"$folder/said"
}

lists_the_same_for_any_threads() {
	says 0 "30 + 10 + 10 images" demo-data "$folder/a" $small --threads 1 &&
		says 0 "30 + 10 + 10 images" demo-data "$folder/b" $small --threads 3 &&
		same "$folder/a" "$folder/b"
}

each_class_has_its_share() {
	[ "$(find "$folder/a/train" -name '*.jpg' | wc -l)" -eq 30 ] &&
		[ "$(find "$folder/a/masks/test-objects" -name '*.png' | wc -l)" -eq 10 ] &&
		[ "$(find "$folder/a/train" -mindepth 1 -type d | wc -l)" -eq 20 ]
}

packs_and_shows() {
	says 0 "30 images" pack "$folder/a/train" "$folder/packed" --masks "$folder/a/masks/train" &&
		says 0 "sheet.png: 3 images" views --data "$folder/packed" --out "$folder/sheet.png" --images 3 \
			--views.large_size=64 --views.small_size=32 &&
		[ "$(head -c 4 "$folder/sheet.png" | tail -c 3)" = PNG ]
}

small="--train 30 --test 10 --test-objects 10 --size 64"

check "demo-data --help" says 0 "usage: reliquary demo-data" demo-data --help
check "demo-data: unknown option" complains 2 "no option '--trian'" demo-data "$folder/x" --trian 3
check "demo-data: no folder" complains 2 "an argument is missing" demo-data
check "demo-data: two folders" complains 2 "one argument too many" demo-data a b
check "demo-data: value out of range" complains 2 "whole number from 16 to 2048" demo-data "$folder/x" --size 7
check "demo-data: no number" complains 2 "'many' is not" demo-data "$folder/x" --train many
check "demo-data: value missing" complains 2 "--seed: a value is missing" demo-data "$folder/x" --seed
check "demo-data: scales the wrong way round" complains 2 "scale-min" demo-data "$folder/x" --scale-min 1 --scale-max 0.5
check "demo-data: no images" complains 2 "no images" demo-data "$folder/x" --train 0 --test 0 --test-objects 0
printf 'a.jpg\tpretty-photographs\nb.jpg\nc.jpg\nd.jpg\n' >"$folder/list"
check "demo-data: missing packages are named" says 1 "apt-get install .*pretty-photographs" \
	demo-data "$folder/x" --backgrounds "$folder/list"
check "demo-data: missing objects name their package" says 1 "apt-get install tuxpaint-stamps-default" \
	demo-data "$folder/x" --stamps "$folder/nothing"
check "demo-data: refusals leave nothing" [ ! -e "$folder/x" ]

check "views --help" says 0 "usage: reliquary views" views --help
check "views: unknown option" complains 2 "no option '--imagse'" views --data d --out o --imagse 3
check "views: unknown setting" complains 2 "views.large_size" views --data d --out o --views.lrge_size=3
check "views: no data" complains 2 "which data set" views --out o
check "views: no file" complains 2 "--out" views --data d
check "views: no such data set" complains 1 "$folder/nothing" views --data "$folder/nothing" --out "$folder/o.png"
check "views: an argument too many" complains 2 "one argument too many" views d --data d --out o

"$RELIQUARY" demo-data "$folder/probe" --train 1 --test 0 --test-objects 0 --size 32 >"$folder/said" 2>&1
if grep -q "apt-get install" "$folder/said"; then
	why="the photographs are not installed"
	skip "demo-data: the same bytes for any number of threads" "$why"
	skip "demo-data: every class has its share" "$why"
	skip "demo-data: a second time" "$why"
	skip "demo-data: other options" "$why"
	skip "demo-data, pack, views" "$why"
else
	check "demo-data: the same bytes for any number of threads" lists_the_same_for_any_threads
	check "demo-data: every class has its share" each_class_has_its_share
	check "demo-data: a second time" complains 0 "there already" demo-data "$folder/a" $small
	check "demo-data: other options" complains 1 "other options" demo-data "$folder/a" $small --seed 5
	check "demo-data, pack, views" packs_and_shows
fi
echo "1..$count"
