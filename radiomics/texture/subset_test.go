package texture

import (
	"math"
	"testing"
)

// Asked for alone or in pairs, families and aggregations have the values that
// they have among all others, whatever the number of threads.
func TestSubsets(t *testing.T) {
	all := everything()
	r := blob(40, 18, 12, false) // above the size from which threads are used
	cols, want := all.Columns(), mustCompute(t, r, all)
	at := map[string]Value{}
	for n := range cols {
		at[cols[n].Name()] = want[n]
	}
	for a := range aggregations {
		for b := a; b < aggregations; b++ {
			cfg := everything()
			cfg.Aggregations = []Aggregation{a}
			if b > a {
				cfg.Aggregations = append(cfg.Aggregations, b)
			}
			got := mustCompute(t, r, cfg)
			for n, c := range cfg.Columns() {
				if w := at[c.Name()]; math.Float64bits(got[n].Value) != math.Float64bits(w.Value) || got[n].Pairs != w.Pairs {
					t.Fatalf("%v: %s = %v of %d, among all %v of %d", cfg.Aggregations, c.Name(), got[n].Value, got[n].Pairs, w.Value, w.Pairs)
				}
			}
		}
	}
}
