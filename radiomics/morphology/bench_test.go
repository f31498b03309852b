package morphology

import "testing"

// blob is a smooth, not quite round body of 203 182 voxels in 100³, and
// crescents are plaques.
func blob() body {
	sq := func(x float64) float64 { return x * x }
	return body{"blob", [3]int{100, 100, 100}, [3]float64{0.5, 0.5, 0.5}, func(i, j, k int) bool {
		x, y, z := float64(i)-49.5, float64(j)-49.5, float64(k)-49.5
		return sq(x/38)+sq(y/36)+sq((z+0.1*x)/35.45) < 1
	}}
}

func crescent(spacing float64) body {
	sq := func(x float64) float64 { return x * x }
	n := [3]int{int(8 / spacing), int(6 / spacing), int(16 / spacing)}
	return body{"crescent", n, [3]float64{spacing, spacing, spacing}, func(i, j, k int) bool {
		x, y, z := (float64(i)+0.5)*spacing-4, (float64(j)+0.5)*spacing-1.5, (float64(k)+0.5)*spacing-8
		r, bend := sq(x)+sq(y), 1-sq(z/8)
		return y > -0.3 && bend > 0 && r > sq(1.7) && r < sq(1.7+1.5*bend)
	}}
}

func BenchmarkPyRadiomics(b *testing.B) {
	for _, body := range []body{crescent(0.5), crescent(0.4), crescent(0.3), blob()} {
		b.Run(body.name, func(b *testing.B) {
			b.ReportAllocs()
			mask := body.mask()
			var w Workspace
			var p *PyRadiomics
			for b.Loop() {
				p = NewPyRadiomics(&w, body.size, body.spacing, mask)
			}
			b.ReportMetric(float64(p.Voxels), "voxels")
		})
	}
}

func BenchmarkShape(b *testing.B) {
	for _, body := range []body{crescent(0.4), blob()} {
		b.Run(body.name, func(b *testing.B) {
			b.ReportAllocs()
			r := Region{Size: body.size, Spacing: body.spacing, Mask: body.mask()}
			var w Workspace
			for b.Loop() {
				if _, err := NewShape(b.Context(), &w, r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(w.hull.points)), "corners")
		})
	}
}

// Moran's I and Geary's C of a full cube and of plaques.
func BenchmarkAutocorrelation(b *testing.B) {
	cube := body{"cube", [3]int{100, 100, 100}, [3]float64{1, 1, 1}, func(i, j, k int) bool { return true }}
	for _, body := range []body{crescent(0.5), crescent(0.4), crescent(0.3), blob(), cube} {
		b.Run(body.name, func(b *testing.B) {
			b.ReportAllocs()
			var inside []int
			var values []float64
			for n, in := range body.mask() {
				if in {
					inside, values = append(inside, n), append(values, float64(n*n%1013))
				}
			}
			var f field
			for b.Loop() {
				f.standardise(body.size, newFrame(body.spacing, [3]float64{}), inside, values)
				if _, _, err := f.autocorrelation(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(values)), "voxels")
		})
	}
}
