package steps

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// The trees of every learner that grows them, as a file holds them, and their
// probabilities are the same bytes on any architecture: scripts/portable.sh
// runs this test for GOAMD64=v3 and for arm64.
func TestPortableTrees(t *testing.T) {
	for classes := 2; classes <= 3; classes++ {
		f, err := ReadCSV(strings.NewReader(madeCSV(24, classes)), madeRoles)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"boosting", "forest", "tree"} {
			m, err := small()[name].Fit(t.Context(), &f.Table, 1)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			p, err := m.Predict(&f.Table)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range p {
				for _, v := range row {
					raw = fmt.Appendf(raw, " %x", math.Float64bits(v))
				}
			}
			key := fmt.Sprintf("%s, %d classes", name, classes)
			sum := sha256.Sum256(raw)
			if got := hex.EncodeToString(sum[:6]); got != portable[key] {
				t.Errorf("%q: %q, want %q", key, got, portable[key])
			}
		}
	}
}

// portable are the digests as written on amd64. They change when an algorithm
// does.
var portable = map[string]string{
	"boosting, 2 classes": "3ffba18ccc6b",
	"boosting, 3 classes": "9053b44efa18",
	"forest, 2 classes":   "ac1c6289a473",
	"forest, 3 classes":   "f3e6c70ec8a2",
	"tree, 2 classes":     "82b98d7dd79c",
	"tree, 3 classes":     "4cf3472c1c8d",
}
