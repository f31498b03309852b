package texture

// Matrix is one texture matrix, for tests and for features of one's own.
type Matrix struct {
	Family    Family
	Direction [3]int // of glcm and glrlm in steps of i, j, k; zero if directions are added
	Slice     int    // index along the slice axis from the first slice of the region; -1 if slices are added or in 3D
	Voxels    int    // voxels of the region, once for each matrix that was added
	Cells     []Cell // in ascending order of I, then J; no zeros
}

// Cell is an entry of a matrix.
type Cell struct {
	I int     // grey level
	J int     // glcm: grey level; glrlm: run length; glszm: zone size; gldzm: distance; ngldm, gldm: dependence count from 1; ngtdm: 0
	N float64 // count
	S float64 // ngtdm: sum of grey tone differences
}
