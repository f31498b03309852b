"""Writes peer_*.csv: voxel-based maps of PyRadiomics 3.0.1 for a small region.
Run in a folder, with PyRadiomics installed."""
import csv, logging, sys
import numpy as np
import SimpleITK as sitk
import radiomics
from radiomics import firstorder, glcm, gldm, glrlm, glszm, ngtdm
radiomics.setVerbosity(logging.CRITICAL)
if not hasattr(np, "float"):
    np.float = float  # 3.0.1 was written for an older NumPy

rng = np.random.default_rng(11)
k, j, i = np.mgrid[0:6, 0:8, 0:9]
values = np.round(60 + 40 * np.sin(i / 2.0) * np.cos(j / 2.0 + k) + 20 * rng.standard_normal(i.shape)).astype(float)
mask = (((i - 4) / 3.6) ** 2 + ((j - 3.5) / 2.6) ** 2 + ((k - 2.5) / 1.7) ** 2 <= 1)
mask &= ~((i == 4) & (j == 3))
mask[5, 7, 8] = True  # one voxel alone
values[2, 2:5, 1:4] = 71  # a flat part
spacing = (0.4, 0.5, 0.6)

image, label = sitk.GetImageFromArray(values), sitk.GetImageFromArray(mask.astype(np.uint8))
image.SetSpacing(spacing); label.SetSpacing(spacing)
with open("peer_voxels.csv", "w") as f:
    w = csv.writer(f, lineterminator="\n"); w.writerow(["i", "j", "k", "value", "inside"])
    for z, y, x in np.ndindex(values.shape):
        w.writerow([x, y, z, int(values[z, y, x]), int(mask[z, y, x])])

def run(name, radius, masked, force2d, classes):
    settings = dict(binWidth=12, voxelBased=True, kernelRadius=radius, maskedKernel=masked, initValue=0, label=1, force2D=force2d, force2Ddimension=0, voxelArrayShift=10,
                    # One voxel at a time: in a batch, a direction that is empty at one voxel makes MCC fail for all and
                    # JointAverage NaN for that voxel.
                    voxelBatch=1)
    rows = {}
    for cls, module in classes.items():
        f = module(image, label, **settings)
        f.enableAllFeatures()
        for feature, m in f.execute().items():
            rows[cls + "_" + feature] = sitk.GetArrayFromImage(m)
    names = sorted(rows)
    with open("peer_%s.csv" % name, "w") as out:
        w = csv.writer(out, lineterminator="\n"); w.writerow(["i", "j", "k"] + names)
        for z, y, x in np.argwhere(mask):
            w.writerow([x, y, z] + ["" if np.isnan(rows[n][z, y, x]) else "%.10g" % rows[n][z, y, x] for n in names])
    print(name, len(names), mask.sum())

everything = dict(firstorder=firstorder.RadiomicsFirstOrder, glcm=glcm.RadiomicsGLCM, gldm=gldm.RadiomicsGLDM,
                  glrlm=glrlm.RadiomicsGLRLM, glszm=glszm.RadiomicsGLSZM, ngtdm=ngtdm.RadiomicsNGTDM)
run("masked", 1, True, False, everything)
run("open", 2, False, False, dict(firstorder=firstorder.RadiomicsFirstOrder, glcm=glcm.RadiomicsGLCM, glszm=glszm.RadiomicsGLSZM))
run("flat", 1, True, True, everything)
