"""Prints as JSON what pydicom reads in a structure set: for each region the name, the
area times slice distance of its contours, and the voxels of the CT whose centres they
enclose by the even-odd rule."""
import hashlib, json, sys

try:
    import numpy, pydicom
except ImportError as e:
    print(e, file=sys.stderr)
    sys.exit(77)

path, sources = sys.argv[1], sys.argv[2:]
images = sorted((pydicom.dcmread(f, stop_before_pixels=True) for f in sources), key=lambda d: d.ImagePositionPatient[2])
first, last = images[0], images[-1]
o = numpy.array(first.ImagePositionPatient, float)
x, y = numpy.array(first.ImageOrientationPatient[:3], float), numpy.array(first.ImageOrientationPatient[3:], float)
step = (numpy.array(last.ImagePositionPatient, float) - o) / (len(images) - 1)
matrix = numpy.linalg.inv(numpy.stack([x * first.PixelSpacing[1], y * first.PixelSpacing[0], step], 1))
distance = abs(numpy.dot(numpy.cross(x, y), step))
j, i = numpy.mgrid[0 : first.Rows, 0 : first.Columns]


def within(polygon):
    inside = numpy.zeros(i.shape, bool)
    for (x0, y0), (x1, y1) in zip(polygon, numpy.roll(polygon, -1, 0)):
        if y0 != y1:
            crosses = (y0 > j) != (y1 > j)
            inside ^= crosses & (i < x0 + (j - y0) * (x1 - x0) / (y1 - y0))
    return inside


d = pydicom.dcmread(path)
referenced = d.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
assert {r.ReferencedSOPInstanceUID for r in referenced.ContourImageSequence} == {f.SOPInstanceUID for f in images}
out = []
for roi, drawn in zip(d.StructureSetROISequence, d.ROIContourSequence):
    mask = numpy.zeros((len(images), first.Rows, first.Columns), bool)
    area = 0.0
    for c in drawn.get("ContourSequence", []):
        points = (numpy.array(c.ContourData, float).reshape(-1, 3) - o) @ matrix.T
        k = int(round(points[0, 2]))
        assert c.ContourImageSequence[0].ReferencedSOPInstanceUID == images[k].SOPInstanceUID
        flat = within(points[:, :2])
        mask[k] ^= flat
        u, v = points[:, 0], points[:, 1]
        turn = numpy.dot(u, numpy.roll(v, -1)) - numpy.dot(v, numpy.roll(u, -1))
        area += turn / 2 * first.PixelSpacing[0] * first.PixelSpacing[1]
    voxels = numpy.argwhere(mask).astype("<i4")
    out.append({"label": roi.ROIName, "voxels": int(mask.sum()), "volume_mm3": float(abs(area) * distance),
                "sha256": hashlib.sha256(voxels.tobytes()).hexdigest()})
json.dump({"regions": out, "for": d.StructureSetROISequence[0].ReferencedFrameOfReferenceUID}, sys.stdout)
