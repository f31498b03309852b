package solid

import (
	"context"
	"errors"
	"slices"

	"github.com/plaquerisk/plaquerisk/fem/element"
)

// patch is the part of one material around a corner of tetrahedra. With λ the
// corner's linear function, they share the volume strain
//
//	s̄ = ∫ λ s dV / ∫ λ dV,   energy ½ K s̄² ∫ λ dV                      (S.1)
//
// and the pressure K s̄ is linear between corners: on tet4 the average nodal
// pressure of Bonet and Burton (Commun Numer Meth Eng 14 (1998) 437), on tet10 the
// element of Taylor and Hood with a lumped mass. A single tetrahedron cannot keep
// its volume without locking; patches can.
type patch struct {
	cells  []int32
	nodes  []int32 // sorted
	volume float64 // ∫ λ dV, mm³
}

// errUnstable is an inner stiffness that is not positive.
var errUnstable = errors.New("the material loses its stiffness")

// makePatches finds the patches and adds the couplings that they bring to rows.
func (s *system) makePatches(rows [][]int32) {
	m := s.Mesh
	if !slices.ContainsFunc(m.Types, func(t element.Type) bool { return t.Corners() == 4 }) {
		return
	}
	number := map[[2]int32]int32{} // node and material
	s.patchOf = make([][4]int32, m.Cells())
	for e := range m.Cells() {
		s.patchOf[e] = [4]int32{-1, -1, -1, -1}
		if !s.dilated(e) {
			continue
		}
		for a, node := range m.Cell(e)[:4] {
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
	shares := make([][2][4]float64, s.Mesh.Cells())
	err = s.eachCell(ctx, s.colours, func(w *work, e int) error {
		if s.patchOf[e][0] < 0 {
			return nil
		}
		d, err := s.dilation(w, e, t)
		if err == nil {
			shares[e] = [2][4]float64{d.Volume, d.Strain}
		}
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
			v := slices.Index(s.patchOf[e][:], int32(n))
			p.volume += shares[e][0][v]
			sum += shares[e][1][v]
		}
		k := s.law(int(p.cells[0])).Bulk()
		pressure[n] = k * sum / p.volume
		energy += k / 2 * sum * sum / p.volume
	}
	return pressure, energy, nil
}

// dilation evaluates the shares of cell e in its patches.
func (s *system) dilation(w *work, e int, t state) (*element.Dilation, error) {
	w.x, w.u = w.x[:0], w.u[:0]
	for _, n := range s.Mesh.Cell(e) {
		w.x = append(w.x, s.x[n])
		w.u = append(w.u, t.u[3*n:3*n+3]...)
	}
	if d := w.c.Set(s.reference(e), w.x); !(d > 0) || !w.c.Dilate(&w.dilation, w.u, s.Laws[s.Of[e]].Volume(), s.Finite) {
		return nil, &cellError{e, element.ErrInverted}
	}
	return &w.dilation, nil
}

// stiffenPatches adds K/V g gᵀ of each patch, with g = ∂(s̄ V)/∂u, to s.k.
func (s *system) stiffenPatches(ctx context.Context, t state) error {
	return s.eachCell(ctx, s.groups, func(w *work, n int) error {
		p := &s.patches[n]
		g := make([]float64, 3*len(p.nodes))
		for _, e := range p.cells {
			d, err := s.dilation(w, int(e), t)
			if err != nil {
				return err
			}
			grad := &d.Grad[slices.Index(s.patchOf[e][:], int32(n))]
			for a, node := range s.Mesh.Cell(int(e)) {
				at, _ := slices.BinarySearch(p.nodes, node)
				for i := range 3 {
					g[3*at+i] += grad[3*a+i]
				}
			}
		}
		k := s.law(int(p.cells[0])).Bulk() / p.volume
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
