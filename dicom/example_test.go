package dicom_test

import (
	"context"
	"fmt"
	"os"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/imaging"
	"gonum.org/v1/gonum/spatial/r3"
)

func Example() {
	dir, err := os.MkdirTemp("", "dicom")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	vol := imaging.NewVolume(imaging.NewGrid([3]int{8, 8, 4}, [3]float64{0.4, 0.4, 0.5}, r3.Vec{Z: -100}))
	if err := dicom.Write(ctx, dir, vol, dicom.DefaultMeta()); err != nil {
		panic(err)
	}
	index, err := dicom.Scan(ctx, dir)
	if err != nil {
		panic(err)
	}
	series, err := index.Choose("", "")
	if err != nil {
		panic(err)
	}
	study, err := dicom.Load(ctx, series, dicom.DefaultConfig())
	if err != nil {
		panic(err)
	}
	fmt.Println(series.Phase, study.Volume.Grid.String(), study.Gate() == dicom.Pass)
	// Output: 75 % 8×8×4 voxels of 0.4×0.4×0.5 mm at (0.00, 0.00, -100.00) mm true
}
