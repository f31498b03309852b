"""Prints as JSON what pydicom and highdicom read in a parametric map: unit, quantity,
number of frames, and sum, largest value and place of it of the volume."""
import json, sys

try:
    import highdicom, numpy, pydicom
except ImportError as e:
    print(e, file=sys.stderr)
    sys.exit(77)

d = pydicom.dcmread(sys.argv[1])
image = highdicom.imread(sys.argv[1])
volume = image.get_volume(apply_real_world_transform=True)
array = numpy.asarray(volume.array, float)
at = numpy.unravel_index(array.argmax(), array.shape)
place = volume.map_indices_to_reference(numpy.array([at]))[0]
mapping = d.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
json.dump({
    "unit": mapping.MeasurementUnitsCodeSequence[0].CodeValue,
    "quantity": mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue,
    "frames": int(d.NumberOfFrames), "sum": float(d.pixel_array.astype(float).sum()),
    "volume_sum": float(array.sum()), "largest": float(array.max()), "at_lps_mm": place.tolist(),
}, sys.stdout)
