package boost

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"testing"
)

// encode returns all of a model, and its margins for the rows of d in the order
// of their identifiers, as text.
func encode(t *testing.T, m *Model, d *Data) string {
	t.Helper()
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	place := make(map[string]int, len(d.ID))
	for r, id := range d.ID {
		place[id] = r
	}
	f := margins(m, d)
	for i := range f {
		raw = fmt.Appendf(raw, " %x", math.Float64bits(f[place[fmt.Sprintf("row %05d", i)]]))
	}
	return string(raw)
}

// The same rows give the same bytes on 1, 2 and 16 processors and in any order
// of rows and columns. The digests hold on any architecture: run this test with
// GOARCH=arm64 under qemu, and with GOAMD64=v3.
func TestSameBytes(t *testing.T) {
	old := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(old)
	all := settings()
	for _, name := range names(all) {
		cfg := all[name]
		d := cohort(300, cfg.Objective)
		var want string
		for i, threads := range []int{1, 2, 16} {
			runtime.GOMAXPROCS(threads)
			for j, data := range []*Data{d, shuffled(d, uint64(i))} {
				m, err := Fit(t.Context(), data, cfg)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				got := encode(t, m, data)
				if i+j == 0 {
					want = got
				}
				if got != want {
					t.Errorf("%s: %d processors, shuffled %d: other bytes", name, threads, j)
				}
			}
		}
		sum := sha256.Sum256([]byte(want))
		if got := hex.EncodeToString(sum[:6]); got != digests[name] {
			t.Errorf("%q: digest %q, want %q", name, got, digests[name])
		}
	}
}

// digests were written on amd64. They change when an algorithm does.
var digests = map[string]string{
	"additive":    "5762781da6ec",
	"apart":       "4b9bf4600e85",
	"balanced":    "ee5869845e10",
	"bootstrap":   "a981a7fdda7c",
	"cox":         "ac4bf4ea12a4",
	"dart":        "0dfed5e0c8e8",
	"depth first": "f37184eeae8d",
	"dropout":     "95bf6854d742",
	"exact":       "7107354e4c52",
	"few bins":    "f0faa783390b",
	"forest":      "996ec1a72975",
	"leaf first":  "f60b59b35000",
	"monotone":    "d61f9e0ea7b9",
	"one to one":  "4848452780d6",
	"poisson":     "5207f0b4d85c",
	"sampled":     "ad2161a0d29e",
	"softmax":     "e18b292017c8",
	"squared":     "37e4151140ef",
	"stopped":     "cbfc3e380810",
}
