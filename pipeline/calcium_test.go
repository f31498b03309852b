package pipeline

import (
	"context"
	"fmt"
	"image"
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// writeNRRD stores a volume for a test.
func writeNRRD(t *testing.T, path string, v *imaging.Volume) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := nrrd.WriteVolume(f, v, true); err != nil {
		t.Fatal(err)
	}
}

// On a real calcium scan, deposits inside the pericardium are found in the
// slices that its description names, and in no other; the whole line from files
// gives their sum.
func TestCalciumScan(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a series twice")
	}
	dir := verify.Shared(t, "data", "ct", "heart-gated-noncontrast")
	p := newPipeline(t, DefaultConfig())
	ctx := context.Background()
	in, err := p.ReadCT(ctx, Files{CT: filepath.Join(dir, "dicom")})
	if in.Volume == nil {
		t.Fatal(err)
	}
	scan := p.calciumScan(&in, Stated{})
	heart := imaging.NewVolume(in.Volume.Grid) // 1 inside the pericardium
	var slices []string
	var sum float64
	for number := 1; number <= in.Volume.Size[2]; number++ {
		k := in.Volume.Size[2] - number // number 1 is the most cranial
		region := imaging.NewMask(in.Volume.Grid)
		img := readPNG(t, filepath.Join(dir, "pericardium", fmt.Sprintf("%03d.png", number)))
		for j := range in.Volume.Size[1] {
			for i := range in.Volume.Size[0] {
				if r, _, _, _ := img.At(i, j).RGBA(); r > 0x8000 {
					o := region.Offset(i, j, k)
					region.In[o], heart.Values[o] = true, 1
				}
			}
		}
		c, err := coronary.ScoreCalcium(in.Volume, region, scan, 0)
		if err != nil {
			t.Fatal(err)
		}
		if sum += c.Agatston; c.Agatston > 0 {
			slices = append(slices, fmt.Sprint(number))
		}
	}
	found := strings.Join(slices, " ")
	verify.Check{Suite: "coronary", Case: "calcium: heart-gated-noncontrast, pericardium", Quantity: "slices with deposits that are 7, 8, 9, 14, 15", Source: "README of the data",
		Got: same(found, "7 8 9 14 15"), Want: 1}.Run(t)
	if found != "7 8 9 14 15" {
		t.Logf("slices %s", found)
	}
	path := filepath.Join(t.TempDir(), "heart.nrrd")
	writeNRRD(t, path, heart)
	table, _, err := p.Calcium(ctx, Files{CT: filepath.Join(dir, "dicom"), Seg: path}, Stated{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	verify.Check{Suite: "coronary", Case: "calcium: heart-gated-noncontrast, pericardium", Quantity: "Agatston score of files against the sum over slices", Source: "definition (C.6)",
		Got: CalciumTotal(table), Want: sum, Tol: 1e-9}.Run(t)
}

func same(a, b string) float64 {
	if a == b {
		return 1
	}
	return 0
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// A cylinder of calcium across three slices has the score of its discs; the same
// scan with contrast, or of which nothing is known, is refused.
func TestCalciumOfFiles(t *testing.T) {
	const pixel, radius = 0.125, 4.0
	g := imaging.NewGrid([3]int{320, 320, 8}, [3]float64{pixel, pixel, 3}, r3.Vec{X: -20, Y: -20})
	ct, mask := imaging.NewVolume(g), imaging.NewVolume(g)
	for o := range ct.Values {
		i, j, k := g.Coords(o)
		q := g.Point(float64(i), float64(j), float64(k))
		ct.Values[o] = 40
		switch inside := q.X*q.X+q.Y*q.Y < radius*radius; {
		case inside && k >= 2 && k < 5:
			ct.Values[o] = 350
		case i < 40: // lung, so that the image looks like a CT
			ct.Values[o] = -850
		}
		if q.X*q.X+q.Y*q.Y < 64 {
			mask.Values[o] = 1
		}
	}
	dir := t.TempDir()
	f := Files{CT: filepath.Join(dir, "ct.nrrd"), Seg: filepath.Join(dir, "LAD.nrrd")}
	writeNRRD(t, f.CT, ct)
	writeNRRD(t, f.Seg, mask)
	p := newPipeline(t, DefaultConfig())
	said := Stated{KVp: 120, ThicknessMM: 3, Gated: true, NoContrast: true}
	table, _, err := p.Calcium(context.Background(), f, said, 0.8)
	if err != nil {
		t.Fatal(err)
	}
	area := math.Pi * radius * radius
	got := table.Rows[len(table.Rows)-1].Values
	for n, c := range []struct {
		quantity string
		want     float64
	}{{"Agatston score", 3 * 3 * area}, {"volume, mm³", 9 * area}, {"mass, mg", 0.8 * 350 * 9 * area / 1000}} {
		verify.Check{Suite: "coronary", Case: "calcium: cylinder of 8 mm over three slices, from files", Quantity: c.quantity, Source: "closed form πr²", Got: got[n], Want: c.want, Tol: 0.01 * c.want}.Run(t)
	}
	for name, change := range map[string]func(){
		"voltage is not known":                     func() { said.KVp = 0 },
		"gating is not known":                      func() { said = Stated{KVp: 120, ThicknessMM: 3} },
		"not known not to be a scan with contrast": func() { said.NoContrast = false },
		"1 mm thick":                               func() { said = Stated{KVp: 120, ThicknessMM: 1, Gated: true, NoContrast: true} },
	} {
		said = Stated{KVp: 120, ThicknessMM: 3, Gated: true, NoContrast: true}
		change()
		if _, _, err := p.Calcium(context.Background(), f, said, 0); err == nil || !strings.Contains(err.Error(), name) || ClassOf(err) != Refused {
			t.Errorf("error %v, want a refusal with %q", err, name)
		}
	}
}
