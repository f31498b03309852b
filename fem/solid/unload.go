package solid

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/fem/mesh"
)

// Unloaded is the shape that a body has without its load.
type Unloaded struct {
	Body   *Body     // with the nodes of the unloaded shape
	Loaded *Solution // from there to the shape that was given
	Solves int       // forward solves
	Error  float64   // greatest distance of a node from its given place, mm
}

// memory is the number of differences that Anderson's method keeps.
const memory = 5

// Unload finds the shape X without load of a body whose mesh shows it under load,
// by the fixed point X ← x − u(X) (Sellier 2011; Bols et al. 2013), accelerated by
// Anderson's method (1965): the next X is made of the last ones so that their
// errors cancel best. It ends when no node is farther than tolerance, mm, from its
// given place, and fails with an error that matches [ErrNotConverged] after most
// forward solves.
func (b *Body) Unload(ctx context.Context, set Settings, tolerance float64, most int) (*Unloaded, error) {
	given := b.Mesh.Nodes
	n := 3 * len(given)
	free := *b
	m := *b.Mesh
	m.Nodes = append([]r3.Vec(nil), given...)
	free.Mesh = &m
	out := &Unloaded{Body: &free}
	x := make([]float64, n)
	for a, p := range given {
		x[3*a], x[3*a+1], x[3*a+2] = p.X, p.Y, p.Z
	}
	var dx, dr [][]float64 // differences of the last shapes and errors
	var oldX, oldR []float64
	for {
		for a := range m.Nodes {
			m.Nodes[a] = r3.Vec{X: x[3*a], Y: x[3*a+1], Z: x[3*a+2]}
		}
		sol, err := free.Solve(ctx, set)
		out.Solves++
		if err != nil {
			return nil, fmt.Errorf("unloaded shape, forward solve %d: %w", out.Solves, err)
		}
		out.Loaded = sol
		set.Start = sol
		r := make([]float64, n) // where the nodes should be less where they are
		out.Error = 0
		for a, p := range given {
			d := r3.Sub(p, r3.Add(m.Nodes[a], sol.Displacement(a)))
			r[3*a], r[3*a+1], r[3*a+2] = d.X, d.Y, d.Z
			out.Error = max(out.Error, r3.Norm(d))
		}
		if out.Error <= tolerance {
			return out, nil
		}
		if out.Solves >= most || math.IsNaN(out.Error) {
			return nil, fmt.Errorf("unloaded shape: %w: nodes are still %.2e mm off after %d forward solves, target %.0e", ErrNotConverged, out.Error, out.Solves, tolerance)
		}
		if oldX != nil {
			dx, dr = append(dx, difference(x, oldX)), append(dr, difference(r, oldR))
			if len(dx) > memory {
				dx, dr = dx[1:], dr[1:]
			}
		}
		oldX, oldR = append([]float64(nil), x...), r
		for i, v := range r {
			x[i] += v
		}
		for k, c := range combine(dr, r) {
			for i := range x {
				x[i] -= c * (dx[k][i] + dr[k][i])
			}
		}
	}
}

func difference(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range d {
		d[i] = a[i] - b[i]
	}
	return d
}

// combine returns the factors c that minimise ‖r − Σ c_k d_k‖.
func combine(d [][]float64, r []float64) []float64 {
	k := len(d)
	if k == 0 {
		return nil
	}
	a := mat.NewDense(len(r), k, nil)
	for j, v := range d {
		a.SetCol(j, v)
	}
	var qr mat.QR
	qr.Factorize(a)
	c := mat.NewVecDense(k, nil)
	if qr.SolveVecTo(c, false, mat.NewVecDense(len(r), r)) != nil { // poorly conditioned: the plain fixed point
		return nil
	}
	return c.RawVector().Data
}

// atPressure returns the body with all pressures set to p, kPa.
func (b *Body) atPressure(p float64) *Body {
	c := *b
	c.Pressures = nil
	for _, q := range b.Pressures {
		c.Pressures = append(c.Pressures, Pressure{append([]mesh.Side(nil), q.Sides...), p})
	}
	return &c
}
