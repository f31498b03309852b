#!/usr/bin/env bash
# The studies behind docs/studies.md: a planted and a null phantom cohort of 60
# patients through the whole line, three arms, and the coverage of the intervals
# on random patient-level labellings.
set -euo pipefail
bin=$(realpath "$1"); out=$2
draws=${DRAWS:-500}
rm -rf "$out"; mkdir -p "$out"
for variant in planted null; do
  "$bin" phantom cohort --patients 60 --seed 60 --variant "$variant" --prevalence 0.35 --out "$out/$variant"
  "$bin" batch run -q "$out/$variant/manifest.csv" --out "$out/$variant-batch" --model none
  "$bin" evaluate "$out/$variant-batch/features_wide.csv" --out "$out/$variant-evaluation" --title "Phantom cohort ($variant), 60 patients" \
    --outcome "synthetic event"
done
"$bin" evaluate "$out/null-batch/features_wide.csv" --out "$out/coverage" --null-draws "$draws"
