#!/bin/sh
# Solves the plaque vessel with us and with the peers that are installed, and
# prints wall time, CPU time and peak memory of each whole process.
#
#   bench/fem/run.sh [8x48x76 ...]
#
# Needs GNU time. CalculiX: apt-get install calculix-ccx. scikit-fem and pyamg:
# python3 -m venv DIR && DIR/bin/pip install scikit-fem pyamg, then PEER_PYTHON=DIR/bin/python.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here" && go build -o "$work/fem" .)
cd "$work"
export OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2
measure() {
	name=$1
	shift
	if /usr/bin/time -o time.txt -f "%e s wall, %U s user, %M kB" "$@" >out.txt 2>&1; then
		echo "$name: $(tail -1 time.txt)"
		grep -E 'unknowns|against' out.txt | sed 's/^/    /' || true
	else
		echo "$name: failed: $(tail -1 out.txt)"
	fi
}
for size in ${*:-8x48x76 12x64x120}; do
	echo "# $size"
	measure plaquerisk ./fem -size "$size"
	measure "plaquerisk, the brick of CalculiX" ./fem -size "$size" -plain
	measure "plaquerisk, by aggregation" ./fem -size "$size" -general
	for solver in spooles iterative; do
		./fem -size "$size" -deck deck.inp -solver $solver
		if command -v ccx >/dev/null; then
			measure "CalculiX, $solver" ccx deck
			./fem -size "$size" -plain -dat deck.dat | grep against | sed 's/^/    /'
		fi
	done
	if [ -n "$PEER_PYTHON" ]; then
		measure "scikit-fem and pyamg" "$PEER_PYTHON" "$here/peer_skfem.py" deck.inp
	fi
done
