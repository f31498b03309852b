package sparse

import (
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"
)

// brickMesh returns the bricks of a lattice with nodes, bricks and corners in
// random order; corners keep the handedness.
func brickMesh(lat Lattice, rng *rand.Rand) (coords []r3.Vec, corners []int32) {
	count := [3]int{lat.N[0] - 1, lat.N[1] - 1, lat.N[2] - 1}
	if lat.Ring {
		count[1]++
	}
	perm := rng.Perm(lat.Len())
	coords = make([]r3.Vec, lat.Len())
	for n, at := range perm {
		i, j, k := lat.coords(n)
		coords[at] = r3.Vec{X: 0.1 * float64(i), Y: 0.3 * float64(j), Z: float64(k)}
	}
	cells := make([][8]int32, count[0]*count[1]*count[2])
	order := rng.Perm(len(cells))
	for e, to := range order {
		i, j, k := e%count[0], e/count[0]%count[1], e/(count[0]*count[1])
		for b := range 8 {
			cells[to][vtkCorner[b]] = int32(perm[lat.node(i+b&1, (j+b>>1&1)%lat.N[1], k+b>>2)])
		}
		for range rng.IntN(6) {
			c := cells[to]
			if rng.IntN(2) == 0 { // a quarter turn about ζ
				cells[to] = [8]int32{c[1], c[2], c[3], c[0], c[5], c[6], c[7], c[4]}
			} else { // about ξ
				cells[to] = [8]int32{c[4], c[5], c[1], c[0], c[7], c[6], c[2], c[3]}
			}
		}
	}
	for _, c := range cells {
		corners = append(corners, c[:]...)
	}
	return coords, corners
}

// A lattice is recognised whatever the order of its nodes, bricks and corners:
// every brick lies on the corners of one cell. A brick less, a cut or a twist make
// it something else.
func TestFindLattice(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, want := range []Lattice{{N: [3]int{3, 8, 5}, Ring: true}, {N: [3]int{4, 9, 2}, Ring: true}, {N: [3]int{5, 4, 3}}, {N: [3]int{2, 2, 2}}} {
		coords, corners := brickMesh(want, rng)
		coords = append(coords, r3.Vec{X: 9}) // a node of no brick
		got, place := FindLattice(coords, corners)
		if got == nil || *got != want {
			t.Errorf("found %v, want %v", got, want)
			continue
		}
		if place[len(coords)-1] != -1 {
			t.Error("a node of no brick got a place")
		}
		for e := 0; e < len(corners); e += 8 {
			for a := range 8 {
				for b := range 8 {
					na, nb := place[corners[e+a]], place[corners[e+b]]
					if _, ok := got.step(int(na), int(nb)); !ok || (a != b) != (na != nb) {
						t.Fatalf("%v: brick %d spans more than a cell", want, e/8)
					}
				}
			}
		}
		if l, _ := FindLattice(coords, corners[8:]); l != nil && len(corners) > 8 {
			t.Errorf("%v less a brick is still %v", want, l)
		}
	}
	// A closed band of bricks with half a turn in it.
	lat := Lattice{N: [3]int{2, 8, 2}, Ring: true}
	var coords []r3.Vec
	corners := make([]int32, 64)
	for n := range lat.Len() {
		coords = append(coords, r3.Vec{X: float64(n)})
	}
	for j := range 8 {
		for a, b := range vtkCorner {
			i, dj, k := a&1, a>>1&1, a>>2
			if j+dj == 8 {
				i, k = 1-i, 1-k
			}
			corners[8*j+b] = int32(lat.node(i, (j+dj)%8, k))
		}
	}
	if l, _ := FindLattice(coords, corners); l != nil {
		t.Errorf("a twisted band is %v", l)
	}
}

func FuzzFindLattice(f *testing.F) {
	coords, corners := brickMesh(Lattice{N: [3]int{3, 4, 2}, Ring: true}, rand.New(rand.NewPCG(1, 1)))
	raw := make([]byte, len(corners))
	for i, n := range corners {
		raw[i] = byte(n)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := make([]int32, len(raw)/8*8)
		for i := range c {
			c[i] = int32(int(raw[i]) % len(coords))
		}
		FindLattice(coords, c)
	})
}
