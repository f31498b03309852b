"""Decodes a folder with pydicom and GDCM: prints processor time, peak memory and a hash of all values."""
import glob
import hashlib
import json
import resource
import sys
import time

import numpy as np
import pydicom
from pydicom.pixel_data_handlers import gdcm_handler, numpy_handler, rle_handler

pydicom.config.pixel_data_handlers = [numpy_handler, gdcm_handler, rle_handler]  # GDCM alone has no native, and here no RLE

files, n = sorted(glob.glob(sys.argv[1] + "/*.dcm")), int(sys.argv[2])
start = time.process_time()
volume = np.empty((n, 512, 512), np.uint16)
for i in range(n):
    volume[i] = pydicom.dcmread(files[i % len(files)]).pixel_array
cpu = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"cpu_s": cpu, "peak_mib": peak, "hash": hashlib.sha256(volume.tobytes()).hexdigest()[:16]}))
