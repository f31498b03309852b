"""Writes pyradiomics.csv: the images that PyRadiomics derives from one small image.

Run with PyRadiomics 3.0.1, SimpleITK 2.5.7, PyWavelets 1.9, scikit-image 0.26, SciPy 1.17 and trimesh 5.2.
The 3D local binary pattern asks for names that SciPy has dropped: they are put back below.
"""
import sys, types
import numpy as np, scipy.ndimage, scipy.special, SimpleITK as sitk

old = types.ModuleType("scipy.ndimage.interpolation")
old.map_coordinates = scipy.ndimage.map_coordinates
sys.modules["scipy.ndimage.interpolation"] = old
scipy.special.sph_harm = lambda m, n, theta, phi: scipy.special.sph_harm_y(n, m, phi, theta)
from radiomics import imageoperations as ops

nx, ny, nz = 9, 8, 7
n = np.arange(nx * ny * nz)
voxels = ((n * 7919) % 1013 + 2 * (n % nx) ** 2 - 400).astype("int16").reshape(nz, ny, nx)
image = sitk.GetImageFromArray(voxels)
image.SetSpacing((0.5, 0.6, 0.8))
mask = sitk.GetImageFromArray(np.ones_like(voxels, dtype="uint8"))

rows = []
def add(kind, settings, f, image=image, **kw):
    for im, name, _ in f(image, mask, **kw):
        values = sitk.GetArrayFromImage(im).astype("float64").ravel()
        rows.append([name, kind, settings] + ["%.8g" % v for v in values])

add("square", "", ops.getSquareImage)
add("square_root", "", ops.getSquareRootImage)
add("logarithm", "", ops.getLogarithmImage)
add("exponential", "", ops.getExponentialImage)
add("gradient", "", ops.getGradientImage)
add("gradient", "ignore_spacing", ops.getGradientImage, gradientUseSpacing=False)
for sigma in (0.7, 1.5):
    add("log_itk", "sigma=%g" % sigma, ops.getLoGImage, sigma=[sigma])
add("wavelet_pywt", "coif1", ops.getWaveletImage)
add("wavelet_pywt", "db2,level=2", ops.getWaveletImage, wavelet="db2", level=2)
add("wavelet_pywt", "bior2.2,axis=k", ops.getWaveletImage, wavelet="bior2.2", force2D=True, force2Ddimension=0)
add("wavelet_pywt", "haar,axis=i", ops.getWaveletImage, wavelet="haar", force2D=True, force2Ddimension=2)
for method in ("default", "ror", "uniform", "nri_uniform", "var"):
    # In an image of integers PyRadiomics would cut the variance down to integers.
    add("lbp_2d", "method=" + method, ops.getLBP2DImage, image=sitk.Cast(image, sitk.sitkFloat64), lbp2DMethod=method)
add("lbp_2d", "radius=2.5,samples=11", ops.getLBP2DImage, lbp2DRadius=2.5, lbp2DSamples=11)
add("lbp_2d", "axis=j", ops.getLBP2DImage, force2D=True, force2Ddimension=1)
add("lbp_3d", "", ops.getLBP3DImage)
add("lbp_3d", "harmonics=3,radius=1.5,subdivision=0", ops.getLBP3DImage, lbp3DLevels=3, lbp3DIcosphereRadius=1.5, lbp3DIcosphereSubdivision=0)
quarters = sitk.GetImageFromArray(voxels + 0.25 * (n % 3).reshape(voxels.shape))
add("lbp_3d", "quarters", ops.getLBP3DImage, image=quarters)
with open("pyradiomics.csv", "w") as f:
    f.write("\n".join(";".join(r) for r in rows) + "\n")
print(len(rows))
