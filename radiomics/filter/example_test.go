package filter_test

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/radiomics/filter"
)

func ExampleNew() {
	// A plaque of 60 HU beside calcium of 900 HU, on voxels of 0.4 mm.
	ct := imaging.NewVolume(imaging.NewGrid([3]int{20, 12, 12}, [3]float64{0.4, 0.4, 0.4}, r3.Vec{}))
	plaque := imaging.NewMask(ct.Grid)
	for n := range ct.Values {
		i, _, _ := ct.Coords(n)
		plaque.In[n] = i < 10
		ct.Values[n] = 60
		if i >= 10 {
			ct.Values[n] = 900
		}
	}
	smooth, err := filter.New(filter.Config{Kind: "gauss", Sigma: 0.8, MaskWeighted: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, _ := smooth.Apply(context.Background(), ct)
	alone, _ := smooth.ApplyWithin(context.Background(), ct, plaque)
	fmt.Println(smooth.Name())
	fmt.Printf("HU in the last voxel of the plaque: %.0f, from the plaque alone %.0f\n", h.At(9, 6, 6), alone.At(9, 6, 6))
	// Output:
	// gauss_sigma_0_8_mm_weighted
	// HU in the last voxel of the plaque: 396, from the plaque alone 60
}
