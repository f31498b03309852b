package solid

import (
	"context"
	"errors"
	"slices"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// patch is the part of one material around a node of tetrahedra with four nodes.
// They share one volume strain, the mean over the patch,
//
//	s̄ = Σ ¼ Vₑ sₑ / Σ ¼ Vₑ,   energy ½ K s̄² Σ ¼ Vₑ                    (S.1)
//
// and the pressure of a cell is the mean of those of its four patches (Bonet and
// Burton, Commun Numer Meth Eng 14 (1998) 437). Single tetrahedra cannot keep
// their volume without locking; patches can.
type patch struct {
	cells  []int32
	nodes  []int32 // sorted
	volume float64 // Σ ¼ Vₑ
}

// errUnstable is an inner stiffness that is not positive.
var errUnstable = errors.New("the material loses its stiffness")

// makePatches finds the patches and adds the couplings that they bring to rows.
func (s *system) makePatches(rows [][]int32) {
	m := s.Mesh
	if !slices.ContainsFunc(m.Types, func(t element.Type) bool { return t == element.Tetra4 }) {
		return
	}
	number := map[[2]int32]int32{} // node and material
	s.patchOf = make([][4]int32, m.Cells())
	for e := range m.Cells() {
		s.patchOf[e] = [4]int32{-1, -1, -1, -1}
		if !s.dilated(e) {
			continue
		}
		for a, node := range m.Cell(e) {
			k := [2]int32{node, s.Of[e]}
			n, ok := number[k]
			if !ok {
				n = int32(len(s.patches))
				number[k] = n
				s.patches = append(s.patches, patch{})
			}
			p := &s.patches[n]
			p.cells = append(p.cells, int32(e))
			p.nodes = append(p.nodes, m.Cell(e)...)
			s.patchOf[e][a] = n
		}
	}
	for n := range s.patches {
		p := &s.patches[n]
		slices.Sort(p.nodes)
		p.nodes = slices.Compact(p.nodes)
	}
	for _, p := range s.patches {
		for _, a := range p.nodes {
			rows[a] = append(rows[a], p.nodes...)
		}
	}
	for a := range rows {
		slices.Sort(rows[a])
		rows[a] = slices.Compact(rows[a])
	}
}

// dilate returns the pressure of each patch in state t and the energy of them.
func (s *system) dilate(ctx context.Context, t state) (pressure []float64, energy float64, err error) {
	if len(s.patches) == 0 {
		return nil, 0, nil
	}
	volume, strain := make([]float64, s.Mesh.Cells()), make([]float64, s.Mesh.Cells())
	err = s.eachCell(ctx, s.colours, func(w *work, e int) error {
		if s.patchOf[e][0] < 0 {
			return nil
		}
		v, x, err := s.volumeStrain(w, e, t, nil)
		volume[e], strain[e] = v, x
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	pressure = make([]float64, len(s.patches))
	for n := range s.patches {
		p := &s.patches[n]
		p.volume = 0
		var sum float64
		for _, e := range p.cells {
			p.volume += volume[e] / 4
			sum += volume[e] / 4 * strain[e]
		}
		k := s.Laws[s.Of[p.cells[0]]].Bulk()
		pressure[n] = k * sum / p.volume
		energy += k / 2 * sum * sum / p.volume
	}
	return pressure, energy, nil
}

// volumeStrain returns volume and volume strain of the tet4 e, and stores in
// grad, if not nil, the derivative of their product by its twelve displacements.
func (s *system) volumeStrain(w *work, e int, t state, grad *[12]float64) (volume, strain float64, err error) {
	w.x, w.u = w.x[:0], w.u[:0]
	for _, n := range s.Mesh.Cell(e) {
		w.x = append(w.x, s.x[n])
		w.u = append(w.u, t.u[3*n:3*n+3]...)
	}
	if d := w.c.Set(s.reference(e), w.x); !(d > 0) {
		return 0, 0, &cellError{e, element.ErrInverted}
	}
	strain, ok := w.c.VolumeStrain(w.u, s.Laws[s.Of[e]].Volume(), s.Finite, grad)
	if !ok {
		return 0, 0, &cellError{e, element.ErrInverted}
	}
	return w.c.Volume, strain, nil
}

// stiffenPatches adds K/V g gᵀ of each patch, with g = ∂(s̄ V)/∂u, to s.k.
func (s *system) stiffenPatches(ctx context.Context, t state) error {
	return s.eachCell(ctx, s.groups, func(w *work, n int) error {
		p := &s.patches[n]
		g := make([]float64, 3*len(p.nodes))
		for _, e := range p.cells {
			var grad [12]float64
			if _, _, err := s.volumeStrain(w, int(e), t, &grad); err != nil {
				return err
			}
			for a, node := range s.Mesh.Cell(int(e)) {
				at, _ := slices.BinarySearch(p.nodes, node)
				for i := range 3 {
					g[3*at+i] += grad[3*a+i] / 4
				}
			}
		}
		k := s.Laws[s.Of[p.cells[0]]].Bulk() / p.volume
		full := make([]float64, len(g)*len(g))
		for i, x := range g {
			for j, y := range g {
				full[i*len(g)+j] = k * x * y
			}
		}
		s.scatter(p.nodes, full)
		return nil
	})
}
