#!/bin/sh
# reliquary pack as a user meets it: real tar files, kills, a full disk, damage, wrong calls.
here=$(mktemp -d "${TMPDIR:-/tmp}/reliquary-pack.XXXXXX") || exit 1
trap 'umount "$here/small" 2>/dev/null; rm -rf "$here"' EXIT
trap 'exit 1' HUP INT TERM
cd "$here" || exit 1

number=0
# ok NAME COMMAND...: one test, of whether the command succeeds
ok() {
	number=$((number + 1)) name=$1
	shift
	if "$@"; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' last.log
	fi
}
skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# Both outputs of the last run are in last.log.
pack() {
	"$RELIQUARY" pack "$@" >last.log 2>&1
}
# fails STATUS WORD ARGUMENTS...: the exit status, and a line with the word
fails() {
	status=$1 word=$2
	shift 2
	pack "$@"
	[ $? -eq "$status" ] && grep -q -e "$word" last.log
}
says() {
	grep -q -e "$1" "${2:-last.log}"
}
same() {
	diff -r -x pack.txt "$1" "$2" >last.log 2>&1
}
whole() {
	pack --verify "$1" --decode && says "$2 images" && says ' 0 bad'
}

if [ ! -x "$abs_top_builddir/tests/make_images" ]; then
	echo "1..0 # SKIP tests/make_images was not built (it needs cmocka)"
	exit 0
fi
"$abs_top_builddir/tests/make_images" images 240 96 || exit 1
options='--name set --shards 7'

echo "1..42"

# --- threads, and a folder as source
ok "a folder is packed" pack images one $options --masks images-masks --threads 1
ok "its summary counts images, masks, classes and shards" says '240 images (192 with masks) of 4 classes into 7 shards'
ok "every record decodes" whole one 240
pack images three $options --masks images-masks --threads 3
ok "three threads write the same bytes" same one three
ok "the work folder is gone" [ ! -e one/.pack ]
ok "the same call again finds it done" pack images one $options --masks images-masks
ok "... and says so" says 'there already'

