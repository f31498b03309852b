"""Prints as JSON what pydicom reads in an encapsulated document."""
import hashlib, json, sys

try:
    import pydicom
except ImportError as e:
    print(e, file=sys.stderr)
    sys.exit(77)

d = pydicom.dcmread(sys.argv[1])
document = d.EncapsulatedDocument[: d.EncapsulatedDocumentLength]
json.dump({"sha256": hashlib.sha256(document).hexdigest(), "title": d.DocumentTitle, "type": d.MIMETypeOfEncapsulatedDocument,
           "study": d.StudyInstanceUID, "sources": len(d.SourceInstanceSequence)}, sys.stdout)
