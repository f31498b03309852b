"""Times MIRP's texture families on the regions of a folder; prints JSON.

    python peer_mirp.py FOLDER

MIRP has no call for a matrix alone: the time is that of extract_features on
arrays in memory, discretisation and set-up included. Values are named by their
rank within a family, so that no table of names is needed to compare them.
"""
import glob
import json
import logging
import os
import sys
import time
import warnings

import itk
import numpy as np
from mirp import extract_features

logging.disable(logging.CRITICAL)
warnings.filterwarnings("ignore")
FAMILIES = {"cm": "glcm", "rlm": "glrlm", "szm": "glszm", "ngt": "ngtdm", "ngl": "ngldm"}
results = {}
for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.seg.nrrd"))):
    name = os.path.basename(path)[: -len(".seg.nrrd")]
    if name == "bank":
        continue
    image = itk.array_from_image(itk.imread(path.replace(".seg.nrrd", ".nrrd"))).astype(float)
    mask = itk.array_from_image(itk.imread(path)).astype(np.uint8)

    def call():
        return extract_features(image=image, mask=mask, base_discretisation_method="fixed_bin_number", base_discretisation_n_bins=32,
                                base_feature_families=["cm", "rlm", "szm", "ngtdm", "ngldm"])[0]

    table = call()
    best = float("inf")
    for _ in range(3):
        t = time.process_time()
        call()
        best = min(best, time.process_time() - t)
    values = {}
    for short, family in FAMILIES.items():
        of = sorted(float(table[c].iloc[0]) for c in table.columns if c.startswith(short + "_"))
        values.update({f"{family} {n + 1} of {len(of)}": v for n, v in enumerate(of)})
    results["IBSI texture/" + name] = {"ms": 1000 * best, "values": values}
print(json.dumps(results))
