package texture

import "context"

// Matrix is one texture matrix, for tests and for features of one's own.
type Matrix struct {
	Family    Family
	Direction [3]int // of glcm and glrlm in steps of i, j, k; zero if directions are added
	Slice     int    // index along the slice axis in the box; -1 if slices are added or in 3D
	Voxels    int    // voxels of the region, once for each matrix that was added; of the glcm, 0
	Cells     []Cell // without zeros: glcm by I, then J, all others by J, then I
}

// Cell is an entry of a matrix.
type Cell struct {
	I int     // grey level
	J int     // glcm: grey level; glrlm: run length; glszm: zone size; gldzm: distance; ngldm, gldm: dependence count from 1; ngtdm: 0
	N float64 // count, times the weight of the direction
	S float64 // ngtdm: sum of grey tone differences
}

// Matrices returns the matrices from which the features of f with aggregation a
// are computed: one for each direction and slice that is averaged over, without
// those that are empty. A symmetric glcm has both (i, j) and (j, i).
func (c *Computer) Matrices(ctx context.Context, r *Region, f Family, a Aggregation) ([]Matrix, error) {
	cfg := c.cfg
	cfg.Families, cfg.Aggregations, cfg.MCC = []Family{f}, []Aggregation{a}, false
	d, err := NewComputer(cfg)
	if err != nil {
		return nil, err
	}
	if r.Voxels == 0 || !a.Applies(f) {
		return nil, nil
	}
	var ms []Matrix
	d.matrices = &ms
	_, err = d.Compute(ctx, nil, r)
	return ms, err
}

// axesOf returns the steps of d along i, j, k.
func (c *Computer) axesOf(d direction) (steps [3]int) {
	for a, b := range c.field.axes {
		steps[b] = d.d[a]
	}
	return steps
}

// keepPairs keeps a co-occurrence matrix.
func (c *Computer) keepPairs(m Matrix, cells []cell) {
	m.Family = GLCM
	value := c.field.r.value
	full := make([]cell, 0, 2*len(cells))
	for _, e := range cells {
		full = append(full, e)
		if c.cfg.Symmetric && e.i != e.j {
			full = append(full, cell{e.j, e.i, e.n})
		}
	}
	for _, e := range mergeCells(full) {
		m.Cells = append(m.Cells, Cell{I: int(value[e.i]), J: int(value[e.j]), N: e.n})
	}
	*c.matrices = append(*c.matrices, m)
}

// keepCounts keeps a matrix of whole counts.
func (c *Computer) keepCounts(f Family, m Matrix, t *countTable, voxels int) {
	m.Family, m.Voxels = f, voxels
	m.Cells = c.countCells(nil, t)
	*c.matrices = append(*c.matrices, m)
}

func (c *Computer) countCells(cells []Cell, t *countTable) []Cell {
	for j := 1; j <= t.rows; j++ {
		for x, n := range t.row(j) {
			if n > 0 {
				cells = append(cells, Cell{I: int(c.field.r.value[x]), J: j, N: float64(n)})
			}
		}
	}
	return cells
}

// keepFloats keeps a weighted run length matrix.
func (c *Computer) keepFloats(m Matrix, n []float64, width int) {
	m.Family = GLRLM
	for x, n := range n {
		if n > 0 {
			m.Cells = append(m.Cells, Cell{I: int(c.field.r.value[x%width]), J: x/width + 1, N: n})
		}
	}
	*c.matrices = append(*c.matrices, m)
}

// keepZones keeps a zone size matrix.
func (c *Computer) keepZones(m Matrix, t *zoneTable, voxels int) {
	m.Family, m.Voxels = GLSZM, voxels
	m.Cells = c.countCells(nil, &t.small)
	for _, z := range t.large {
		m.Cells = append(m.Cells, Cell{I: int(c.field.r.value[z.code]), J: int(z.size), N: float64(z.n)})
	}
	*c.matrices = append(*c.matrices, m)
}

// keepTones keeps a grey tone difference matrix.
func (c *Computer) keepTones(m Matrix, n []int, s []float64) {
	m.Family = NGTDM
	for x, n := range n {
		if n > 0 {
			m.Voxels += n
			m.Cells = append(m.Cells, Cell{I: int(c.field.r.value[x]), N: float64(n), S: s[x]})
		}
	}
	*c.matrices = append(*c.matrices, m)
}
