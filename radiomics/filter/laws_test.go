package filter

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The responses to the phantoms of IBSI 2 are the consensus maps, everywhere
// within 1 % of their range.
func TestLawsMaps(t *testing.T) {
	dir := verify.Shared(t, "data", "ibsi2")
	for _, test := range []struct {
		config, phantom, kernel string
		boundary                Boundary
		rotations               bool
		energy                  int
	}{
		{"3_a_1", "impulse", "E5L5S5", Zero, false, 0},
		{"3_a_2", "impulse", "E5L5S5", Zero, true, 0},
		{"3_a_3", "impulse", "E5L5S5", Zero, true, 7},
		{"3_b_1", "checkerboard", "E3W5R5", Mirror, false, 0},
		{"3_b_2", "checkerboard", "E3W5R5", Mirror, true, 0},
		{"3_b_3", "checkerboard", "E3W5R5", Mirror, true, 7},
	} {
		t.Run(test.config, func(t *testing.T) {
			v, err := nifti.ReadVolume(filepath.Join(dir, "phantoms", test.phantom+".nii.gz"))
			if err != nil {
				t.Fatal(err)
			}
			want, err := nifti.ReadVolume(filepath.Join(dir, "response_maps", test.config+".nii.gz"))
			if err != nil {
				t.Fatal(err)
			}
			l, err := ParseLaws(test.kernel)
			if err != nil {
				t.Fatal(err)
			}
			l.Boundary, l.RotationInvariant, l.EnergyDistance = test.boundary, test.rotations, test.energy
			got, err := l.Apply(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			var worst float64
			for n, x := range got.Values {
				worst = max(worst, math.Abs(float64(x-want.Values[n])))
			}
			worst /= float64(slices.Max(want.Values) - slices.Min(want.Values))
			verify.Check{Suite: "radiomics", Case: "IBSI 2 phase 1, Laws " + test.config, Quantity: "largest difference / range of the map",
				Source: "IBSI 2 consensus response map", Got: worst, Want: 0, Tol: 0.01}.Run(t)
		})
	}
}

// The result of a voxel depends on no voxel beyond Support: a cropped image
// gives the same bits as the whole.
func TestSupport(t *testing.T) {
	v := imaging.NewVolume(imaging.NewGrid([3]int{21, 23, 20}, [3]float64{1, 1, 1}, r3.Vec{}))
	for n := range v.Values {
		v.Values[n] = float32(n * 7919 % 1013)
	}
	l, err := ParseLaws("L5E5S5")
	if err != nil {
		t.Fatal(err)
	}
	l.RotationInvariant, l.EnergyDistance = true, 1
	whole, err := l.Apply(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	s := l.Support()
	lo, hi := [3]int{10 - s, 11 - s, 9 - s}, [3]int{11 + s, 12 + s, 10 + s}
	part, err := l.Apply(t.Context(), v.Crop(lo, hi))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := part.At(s, s, s), whole.At(10, 11, 9); got != want {
		t.Errorf("response %v in the part, %v in the whole", got, want)
	}
}

// A name that is no filter is refused with the kernels there are.
func TestParseLawsErrors(t *testing.T) {
	for _, name := range []string{"", "L5", "L5E5X5", "L7E5E5", "L5E5E5E5"} {
		if _, err := ParseLaws(name); err == nil {
			t.Errorf("ParseLaws(%q) gives no error", name)
		}
	}
}

func ExampleLaws() {
	// A step of 100 HU between two tissues.
	v := imaging.NewVolume(imaging.NewGrid([3]int{8, 8, 8}, [3]float64{0.4, 0.4, 0.4}, r3.Vec{}))
	for n := range v.Values {
		if i, _, _ := v.Coords(n); i >= 4 {
			v.Values[n] = 100
		}
	}
	edges, _ := ParseLaws("L5L5E5")
	edges.RotationInvariant = true
	h, _ := edges.Apply(context.Background(), v)
	fmt.Printf("at the step %.0f, away from it %.0f\n", h.At(4, 4, 4), h.At(0, 4, 4))
	// Output: at the step 347, away from it 0
}
