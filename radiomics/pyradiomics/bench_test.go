package pyradiomics

import (
	"context"
	"testing"
)

// The default 107 features of plaques and of a large region.
func BenchmarkExtract(b *testing.B) {
	for _, name := range []string{"tiny", "calcified", "with_lumen", "sphere"} {
		b.Run(name, func(b *testing.B) {
			vol, mask, pixels := phantom(b, name)
			p := DefaultParams()
			p.Pixels = pixels
			e, err := NewExtractor(p)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := e.Extract(context.Background(), vol, mask); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(mask.Count()), "voxels")
		})
	}
}
