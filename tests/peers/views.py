#!/usr/bin/env python3
"""Decoding and augmenting as PyTorch users would write it: views or images a second of one thread.

usage: views.py torchvision|opencv views|crops FOLDER SECONDS

FOLDER holds JPEG files in folders.  They are in memory before, and taken in random order.  views: each is decoded once
and gives 4 views of 224 and 2 of 96 pixels by the augmentation of ReLIC and BYOL: random resized crop, flip, colour
jitter, grey, blur, solarise, normalised floats.  crops: one crop of 224 and flip.  torchvision: its transforms on Pillow
images, with Pillow's blur, the fastest that they can have.  opencv: the same by hand on 8-bit arrays, the jitter
always in one order.  Crops are resized by bicubic interpolation, as ours.  Status 3: what is missing.
"""
import glob
import io
import math
import random
import sys
import time

LARGE, SMALL = 224, 96
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# side, smallest and largest area, probabilities of blur and of solarising
ODD, EVEN = (LARGE, 0.14, 1, 0.1, 0.2), (LARGE, 0.08, 1, 1, 0)
VIEWS = [ODD, EVEN, ODD, EVEN, (SMALL, 0.05, 0.14, 0.1, 0.2), (SMALL, 0.05, 0.14, 1, 0)]


def torchvision_functions():
    import torch
    from PIL import Image, ImageFilter
    from torchvision import transforms as T

    torch.set_num_threads(1)

    def blur(image):
        return image.filter(ImageFilter.GaussianBlur(random.uniform(0.1, 2)))

    def some(function, p):
        return T.RandomApply([function], p)

    bicubic = T.InterpolationMode.BICUBIC
    end = [T.ToTensor(), T.Normalize(MEAN, DEVIATION)]

    def view(side, least, most, blurred, solarised):
        return T.Compose([T.RandomResizedCrop(side, (least, most), interpolation=bicubic), T.RandomHorizontalFlip(),
                          some(T.ColorJitter(0.4, 0.4, 0.2, 0.1), 0.8), T.RandomGrayscale(0.2), some(blur, blurred),
                          T.RandomSolarize(128, solarised)] + end)

    crop = T.Compose([T.RandomResizedCrop(LARGE, (0.14, 1), interpolation=bicubic), T.RandomHorizontalFlip()] + end)
    return lambda jpeg: Image.open(io.BytesIO(jpeg)).convert("RGB"), [view(*v) for v in VIEWS], crop


def opencv_functions():
    import cv2
    import numpy as np

    cv2.setNumThreads(0)
    # whole arrays, blue first: numpy is slow at spreading three numbers
    factor = 1 / np.array(DEVIATION[::-1])
    scale = {side: np.full((side, side, 3), factor / 255, np.float32) for side in (LARGE, SMALL)}
    shift = {side: np.full((side, side, 3), -np.array(MEAN[::-1]) * factor, np.float32) for side in (LARGE, SMALL)}
    invert = np.array([i if i < 128 else 255 - i for i in range(256)], np.uint8)

    def decode(jpeg):
        return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)

    def cut(image, side, least, most):
        rows, columns = image.shape[:2]
        for _ in range(10):
            area, ratio = rows * columns * random.uniform(least, most), math.exp(random.uniform(-0.2877, 0.2877))
            width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < width <= columns and 0 < height <= rows:
                break
        else:
            width = height = min(rows, columns)
        top, left = random.randint(0, rows - height), random.randint(0, columns - width)
        out = cv2.resize(image[top:top + height, left:left + width], (side, side), interpolation=cv2.INTER_CUBIC)
        return cv2.flip(out, 1) if random.random() < 0.5 else out

    def jitter(image):
        image = cv2.convertScaleAbs(image, alpha=random.uniform(0.6, 1.4))
        by = random.uniform(0.6, 1.4)
        mean = cv2.mean(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))[0]
        image = cv2.addWeighted(image, by, image, 0, mean * (1 - by))
        by = random.uniform(0.8, 1.2)
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        image = cv2.addWeighted(image, by, grey, 1 - by, 0)
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV_FULL)
        hsv[..., 0] += np.uint8(random.randint(-25, 25) % 256)
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL)

    def normalised(image):
        out = cv2.multiply(image, scale[len(image)], dtype=cv2.CV_32F)
        out += shift[len(image)]
        return out

    def view(side, least, most, blurred, solarised):
        def make(image):
            out = cut(image, side, least, most)
            if random.random() < 0.8:
                out = jitter(out)
            if random.random() < 0.2:
                out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            if random.random() < blurred:
                out = cv2.GaussianBlur(out, (23, 23), random.uniform(0.1, 2))
            if random.random() < solarised:
                out = cv2.LUT(out, invert)
            return normalised(out)
        return make

    return decode, [view(*v) for v in VIEWS], lambda image: normalised(cut(image, LARGE, 0.14, 1))


def main():
    peer, what, folder, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    try:
        decode, views, crop = {"torchvision": torchvision_functions, "opencv": opencv_functions}[peer]()
    except ImportError as e:
        print(e)
        sys.exit(3)
    files = [open(path, "rb").read() for path in sorted(glob.glob(f"{folder}/*/*.jpg"))]
    makers = views if what == "views" else [crop]
    random.seed(1)
    for phase in (min(seconds, 0.3), seconds):  # the first warms up
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < phase:
            image = decode(random.choice(files))
            for make in makers:
                make(image)
            done += len(makers)
    print(f"{done / (time.perf_counter() - start):.1f}")


main()
