#!/bin/sh
# Another reader of HDF5, Python's h5py, finds in a shard what was put there.
set -eu
. "$abs_top_srcdir/tests/tap.sh"

find_python h5py || skip_all "no h5py here (apt-get install python3-h5py)"
make_scratch
plan 2
"$abs_top_builddir/tests/make_fixture" "$scratch/a.h5" >"$scratch/expected"
check "a shard of eleven records is written" test "$(wc -l <"$scratch/expected")" = 11
"$python" - "$scratch/a.h5" >"$scratch/found" <<'END' || true
import sys, h5py

table = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
    table.append(i)

def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF

def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)

f = h5py.File(sys.argv[1], "r")
assert f.attrs["format_version"] == 1 and f.attrs["shard"] == 1 and f.attrs["shards"] == 4
assert text(f.attrs["name"]) == "fixture" and text(f.attrs["split"]) == "train"
assert f["/images/bytes"].id.get_offset() % 4096 == 0
classes = [text(c) for c in f.attrs["classes"]]
names = ["/images/offset", "/images/crc32c", "/images/size", "/labels/offset", "/labels/values", "/keys",
         "/masks/offset", "/masks/crc32c", "/masks/foreground"]
for name in names:
    assert crc32c(f[name][()].tobytes()) == f[name].attrs["crc32c"], name
images, masks, label_at = f["images"], f["masks"], f["/labels/offset"]
for i in range(len(f["keys"])):
    image = images["bytes"][images["offset"][i]:images["offset"][i + 1]].tobytes()
    mask = masks["bytes"][masks["offset"][i]:masks["offset"][i + 1]].tobytes()
    assert crc32c(image) == images["crc32c"][i] and crc32c(mask) == masks["crc32c"][i]
    labels = f["/labels/values"][label_at[i]:label_at[i + 1]]
    print(text(f["keys"][i]), classes[labels[0]] if len(labels) else "-", *images["size"][i], len(image),
          "%08x" % crc32c(image), len(mask), "%08x" % crc32c(mask), "%.6f" % masks["foreground"][i])
END
check "h5py finds in it what was put there" diff "$scratch/expected" "$scratch/found"
