package pipeline

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/plaquerisk/plaquerisk/coronary"
)

// A file of segments has the last word on the names of a plaque's segments, and
// one that cannot be read is told with its class.
func TestSegmentsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "segments.csv")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("artery,from_mm,to_mm,segment\nLAD,0,10,pLAD\nLAD,10,,mLAD\n")
	segments, err := readSegments(path)
	if err != nil {
		t.Fatal(err)
	}
	a := &assessment{vessels: []coronary.Vessel{{Artery: coronary.LAD}}}
	p := &coronary.Plaque{Artery: coronary.LAD, From: 12, To: 20}
	if got := a.segmentNames(p); !slices.Equal(got, []string{"pLAD"}) {
		t.Errorf("by length: %v", got)
	}
	a.vessels[0].Stretches = segments[coronary.LAD]
	if got := a.segmentNames(p); !slices.Equal(got, []string{"mLAD"}) {
		t.Errorf("by the file: %v", got)
	}
	if got := a.segmentNames(&coronary.Plaque{Artery: coronary.RCA, From: 1, To: 9}); len(got) != 0 {
		t.Errorf("a plaque without a vessel is in %v", got)
	}
	write("artery,from_mm,to_mm,segment\nLAD,0,10,heart\n")
	if _, err := readSegments(path); ClassOf(err) != BadConfig {
		t.Errorf("a wrong segment: %v", err)
	}
	if _, err := readSegments(path + "x"); ClassOf(err) != Unreadable {
		t.Errorf("a missing file: %v", err)
	}
	if s, err := readSegments(""); s != nil || err != nil {
		t.Errorf("no file: %v, %v", s, err)
	}
}
