#!/bin/sh
# Solves the plaque vessel with us and with the peers that are installed, and writes
# a table of wall time, CPU time and peak memory of each whole process, beside the
# fastest and the leanest peer.
#
#   bench/fem/run.sh [8x48x76 ...] > table.md
#
# Needs GNU time. CalculiX: apt-get install calculix-ccx. dolfinx: apt-get install
# python3-dolfinx-real. scikit-fem and pyamg: python3 -m venv DIR && DIR/bin/pip
# install scikit-fem pyamg, then PEER_PYTHON=DIR/bin/python.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here" && go build -o "$work/fem" . && go build -o "$work/plaquerisk" ../../cmd/plaquerisk)
cd "$work"
export OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 CCX_NPROC_EQUATION_SOLVER=2
: >rows

# measure NAME ours|peer COMMAND: adds a row "name|who|iterations|wall|cpu|kB".
measure() {
	name=$1 who=$2
	shift 2
	if /usr/bin/time -o time.txt -f "%e|%U|%M" "$@" >out.txt 2>&1; then
		iterations=$(sed -n 's/.* \([0-9]*\) iterations.*/\1/p' out.txt | tail -1)
		[ -f out.json ] && iterations=$(sed -n 's/.*"iterations": \([0-9]*\).*/\1/p' out.json)
		echo "$name|$who|$iterations|$(tail -1 time.txt)" >>rows
	else
		echo "$name|failed|||$(tail -1 out.txt)|" >>rows
		echo "$name failed: $(tail -1 out.txt)" >&2
	fi
	rm -f out.json
}

# table UNKNOWNS: prints the rows, with our share of the best peer.
table() {
	awk -F'|' -v unknowns="$1" '
		{ name[NR] = $1; who[NR] = $2; it[NR] = $3; wall[NR] = $4; cpu[NR] = $5; mb[NR] = $6 / 1024 }
		$2 == "peer" {
			if (!w || $4 < w) w = $4
			if (!c || $5 < c) c = $5
			if (!m || $6 / 1024 < m) m = $6 / 1024
		}
		END {
			for (n = 1; n <= NR; n++) {
				if (who[n] == "failed") { printf "| %s | %s | failed | | | |\n", unknowns, name[n]; continue }
				of = ""
				if (who[n] == "ours" && w) of = sprintf("%.2f / %.2f / %.2f", wall[n] / w, cpu[n] / c, mb[n] / m)
				printf "| %s | %s | %s | %.1f | %.1f | %.0f | %s |\n", unknowns, name[n], it[n], wall[n], cpu[n], mb[n], of
			}
		}' rows
}

echo "| unknowns | program | iterations | wall, s | CPU, s | peak, MB | wall / CPU / peak over the best peer |"
echo "|---|---|---|---|---|---|---|"
dolfinx=$(/usr/bin/python3 -c 'import dolfinx; print(dolfinx.__version__)' 2>/dev/null || true)
for size in ${*:-8x48x76 12x64x120 16x96x204}; do
	: >rows
	./fem -size "$size" -deck deck.inp -solver iterative
	./fem -size "$size" -deck direct.inp -solver spooles
	unknowns=$(awk -F, '/^\*/ { at = /^\*NODE, NSET/; next } at { n++ } END { print 3 * n }' deck.inp)
	measure "plaquerisk solve --mesh" ours ./plaquerisk -q solve --mesh deck.inp --problem deck.yaml --out out.vtu --json out.json --overwrite
	# Without its last brick the mesh is no lattice any more.
	awk -F, '/^\*/ { at = /^\*ELEMENT/ } at && NF == 9 && $1 + 0 > most { most = $1 + 0; row = NR } { line[NR] = $0 } END { for (n = 1; n <= NR; n++) if (n != row) print line[n] }' deck.inp >hole.inp
	measure "plaquerisk solve --mesh, less a brick" ours ./plaquerisk -q solve --mesh hole.inp --problem deck.yaml --out out.vtu --json out.json --overwrite
	rm -f hole.inp out.vtu
	measure "plaquerisk as a library, lattice" ours ./fem -size "$size"
	if command -v ccx >/dev/null; then
		measure "CalculiX, iterative" peer ccx deck
		[ "$unknowns" -gt 500000 ] || measure "CalculiX, spooles" peer ccx direct
		rm -f direct.dat.frd
	fi
	if [ -n "$dolfinx" ]; then
		[ -n "$compiled" ] || /usr/bin/python3 "$here/peer_dolfinx.py" deck.inp >/dev/null 2>&1 || true # compiles its forms
		compiled=yes
		OMP_NUM_THREADS=1 measure "dolfinx $dolfinx, PETSc CG + GAMG" peer /usr/bin/python3 "$here/peer_dolfinx.py" deck.inp
	fi
	if [ -n "$PEER_PYTHON" ] && [ "$unknowns" -lt 500000 ]; then
		measure "scikit-fem and pyamg" peer "$PEER_PYTHON" "$here/peer_skfem.py" deck.inp
	fi
	table "$unknowns"
done
if command -v ccx >/dev/null; then
	./fem -size 8x48x76 -deck direct.inp -solver spooles
	ccx direct >/dev/null
	echo
	echo "Same answer, 8x48x76, the brick of CalculiX: $(./fem -size 8x48x76 -plain -dat direct.dat | grep against)"
fi
