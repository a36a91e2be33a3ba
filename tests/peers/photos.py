#!/usr/bin/env python3
"""JPEG files to measure with: crops of 500 x 375 pixels from photographs that Debian packages bring.

usage: photos.py OUT COUNT [textures]

Quality 90 and 4:2:0, as most files of ImageNet.  Writes OUT/a/NNNN.jpg and OUT/b/NNNN.jpg, always the same crops, and
prints their mean size.  textures: waves under noise, for where the photographs are not installed, which is status 3.
"""
import glob
import os
import random
import sys

from PIL import Image

WIDTH, HEIGHT = 500, 375
# mate-backgrounds; plasma-workspace-wallpapers
PATTERNS = ["/usr/share/backgrounds/mate/nature/*.jpg", "/usr/share/wallpapers/*/contents/images/*.jpg"]
LEAST, MOST = 25000, 140000  # a crop of sky or of leaves alone is like few photographs


def photographs():
    return [path for pattern in PATTERNS for path in sorted(glob.glob(pattern))]


def crop(image, draw):
    """A part of the photograph of a random size, brought to WIDTH x HEIGHT."""
    scale = draw.uniform(1, min(image.width / WIDTH, image.height / HEIGHT, 3))
    width, height = int(WIDTH * scale), int(HEIGHT * scale)
    left, top = draw.randint(0, image.width - width), draw.randint(0, image.height - height)
    return image.resize((WIDTH, HEIGHT), Image.LANCZOS, box=(left, top, left + width, top + height))


def texture(draw):
    noise = Image.effect_noise((WIDTH, HEIGHT), 22)
    waves = [Image.linear_gradient("L").rotate(draw.uniform(0, 360)).resize((WIDTH, HEIGHT)) for _ in range(3)]
    return Image.merge("RGB", [Image.blend(w, noise, 0.4) for w in waves])


def make_textures(out, count):
    draw, total = random.Random(1), 0
    for number in range(count):
        name = f"{out}/{'ab'[number % 2]}/{number:04d}.jpg"
        texture(draw).save(name, quality=90, subsampling="4:2:0")
        total += os.path.getsize(name)
    print(f"{total / count:.0f}")


def main():
    out, count = sys.argv[1], int(sys.argv[2])
    paths, draw, total, number = photographs(), random.Random(1), 0, 0
    for folder in "ab":
        os.makedirs(f"{out}/{folder}", exist_ok=True)
    if len(sys.argv) > 3:
        make_textures(out, count)
        return
    if not paths:
        sys.exit(3)
    images = {}
    for attempt in range(50 * count):
        if number == count:
            break
        path = paths[attempt % len(paths)]
        if path not in images:
            image = Image.open(path).convert("RGB")
            image.thumbnail((2560, 1600), Image.LANCZOS)
            images[path] = image
        if images[path].width < WIDTH or images[path].height < HEIGHT:
            continue
        name = f"{out}/{'ab'[number % 2]}/{number:04d}.jpg"
        crop(images[path], draw).save(name, quality=90, subsampling="4:2:0")
        size = os.path.getsize(name)
        if LEAST <= size <= MOST:
            total, number = total + size, number + 1
    if number < count:
        sys.exit(3)
    print(f"{total / count:.0f}")


main()
