#!/usr/bin/env bash
# The same bytes on other processors: trees that are grown and what they predict
# have fixed digests, which are checked as compiled for the oldest and for newer
# amd64 processors and, where qemu is installed, for arm64.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export CGO_ENABLED=0
# check NAME RUNNER...: builds for the architecture of the environment, runs.
check() {
  local name=$1; shift
  for p in classifier/boost classifier/steps; do
    go test -c -o "$out/test" "./$p"
    echo "$name, $p:"
    (cd "$p" && "$@" "$out/test" -test.run '^(TestSameBytes|TestMasksWalk|TestPortableTrees)$')
  done
}
GOARCH=amd64 GOAMD64=v1 check "amd64 v1" env
if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
  GOARCH=amd64 GOAMD64=v3 check "amd64 v3" env
else
  echo "amd64 v3: skipped: this processor is older"
fi
if command -v qemu-aarch64-static >/dev/null; then
  GOARCH=arm64 check arm64 qemu-aarch64-static
else
  echo "arm64: skipped: qemu is not installed (apt-get install qemu-user-static)"
fi
