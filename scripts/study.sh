#!/usr/bin/env bash
# The studies behind the evaluation: phantom cohorts of 60 patients through the
# whole line, with planted and with null outcomes (the same images), three arms;
# and what the intervals cover under random patient-level labellings. About half
# an hour on two cores. DRAWS sets the number of labellings.
set -euo pipefail
bin=$(realpath "$1"); out=$2
draws=${DRAWS:-500}
rm -rf "$out"; mkdir -p "$out"
for variant in planted null; do
  "$bin" phantom cohort --patients 60 --seed 60 --variant "$variant" --prevalence 0.35 --out "$out/$variant"
  "$bin" batch run -q "$out/$variant/manifest.csv" --out "$out/$variant-batch" --model none
  "$bin" evaluate "$out/$variant-batch/features_wide.csv" --out "$out/$variant-evaluation" --title "Phantom cohort ($variant), 60 patients" \
    --outcome "synthetic event ($variant)"
done
# Smaller ensembles for the 75 000 fits; docs/theory/evaluation.md compares them
# with the shipped ones.
cat > "$out/coverage.yaml" <<'Y'
plaquerisk:
  training:
    boosting: {bags: 3, rounds: 50}
Y
"$bin" evaluate "$out/null-batch/features_wide.csv" --out "$out/coverage" --null-draws "$draws" --config "$out/coverage.yaml"
