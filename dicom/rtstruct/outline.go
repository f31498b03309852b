package rtstruct

// outlines returns the edges between voxels inside and outside of a slice as
// closed polygons, one corner where the direction changes. Corners are counted
// from the outer edge of the first voxel: voxel (i, j) lies between i and i+1.
// Holes are polygons of their own; voxels that touch at a corner are apart, as
// are the parts of a hole that do.
//
// Every edge has the inside on its right when rows grow downwards, so the edges
// that leave a corner are followed by turning right first: along the same voxel.
func outlines(in []bool, columns int) [][][2]int {
	rows := len(in) / columns
	inside := func(i, j int) bool { return i >= 0 && i < columns && j >= 0 && j < rows && in[j*columns+i] }
	// Edges that leave each corner, a bit for each direction: right, down, left, up.
	leave := make([]uint8, (columns+1)*(rows+1))
	corner := func(x, y int) *uint8 { return &leave[y*(columns+1)+x] }
	for j := range rows {
		for i := range columns {
			if !in[j*columns+i] {
				continue
			}
			if !inside(i, j-1) {
				*corner(i, j) |= 1
			}
			if !inside(i+1, j) {
				*corner(i+1, j) |= 2
			}
			if !inside(i, j+1) {
				*corner(i+1, j+1) |= 4
			}
			if !inside(i-1, j) {
				*corner(i, j+1) |= 8
			}
		}
	}
	var out [][][2]int
	for start := range leave {
		for leave[start] != 0 {
			out = append(out, follow(leave, start, columns+1))
		}
	}
	return out
}

// follow takes the edges of one polygon, from a corner on, out of leave.
func follow(leave []uint8, start, width int) [][2]int {
	step := [4]int{1, width, -1, -width}
	direction := 0
	for leave[start]>>direction&1 == 0 {
		direction++
	}
	first := direction
	var polygon [][2]int
	turned := true
	for at := start; ; {
		if turned {
			polygon = append(polygon, [2]int{at % width, at / width})
		}
		leave[at] &^= 1 << direction
		at += step[direction]
		if at == start {
			if direction == first { // the start is no corner
				polygon = polygon[1:]
			}
			return polygon
		}
		turned = false
		for _, turn := range []int{1, 0, 3} { // right, straight, left
			if next := (direction + turn) % 4; leave[at]>>next&1 == 1 {
				direction, turned = next, turn != 0
				break
			}
		}
	}
}
