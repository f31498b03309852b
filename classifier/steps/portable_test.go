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
	"boosting, 2 classes": "af217195046a",
	"boosting, 3 classes": "f568cb59a49b",
	"forest, 2 classes":   "918fa086e140",
	"forest, 3 classes":   "51e1e356379e",
	"tree, 2 classes":     "57f0d7c4878f",
	"tree, 3 classes":     "7bcd103ec44a",
}
