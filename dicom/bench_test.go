package dicom

import (
	"context"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/imaging"
)

func BenchmarkSeries(b *testing.B) {
	v := ramp(imaging.NewGrid([3]int{512, 512, 256}, [3]float64{0.4, 0.4, 0.5}, r3.Vec{}))
	dir := writeSeries(b, v, DefaultMeta())
	s := choose(b, dir)
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if err := Write(context.Background(), dir, v, DefaultMeta()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			if _, err := Scan(context.Background(), dir); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			if _, err := Load(context.Background(), s, DefaultConfig()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
