"""Writes resampled.json: a pattern resized by Pillow and OpenCV, which resample.test.ts compares.

python3 -m venv env && env/bin/pip install pillow numpy opencv-python-headless
env/bin/python test/tasks/resampled.py > test/tasks/resampled.json
"""

import base64
import json
import sys

import cv2
import numpy
import PIL
from PIL import Image

# patternOf() in resample.test.ts computes the same pattern
WIDTH, HEIGHT = 37, 23
y, x = numpy.mgrid[:HEIGHT, :WIDTH]
pattern = ((x * 29 + y * 53 + (x * y) % 17 * 11 + (x // 5 + y // 4) % 2 * 90) % 256).astype(numpy.uint8)

PIL_METHODS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
}
CV_METHODS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
}
# smaller, much smaller, larger, of another aspect ratio, halved along one side
SIZES = [(16, 16), (5, 4), (41, 30), (60, 9), (37, 11)]


def entry(resize, method, size, values):
    return {
        "resize": resize,
        "method": method,
        "width": size[0],
        "height": size[1],
        "bytes": base64.b64encode(values.tobytes()).decode(),
    }


cases = []
for size in SIZES:
    for method, code in PIL_METHODS.items():
        cases.append(entry("pil", method, size, numpy.asarray(Image.fromarray(pattern).resize(size, code))))
    for method, code in CV_METHODS.items():
        cases.append(entry("opencv", method, size, cv2.resize(pattern, size, interpolation=code)))
versions = {"pillow": PIL.__version__, "opencv": cv2.__version__}
lines = ",\n".join(json.dumps(case) for case in cases)
sys.stdout.write('{"versions":%s,"cases":[\n%s\n]}\n' % (json.dumps(versions), lines))
