#!/usr/bin/env bash
# A round trip through a real archive, by DICOMweb and by DICOM's own protocol:
# a phantom study is pushed, found, retrieved and scored, and what was computed
# is stored, found and retrieved. Called by .ci/run: orthanc.sh PLAQUERISK DIR.
#
# Orthanc (Debian: orthanc orthanc-dicomweb, not orthanc-gdcm) listens on all
# addresses, so it runs in a network of its own that has only loopback. Without
# Orthanc, or the right to make such a network, the script says so and passes.
set -euo pipefail
if [ "${1:-}" != inside ]; then
  skip() { echo "orthanc.sh: skipped: $*"; exit 0; }
  command -v Orthanc >/dev/null || skip "Orthanc is not installed (apt-get install orthanc orthanc-dicomweb)"
  plugin=/usr/share/orthanc/plugins/libOrthancDicomWeb.so
  [ -e "$plugin" ] || skip "its DICOMweb plugin is not installed (apt-get install orthanc-dicomweb)"
  command -v ip >/dev/null || skip "ip is not installed (apt-get install iproute2)"
  for unshare in "unshare -n" "unshare -rn"; do
    if $unshare ip link set lo up 2>/dev/null; then exec $unshare "$0" inside "$@"; fi
  done
  skip "no right to make a network (unshare -n)"
fi
shift
bin=$(realpath "$1"); out=$2
rm -rf "$out"; mkdir -p "$out"; out=$(realpath "$out")
ip link set lo up
say() { printf '\n== %s\n' "$*"; }
die() { echo "orthanc.sh: $*"; exit 1; }
orthanc=
trap '[ -z "$orthanc" ] || { kill "$orthanc"; wait "$orthanc" || true; } 2>/dev/null' EXIT

# start NAME: an empty archive.
start() {
  mkdir -p "$out/$1/storage"
  cat >"$out/$1/orthanc.json" <<EOF
{ "StorageDirectory": "$out/$1/storage", "IndexDirectory": "$out/$1/storage", "HttpPort": 18042, "RemoteAccessAllowed": false,
  "AuthenticationEnabled": false, "DicomAet": "ORTHANC", "DicomPort": 14242, "DicomCheckCalledAet": true,
  "DicomAlwaysAllowEcho": true, "DicomAlwaysAllowStore": true, "DicomAlwaysAllowFind": true, "DicomAlwaysAllowGet": true, "DicomAlwaysAllowMove": true,
  "DicomModalities": { "us": ["PLAQUERISK", "127.0.0.1", 14243] }, "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
  "DicomWeb": { "Enable": true, "Root": "/dicom-web/", "StudiesMetadata": "Full", "SeriesMetadata": "Full" } }
EOF
  Orthanc "$out/$1/orthanc.json" >"$out/$1/orthanc.log" 2>&1 &
  orthanc=$!
  "$bin" dicom echo -q "$web" --retries 6
  "$bin" dicom echo -q "$net"
}
stop() { kill "$orthanc"; wait "$orthanc" || true; orthanc=; }
web=http://127.0.0.1:18042/dicom-web
net=dicom://ORTHANC@127.0.0.1:14242

# field FILE NAME: the value of an attribute in the first line of JSON.
field() { sed -n "1s/.*\"$2\":\"\([^\"]*\)\".*/\1/p" "$1"; }
# body FILE: the data set, without preamble and file meta information.
body() { tail -c +$((145 + $(od -An -tu4 -j140 -N4 "$1"))) "$1"; }
# sums DIR: hashes of the data sets in it, sorted.
sums() { find "$1" -name '*.dcm' -print0 | sort -z | while IFS= read -r -d '' f; do body "$f" | sha256sum; done | sort; }
# equal A B WHAT: the folders hold the same data sets, byte for byte.
equal() {
  sums "$1" >"$out/a.sums"; sums "$2" >"$out/b.sums"
  [ -s "$out/a.sums" ] && cmp -s "$out/a.sums" "$out/b.sums" || die "$3: not the data sets that were sent"
  echo "$3: $(wc -l <"$out/a.sums") data sets, byte for byte"
}

