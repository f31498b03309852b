"""Times PyRadiomics on the regions of a folder; prints one JSON object.

    python peer.py FOLDER

The folder holds <name>.nrrd and <name>.seg.nrrd. Times are processor time of
this process in ms, the least of several batches; every timed call is made once
before. Discretisation is left out of the texture families, as it is on the
other side. The other program is timed by main.go: see README.md.
"""
import glob
import json
import logging
import os
import sys
import time

import numpy as np
import SimpleITK as sitk
from radiomics import featureextractor, firstorder, glcm, gldm, glrlm, glszm, imageoperations, ngtdm, shape

logging.disable(logging.CRITICAL)
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
FAMILIES = {
    "glcm": glcm.RadiomicsGLCM,
    "gldm": gldm.RadiomicsGLDM,
    "glrlm": glrlm.RadiomicsGLRLM,
    "glszm": glszm.RadiomicsGLSZM,
    "ngtdm": ngtdm.RadiomicsNGTDM,
}
SETTINGS = {"binWidth": 32, "label": 1}
results = {}


def least(name, call, batches=5, seconds=0.3):
    """Stores the values that call returns and its least time."""
    values = call()
    t = time.process_time()
    call()
    each = max(time.process_time() - t, 1e-6)
    repeat = max(1, int(seconds / each))
    if each > 2:
        batches = 1
    best = float("inf")
    for _ in range(batches):
        t = time.process_time()
        for _ in range(repeat):
            call()
        best = min(best, (time.process_time() - t) / repeat)
    results[name] = {"ms": 1000 * best, "values": {k: float(v) for k, v in values.items()}}


def features(objects, prefix="original"):
    out = {}
    for family, o in objects.items():
        for k, v in o.execute().items():
            out[f"{prefix}_{family}_{k}"] = v
    return out


def enabled(o):
    o.enableAllFeatures()
    return o


for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.seg.nrrd"))):
    name = os.path.basename(path)[: -len(".seg.nrrd")]
    image, mask = sitk.ReadImage(path.replace(".seg.nrrd", ".nrrd")), sitk.ReadImage(path)
    image, mask = sitk.Cast(image, sitk.sitkInt16), imageoperations.getMask(mask)  # whole numbers, as in CT
    box, _ = imageoperations.checkMask(image, mask)
    crop, region = imageoperations.cropToTumorMask(image, mask, box)
    if name == "bank":  # filters: 8 wavelet bands and 5 LoG with their first-order features
        e = featureextractor.RadiomicsFeatureExtractor(
            {
                "imageType": {"LoG": {"sigma": [1.0, 1.5, 2.0, 2.5, 3.0]}, "Wavelet": {}},
                "featureClass": {"firstorder": []},
                "setting": {"binWidth": 32, "additionalInfo": False},
            }
        )
        least("filters/" + name, lambda: dict(e.execute(image, mask)), 1)
        continue
    made = {k: enabled(c(crop, region, **SETTINGS)) for k, c in FAMILIES.items()}
    least("texture/" + name, lambda: features(made))
    least("shape/" + name, lambda: features({"shape": enabled(shape.RadiomicsShape(crop, region, **SETTINGS))}))
    classes = {"shape": shape.RadiomicsShape, "firstorder": firstorder.RadiomicsFirstOrder, **FAMILIES}
    least("107 features/" + name, lambda: features({k: enabled(c(crop, region, **SETTINGS)) for k, c in classes.items()}))
print(json.dumps(results))
