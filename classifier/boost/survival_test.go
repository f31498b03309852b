package boost

import (
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The concordance and the time-dependent AUC are those of scikit-survival, with
// ties of times and censored rows.
func TestSurvivalMetrics(t *testing.T) {
	const n = 40
	time, risk := make([]float64, n), make([]float64, n)
	event := make([]bool, n)
	for r := range n {
		time[r] = float64(r*37%29 + 1)
		event[r] = r%3 != 0
		risk[r] = float64(r*53%17)/4 - time[r]/9
	}
	check := func(quantity string, got, want float64) {
		verify.Check{Suite: "classifier", Case: "survival of 40 rows with ties", Quantity: quantity, Source: "scikit-survival", Got: got, Want: want, Tol: 1e-9}.Run(t)
	}
	check("Harrell's C", Concordance(time, event, risk), 0.6860902255639098)
	for at, want := range map[float64]float64{6: 0.7897861582910173, 12: 0.7667908326132102, 20: 0.7751549204930541} {
		got, err := TimeAUC(time, event, risk, at)
		if err != nil {
			t.Fatal(err)
		}
		check("cumulative/dynamic AUC", got, want)
	}
	if _, err := TimeAUC(time, event, risk, 100); err == nil {
		t.Error("an AUC without rows under watch")
	}
}
