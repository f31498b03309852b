"""Prints as JSON what highdicom and pydicom read in a segmentation: for each segment
the label, the number of voxels and a hash of their places (slice, row, column)."""
import hashlib, json, sys

try:
    import highdicom, numpy, pydicom
except ImportError as e:
    print(e, file=sys.stderr)
    sys.exit(77)


def fingerprint(voxels):
    return hashlib.sha256(numpy.asarray(voxels, "<i4").tobytes()).hexdigest()


path, sources = sys.argv[1], sys.argv[2:]
seg = highdicom.seg.segread(path)
images = sorted((pydicom.dcmread(f, stop_before_pixels=True) for f in sources), key=lambda d: d.ImagePositionPatient[2])
uids = [d.SOPInstanceUID for d in images]
stack = seg.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)  # slice, row, column, segment
volume = seg.get_volume(combine_segments=False)
plain = pydicom.dcmread(path)
frames = plain.pixel_array.reshape(-1, plain.Rows, plain.Columns)
out = {"segments": [], "affine": volume.affine.tolist(), "for": plain.FrameOfReferenceUID}
for n in range(seg.number_of_segments):
    description = seg.get_segment_description(n + 1)
    by_pydicom = 0
    for frame, groups in zip(frames, plain.PerFrameFunctionalGroupsSequence):
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == n + 1:
            by_pydicom += int(frame.sum())
    out["segments"].append({
        "label": description.segment_label, "type": description.segmented_property_type.value,
        "voxels": int(stack[..., n].sum()), "sha256": fingerprint(numpy.argwhere(stack[..., n])),
        "volume_voxels": int(volume.array[..., n].sum()), "pydicom_voxels": by_pydicom,
        "tracking": description.tracking_id,
    })
json.dump(out, sys.stdout)