say "a patient, and the result"
"$bin" phantom patient -q --seed 7 --out "$out/patient"
ct=$out/patient/ct; seg=$out/patient/segmentation.seg.nrrd
"$bin" score -q --ct "$ct" --seg "$seg" --out "$out/result"
"$bin" dicom index -q "$ct" --out "$out/ct.jsonl"
study=$(field "$out/ct.jsonl" study_uid); series=$(field "$out/ct.jsonl" series_uid)
[ -n "$study" ] && [ -n "$series" ]
slices=$(ls "$ct" | wc -l)
objects=
if "$bin" export dicom --help >/dev/null 2>&1; then
  "$bin" export dicom -q --result "$out/result" --ct "$ct" --out "$out/objects"
  objects=$(find "$out/objects" -name '*.dcm' | wc -l)
fi

# trip NAME URL FLAGS...: to the archive and back.
trip() {
  local name=$1 url=$2; shift 2
  say "$name: push, again, query"
  "$bin" dicom send "$url" "$ct"
  "$bin" dicom send "$url" "$ct" 2>&1 | grep "stored 0 objects; $slices were there already" || die "$name: what is there was sent again"
  "$bin" dicom find "$url" --where 'PatientID=PHANT*' --where StudyDate=20240101-20261231 --show ModalitiesInStudy >"$out/$name.studies"
  [ "$(wc -l <"$out/$name.studies")" = 1 ] && [ "$(field "$out/$name.studies" StudyInstanceUID)" = "$study" ] || die "$name: the study is not found: $(cat "$out/$name.studies")"
  [ "$("$bin" dicom find "$url" --level instance --where StudyInstanceUID="$study" --where SeriesInstanceUID="$series" | wc -l)" = "$slices" ] || die "$name: instances"
  [ "$("$bin" dicom find "$url" --where PatientID=NOBODY | wc -l)" = 0 ] || die "$name: nobody is found"

  say "$name: retrieve, break off, go on, score"
  "$bin" dicom get "$url" --study "$study" --out "$out/$name" "$@"
  equal "$ct" "$out/$name" "$name"
  find "$out/$name/$series" -name '*.dcm' | sed -n 3,5p | xargs rm
  "$bin" dicom get "$url" --study "$study" --out "$out/$name" "$@" 2>&1 | grep 'retrieved 3 objects' || die "$name: a broken transfer does not go on"
  equal "$ct" "$out/$name" "$name, taken up"
  "$bin" score -q --ct "$out/$name/$series" --seg "$seg" --out "$out/$name-result"
  diff -rq -x run.json "$out/result" "$out/$name-result" || die "$name: another result"
  ! "$bin" dicom get -q "$url" --study 1.2.3 --out "$out/none" "$@" 2>"$out/last.log" || die "$name: a study that is not there"
  grep -q PLQ-660 "$out/last.log"

  if [ -n "$objects" ]; then
    say "$name: store report, segmentation and measurements, query and retrieve them"
    "$bin" dicom send "$url" "$out/objects"
    "$bin" dicom find "$url" --level series --where StudyInstanceUID="$study" >"$out/$name.series"
    for modality in DOC SEG SR; do grep -q "\"Modality\":\"$modality\"" "$out/$name.series" || die "$name: no $modality in $(cat "$out/$name.series")"; done
    "$bin" dicom get "$url" --study "$study" --out "$out/$name-all" "$@"
    rm -r "$out/$name-all/$series"
    equal "$out/objects" "$out/$name-all" "$name, objects"
  else
    echo "plaquerisk export dicom is not there: no objects to store"
  fi
}

start a
trip web "$web"
stop
start b
trip get "$net"
trip_move() {
  say "move: C-MOVE to our C-STORE server"
  "$bin" dicom get "$net" --study "$study" --series "$series" --out "$out/move" --listen 127.0.0.1:14243
  equal "$ct" "$out/move" move
  ! "$bin" dicom echo -q dicom://OTHER@127.0.0.1:14242 --retries 0 2>"$out/last.log" || die "another AE title is answered"
  grep -q 'AE title' "$out/last.log"
}
trip_move
stop
say "archives: all holds"
