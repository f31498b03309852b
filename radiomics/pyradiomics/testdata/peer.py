"""Writes the values of PyRadiomics for the phantoms of phantom_cases.csv.

Run in an environment with PyRadiomics (see README.md) from this folder:

    python peer.py

The phantoms are made of whole numbers alone, so that the Go test makes the
same ones: pyradiomics_test.go reads the same two tables.
"""
import collections
import csv
import glob
import logging
import sys
import types

import numpy as np
import scipy.ndimage
import scipy.special
import SimpleITK as sitk

# PyRadiomics 3.0.1 asks for names that newer SciPy has elsewhere.
interpolation = types.ModuleType("scipy.ndimage.interpolation")
interpolation.map_coordinates = scipy.ndimage.map_coordinates
sys.modules.setdefault("scipy.ndimage.interpolation", interpolation)
if not hasattr(scipy.special, "sph_harm"):
    scipy.special.sph_harm = lambda m, n, theta, phi: scipy.special.sph_harm_y(n, m, phi, theta)

from radiomics import featureextractor  # noqa: E402

logging.disable(logging.CRITICAL)
SHAPES = collections.defaultdict(list)
for row in csv.DictReader(open("phantom_shapes.csv")):
    SHAPES[row["case"]].append(row)
CASES = {row["case"]: row for row in csv.DictReader(open("phantom_cases.csv"))}


def noise(i, j, k, seed):
    """A sum of four bytes of a hash of the place, minus 510."""
    u = np.uint32
    with np.errstate(over="ignore"):
        h = (i.astype(u) * u(73856093)) ^ (j.astype(u) * u(19349663)) ^ (k.astype(u) * u(83492791)) ^ u(seed * 2654435761 % 2**32)
        h = (h ^ (h >> u(16))) * u(0x7FEB352D)
        h = (h ^ (h >> u(15))) * u(0x846CA68B)
        h = h ^ (h >> u(16))
    return sum(((h >> u(8 * b)) & u(255)).astype(np.int64) for b in range(4)) - 510


def inside(s, i, j, k):
    z = k - int(s["ck"])
    x, y = i - int(s["ci"]) - (z * int(s["slant"]) >> 3), j - int(s["cj"])
    a, b, c, d = (int(s[n]) for n in "abcd")
    if s["kind"] == "round":
        return a * x * x + b * y * y + c * z * z <= d
    return np.maximum(np.maximum(a * abs(x), b * abs(y)), c * abs(z)) <= d


def phantom(case):
    c = CASES[case]
    size = [int(c[n]) for n in ("nx", "ny", "nz")]
    k, j, i = np.indices(size[::-1])
    seed = int(c["seed"])
    value = int(c["base"]) + (noise(i, j, k, seed) >> 3) + (noise(i >> 2, j >> 2, k >> 1, seed + 1000) >> 3)
    mask = np.zeros(value.shape, bool)
    for s in SHAPES[case]:
        here = inside(s, i, j, k)
        if s["target"] == "image":
            value = value + np.where(here, int(s["value"]), 0)
        elif s["op"] == "+":
            mask |= here
        elif s["op"] == "-":
            mask &= ~here
        else:
            mask &= here
    if c["pixels"] == "float32":
        value = (value.astype(np.float64) + (noise(i, j, k, seed + 2000) / 1024)).astype(np.float32)
    else:
        value = value.astype(np.int16)
    images = []
    for array in (value, mask.astype(np.uint8)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing([float(c[n]) for n in ("sx", "sy", "sz")])
        image.SetOrigin((-12.5, 30.25, -100))
        images.append(image)
    return images


def values(case, params):
    extractor = featureextractor.RadiomicsFeatureExtractor(params)
    result = extractor.execute(*phantom(case))
    return {k: float(v) for k, v in result.items() if not k.startswith("diagnostics")}


def table(path, columns):
    """Writes one column per case; the same features are rows."""
    names = list(dict.fromkeys(n for c in columns.values() for n in c))
    with open(path, "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["feature", *columns])
        for n in names:
            w.writerow([n, *("%.10g" % c[n] if n in c else "" for c in columns.values())])


def voxels(case, params, path):
    """Writes the maps of a case, a row for each voxel of the region."""
    image, mask = phantom(case)
    # The maps are cropped to the region and the kernel around it.
    result = featureextractor.RadiomicsFeatureExtractor(params).execute(image, mask, voxelBased=True)
    result = {k: v for k, v in result.items() if isinstance(v, sitk.Image)}
    with open(path, "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["i", "j", "k", *result])
        for k, j, i in np.argwhere(sitk.GetArrayFromImage(mask)).tolist():
            at = image.TransformIndexToPhysicalPoint((i, j, k))
            w.writerow([i, j, k, *("%.10g" % m[m.TransformPhysicalPointToIndex(at)] for m in result.values())])


SETTINGS_CASES = ["calcified", "crescent_thin", "ellipsoid", "lipid_float"]

if __name__ == "__main__":
    for path in sorted(glob.glob("params_*.yaml")):
        name = path[len("params_"):-len(".yaml")]
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        cases = CASES if name == "images" else SETTINGS_CASES[:2] if name == "lbp3d" else SETTINGS_CASES
        table(f"peer_{name}.csv", {case: values(case, path) for case in cases})
    if len(sys.argv) == 1 or "voxels" in sys.argv[1:]:
        voxels("tiny", "voxels.yaml", "voxels_tiny.csv")