# --- tar files
mkdir inner
for class in 0 1 2 3; do
	(cd images/class-$class && tar cf "$here/inner/n0000000$class.tar" ./*.jpg)
done
(cd inner && tar cf ../imagenet.tar n0000000?.tar)
ok "a tar of tars is packed" pack imagenet.tar imagenet $options
ok "the classes are the inner tars" says '"n00000003"' imagenet/index.json
ok "every record decodes" whole imagenet 240

mkdir web
i=0
for file in images/class-*/*.jpg; do
	cp "$file" "web/$(basename "$file")"
	echo $((i % 11)) >"web/$(basename "$file" .jpg).cls"
	echo '{}' >"web/$(basename "$file" .jpg).json"
	i=$((i + 1))
done
(cd web && tar cf ../web-0.tar --sort=name image-0* && tar czf ../web-1.tar.gz --sort=name image-1* image-2*)
ok "two WebDataset tars are packed" pack web-0.tar web-1.tar.gz web-out $options
ok "their labels are numbers" says '240 images (0 with masks) of 11 classes'
ok "other files beside the images are counted" says '240 files were passed over'
# image-000.jpg is first in both orders of reading, so its label is the first record's
label=$(h5dump -d /labels/values -s 0 -c 1 -m %d web-out/shard-00000.h5 2>/dev/null | sed -n 's/.*(0): \([0-9]*\)$/\1/p' | head -n 1)
if command -v h5dump >/dev/null; then
	ok "the first label is the .cls file's" [ "$label" = "$(cat web/image-000.cls)" ]
else
	skip "the first label is the .cls file's" "no h5dump"
fi
tar cf plain.tar images
ok "class folders in a tar are packed" pack plain.tar plain $options --strip-components 1
ok "as from the folder itself" says '240 images (0 with masks) of 4 classes'
mkdir -p odd/class
cp images/class-1/image-005.jpg "odd/class/$(printf 'gr\303\266\303\237e.jpg')"
mkfifo odd/class/pipe.jpg
LC_ALL=C tar cf odd.tar --format=pax -C odd class
ok "names beyond ASCII and pipes in a tar are no trouble" pack odd.tar odd-tar --name odd
ok "nor in a folder" pack odd odd-folder --name odd
ok "... which holds the same shards" same odd-tar odd-folder
head -c 300000 imagenet.tar >cut.tar
ok "a tar that was cut off is an error that names it" fails 1 cut.tar cut.tar cut $options
ok "... without an index" [ ! -e cut/index.json ]

# --- kill -9 at random moments, from a folder and from a tar of tars
interrupted() { # SOURCE OUT: until it is done; the number of kills is in $kills
	kills=0
	while [ ! -e "$2/index.json" ] && [ $kills -lt 200 ]; do
		"$RELIQUARY" pack "$1" "$2" $options --threads 2 >last.log 2>&1 &
		pid=$!
		sleep "$(awk -v seed="$kills$$" 'BEGIN { srand(seed); print 0.005 + (0.02 + '$kills' * 0.01) * rand() }')"
		kill -9 $pid 2>/dev/null && kills=$((kills + 1))
		wait $pid 2>/dev/null
	done
	[ $kills -ge 3 ] || echo "only $kills kills" >>last.log
	[ $kills -ge 3 ] && [ -e "$2/index.json" ]
}
ok "a pack of a folder is killed again and again" interrupted images killed
pack images killed $options
pack images whole $options
ok "... and ends in the same bytes" same killed whole
ok "a pack of a tar is killed again and again" interrupted imagenet.tar killed-tar
pack imagenet.tar killed-tar $options
ok "... and ends in the same bytes" same killed-tar imagenet

# --- a disk that is full, a file over the limit, and what a machine that went down leaves
mkdir small
if mount -t tmpfs -o size=600k none small 2>/dev/null; then
	ok "a full disk is an error that says so" fails 1 'No space left' images small/set $options
	ok "... without an index" [ ! -e small/set/index.json ]
	mount -o remount,size=20m small
	pack images small/set $options
	ok "with room again it goes on to the same bytes" same small/set whole
else
	for name in "a full disk is an error that says so" "... without an index" "with room again it goes on to the same bytes"; do
		skip "$name" "only root can mount a small disk"
	done
fi
limited() {
	(ulimit -f 100 && fails 1 'File too large' images limited $options)
}
ok "a file over the limit is an error that says so" limited
ok "... without an index" [ ! -e limited/index.json ]
ok "another call does not go on with it" fails 1 "'shards.*7'.*'shards.*8'" images limited --name set --shards 8
: >limited/.pack/spool-00002
printf '\125' | dd of=limited/.pack/spool-00004 bs=1 seek=20000 conv=notrunc 2>/dev/null
touch -d 2001-01-01 images/class-0/image-012.jpg
pack images limited $options
ok "lost and damaged spools and a changed image are packed again" same limited whole

# --- damage
cp -r whole damaged
size=$(wc -c <damaged/shard-00003.h5)
printf '\125' | dd of=damaged/shard-00003.h5 bs=1 seek=$((size / 3)) conv=notrunc 2>/dev/null
ok "a flipped byte is found and its record named" fails 1 'shard-00003.h5: .*record [0-9].*class-[0-9]/image-' --verify damaged
ok "... as one bad image" says '240 images.* 1 bad'
ok "a folder that is not packed is named" fails 1 images --verify images

# --- wrong calls
ok "--help is there" pack --help
ok "... and ends with 0" says 'usage: reliquary pack'
ok "a wrong option is named" fails 2 '--frob' images out --frob
ok "a number out of range is named" fails 2 '--shards.*-1' images out --shards -1
ok "a missing folder is asked for" fails 2 'where to' images
ok "more shards than images are refused" fails 1 'too few for 1000 shards' images out --shards 1000
ok "other options do not go on with a finished set" fails 1 'finished data set' images whole --name set --shards 8
