package phantom

import (
	"context"
	"testing"
)

// BenchmarkSmall makes and scans the patient of the tests.
func BenchmarkSmall(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Small(3).Scan(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTruth computes the truth of that patient.
func BenchmarkTruth(b *testing.B) {
	p := Small(3)
	b.ReportAllocs()
	for b.Loop() {
		p.Truth()
	}
}

// BenchmarkPlaques places the plaques of that patient.
func BenchmarkPlaques(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Small(3)
	}
}
