#!/usr/bin/env bash
# Promises that need whole processes: the demo, equal bytes whatever the number
# of processors, a killed and resumed batch, refusals. Called by make check.
set -euo pipefail
bin=$(realpath "$1"); out=$2
rm -rf "$out"; mkdir -p "$out"
say() { printf '\n== %s\n' "$*"; }
# expect STATUS COMMAND...: the command must end with that status.
expect() {
  local want=$1 got=0; shift
  "$@" >"$out/last.log" 2>&1 || got=$?
  if [ "$got" != "$want" ]; then cat "$out/last.log"; echo "status $got, want $want: $*"; exit 1; fi
}
# same A B: the folders hold the same bytes but for run.json and, in a batch,
# the ledger and batch.json, which hold times and paths.
same() {
  diff -rq -x run.json -x ledger.jsonl -x batch.json -x .lock -x phantom "$1" "$2" || { echo "$1 and $2 differ"; exit 1; }
}

say "demo: phantom to report"
"$bin" demo --out "$out/demo"
for f in report.pdf assessment.json features_wide.csv features_long.csv; do test -s "$out/demo/$f"; done
ls "$out"/demo/mesh/*.vtu

say "score on the demo's files: the same bytes with one and two processors"
for j in 1 2; do
  "$bin" score -q --ct "$out/demo/phantom/ct" --seg "$out/demo/phantom/segmentation.seg.nrrd" --out "$out/score-$j" -j "$j"
  same "$out/demo" "$out/score-$j"
done

say "quality control: exit 10 without a slice, 9 with two different slices at one place"
ct=$out/ct; cp -r "$out/demo/phantom/ct" "$ct"
victim=$(ls "$ct" | sed -n 60p); mv "$ct/$victim" "$out/victim.dcm"
expect 10 "$bin" score --ct "$ct" --seg none --out "$out/refused"; grep -q 'mm' "$out/last.log"
cp "$out/victim.dcm" "$ct/$victim"; cp "$out/victim.dcm" "$ct/copy.dcm"
expect 0 "$bin" inspect "$ct"; grep -q 'mm' "$out/last.log"
test ! -e "$out/refused"

say "batch: killed and resumed, with a corrupt case in the middle"
"$bin" phantom cohort -q --patients 8 --seed 3 --out "$out/cohort"
bad=$(sed -n 8p "$out/cohort/manifest.csv" | cut -d, -f1)
slice=$(ls "$out/cohort/$bad/ct" | sed -n 5p); head -c 700 "$out/cohort/$bad/ct/$slice" >"$out/torn"; mv "$out/torn" "$out/cohort/$bad/ct/$slice"
expect 8 "$bin" batch run "$out/cohort/manifest.csv" --out "$out/batch-a" -j 2
grep -q "^$bad," "$out/batch-a/failures.csv"
"$bin" batch run "$out/cohort/manifest.csv" --out "$out/batch-b" -j 2 >"$out/killed.log" 2>&1 &
pid=$!
for _ in $(seq 600); do [ "$(ls "$out/batch-b/results" 2>/dev/null | grep -c '^case=')" -ge 2 ] && break; sleep 0.1; done
kill -9 "$pid"; wait "$pid" 2>/dev/null || true
expect 8 "$bin" batch resume "$out/batch-b" -j 1
same "$out/batch-a" "$out/batch-b"

say "train and evaluate on the batch's table"
"$bin" phantom cohort -q --patients 24 --seed 5 --prevalence 0.4 --out "$out/cohort2"
"$bin" batch run -q "$out/cohort2/manifest.csv" --out "$out/batch-c" --model none -j 2
"$bin" evaluate "$out/batch-c/features_wide.csv" --out "$out/evaluation"
"$bin" train "$out/batch-c/features_wide.csv" --out "$out/model.json" --label "synthetic cohort, for demonstration"
expect 0 "$bin" score --ct "$out/cohort2/$(ls "$out/cohort2" | head -1)/ct" --seg "$out/cohort2/$(ls "$out/cohort2" | head -1)/segmentation.seg.nrrd" --model "$out/model.json" --out "$out/own"
test -s "$out/evaluation/cohort.pdf"
say "all promises hold"
