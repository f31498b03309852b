"""Checks an object by the tables of the standard (PS3.3) that highdicom carries: elements
of type 1 in mandatory modules are there with a value, those of type 2 are there, at
every level of sequences, and no element is foreign to the object's class. Prints the
violations as JSON."""
import json, os, sys

try:
    import highdicom, pydicom
    tables = os.path.join(os.path.dirname(highdicom.__file__), "_standard")
    modules, attributes, iods = (
        json.load(open(os.path.join(tables, f)))
        for f in ("iod_module_map.json", "module_attribute_map.json", "sop_class_iod_map.json"))
except (ImportError, OSError) as e:
    print(e, file=sys.stderr)
    sys.exit(77)

d = pydicom.dcmread(sys.argv[1])
iod = iods[d.SOPClassUID]
found, known = [], set()


def items(ds, path):
    """The items at a path of sequences, as far as it exists."""
    out = [ds]
    for keyword in path:
        out = [i for x in out for i in (x.get(keyword) or [])]
    return out


for module in modules[iod]:
    for a in attributes.get(module["key"], []):
        known.add((tuple(a["path"]), a["keyword"]))
        # What a content item or a functional group needs depends on its kind: dciodvfy knows.
        if module["usage"] != "M" or module["key"].endswith(("functional-groups", "sr-document-content")) or a["type"] not in ("1", "2"):
            continue
        for at in items(d, a["path"]):
            value = at.get(a["keyword"])
            missing = a["keyword"] not in at or a["type"] == "1" and (value is None or value == "" or value == [])
            if missing:
                found.append(f"{module['key']}: {'.'.join(a['path'] + [a['keyword']])} of type {a['type']} is missing or empty")

macros = {"SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ContentSequence", "ContentTemplateSequence"}


def foreign(ds, path):
    for e in ds:
        if e.keyword and (tuple(path), e.keyword) not in known:
            found.append(f"{'.'.join(path + [e.keyword])} is not of the class {iod}")
        elif e.VR == "SQ" and e.keyword not in macros:
            for i in e.value:
                foreign(i, path + [e.keyword])


foreign(d, [])
json.dump(sorted(set(found)), sys.stdout)
