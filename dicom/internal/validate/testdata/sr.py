"""Prints as JSON the measurement groups that highdicom finds in a TID 1500 report."""
import json, sys

try:
    import highdicom, pydicom
except ImportError as e:
    print(e, file=sys.stderr)
    sys.exit(77)

report = highdicom.sr.srread(sys.argv[1])
content = report.content
out = []
groups = content.get_volumetric_roi_measurement_groups() + content.get_image_measurement_groups()
for g in groups:
    segment = None
    if hasattr(g, "reference_type") and g.reference_type.value == "121191":
        s = g.referenced_segment
        segment = {"uid": s.referenced_sop_instance_uid, "number": int(s.referenced_segment_numbers[0])}
    out.append({
        "name": g.tracking_identifier, "uid": g.tracking_uid,
        "finding": g.finding_type.value if g.finding_type else "", "sites": [s.value for s in (x.value for x in g.finding_sites)],
        "segment": segment,
        "measurements": [{"concept": m.name.value, "scheme": m.name.scheme_designator, "value": float(m.value), "unit": m.unit.value,
                          "derivation": m.derivation.value if m.derivation else ""} for m in g.get_measurements()],
    })
json.dump({"groups": out}, sys.stdout)
