#!/usr/bin/env bash
# Trains the shipped model on a phantom cohort through the whole line: imaged,
# segmented, extracted, solved. Deterministic: the same source gives the same
# bytes. Takes up to 15 minutes on two cores.
set -euo pipefail
bin=$(realpath "$1"); out=$2
patients=${PATIENTS:-150}
rm -rf "$out"; mkdir -p "$out"
"$bin" phantom cohort --patients "$patients" --seed 2026 --out "$out/cohort"
"$bin" batch run "$out/cohort/manifest.csv" --out "$out/batch" --model none
"$bin" train "$out/batch/features_wide.csv" --out pipeline/default_model.json --overwrite \
  --name "plaquerisk phantom model" --label "synthetic cohort, for demonstration" \
  --trained-on "$patients phantom patients of this program (plaquerisk phantom cohort --seed 2026), imaged, segmented, extracted and solved by this version" \
  --outcome "synthetic event drawn from a declared logistic rule on the phantom's true plaque parameters"
"$bin" evaluate "$out/batch/features_wide.csv" --out "$out/evaluation" --title "Phantom cohort, $patients patients" \
  --outcome "synthetic event from a declared rule on the truth"
go build -trimpath -o "$bin" ./cmd/plaquerisk # with the new model inside
"$bin" model > docs/model-card.md
"$bin" doctor
