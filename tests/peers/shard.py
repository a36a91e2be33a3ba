#!/usr/bin/env python3
"""A packed set as h5py users would write it, one blob and the offsets: a rate of one thread.

usage: shard.py reads|pack|checked FOLDER FILE SECONDS

FOLDER holds JPEG files in folders; FILE is made and removed.  reads: random records a second.  pack: files that are read
and written to FILE, images a second of the processor's time.  checked: the same, each decoded by Pillow before, images a
second that passes.  Status 3: what is missing.
"""
import glob
import io
import os
import random
import sys
import time

try:
    import h5py
    import numpy as np
    from PIL import Image
except ImportError as e:
    print(e)
    sys.exit(3)


def pack(paths, name, check):
    offsets = np.zeros(len(paths) + 1, np.uint64)
    blobs = []
    for i, path in enumerate(paths):
        with open(path, "rb") as f:
            blobs.append(f.read())
        if check:
            Image.open(io.BytesIO(blobs[-1])).load()
        offsets[i + 1] = offsets[i] + np.uint64(len(blobs[-1]))
    with h5py.File(name, "w") as f:
        f["offsets"] = offsets
        f["blob"] = np.frombuffer(b"".join(blobs), np.uint8)
    with open(name, "rb+") as f:
        os.fsync(f.fileno())


def reads(name, seconds):
    with h5py.File(name) as f:
        blob, offsets = f["blob"], [int(o) for o in f["offsets"]]
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            i = random.randrange(len(offsets) - 1)
            blob[offsets[i]:offsets[i + 1]]
            done += 1
        return done / (time.perf_counter() - start)


def main():
    what, folder, name, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    paths = sorted(glob.glob(f"{folder}/*/*.jpg"))
    pack(paths, name, what == "checked")  # also warms up
    if what == "reads":
        rate = reads(name, seconds)
    else:
        clock = time.perf_counter if what == "checked" else time.process_time
        done, start = 0, clock()
        while clock() - start < seconds:
            pack(paths, name, what == "checked")
            done += len(paths)
        rate = done / (clock() - start)
    os.remove(name)
    print(f"{rate:.1f}")


main()
