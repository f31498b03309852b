package calibrate

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/plaquerisk/plaquerisk/classifier/judge"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

func asah(t *testing.T) (y []int, p []float64) {
	t.Helper()
	for _, row := range verify.Records(t, verify.Shared(t, "data", "tabular", "known", "asah.csv")) {
		y = append(y, int(verify.Number(t, row["outcome"])))
		p = append(p, verify.Number(t, row["p"]))
	}
	return y, p
}

// Coefficients and levels are those of R on the aneurysm data.
func TestKnown(t *testing.T) {
	y, p := asah(t)
	var want struct {
		PI     float64   `json:"platt_smoothed_intercept"`
		PS     float64   `json:"platt_smoothed_slope"`
		C      float64   `json:"beta_cal_c"`
		A      float64   `json:"beta_cal_a"`
		B      float64   `json:"beta_cal_b"`
		Levels []float64 `json:"isotonic_levels"`
		Brier  float64   `json:"isotonic_brier"`
	}
	text, err := os.ReadFile(verify.Shared(t, "data", "tabular", "known", "r_known.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	check := func(quantity string, got, want float64) {
		t.Helper()
		verify.Check{Suite: "judgement", Case: "113 patients with aneurysm (aSAH)", Quantity: quantity,
			Source: "R 4.2.2, known/r_known.json", Got: got, Want: want, Tol: 1e-9}.Run(t)
	}
	platt, err := FitPlatt(y, p)
	if err != nil {
		t.Fatal(err)
	}
	check("Platt calibration, intercept", platt.Intercept, want.PI)
	check("Platt calibration, slope", platt.Slope, want.PS)
	beta, err := FitBeta(y, p)
	if err != nil {
		t.Fatal(err)
	}
	check("beta calibration, c", beta.C, want.C)
	check("beta calibration, a", beta.A, want.A)
	check("beta calibration, b", beta.B, want.B)
	iso, err := FitIsotonic(y, p)
	if err != nil {
		t.Fatal(err)
	}
	levels := iso.Levels()
	if len(levels) != len(want.Levels) {
		t.Fatalf("isotonic levels %v, want %v", levels, want.Levels)
	}
	for i := range levels {
		check(fmt.Sprintf("isotonic calibration, level %d", i+1), levels[i], want.Levels[i])
	}
	q := make([]float64, len(p))
	for i := range p {
		q[i] = iso.Apply(p[i])
	}
	check("isotonic calibration, Brier score", judge.Brier(y, q), want.Brier)
}

// Log-odds that are k times too large get the temperature k.
func TestTemperature(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var y []int
	var p [][]float64
	var wide []float64
	for range 20000 {
		x := rng.NormFloat64()
		k := 0
		if rng.Float64() < judge.Expit(x) {
			k = 1
		}
		q := judge.Expit(2.5 * x)
		y, p, wide = append(y, k), append(p, []float64{1 - q, q}), append(wide, q)
	}
	c, err := FitTemperature(y, p)
	if err != nil {
		t.Fatal(err)
	}
	// The standard error of a slope of 20000 rows is 0.02 of 1.
	verify.Check{Suite: "judgement", Case: "20000 rows with log-odds 2.5 times too large", Quantity: "temperature",
		Source: "planted", Got: c.T, Want: 2.5, Tol: 0.15}.Run(t)
	// One class's gradient vanishes at the maximum: a nearby T is worse.
	loss := func(t float64) float64 {
		q := make([]float64, len(wide))
		for i := range q {
			q[i] = (&Temperature{t}).Apply(wide[i])
		}
		return judge.LogLoss(y, q)
	}
	if best := loss(c.T); best > loss(c.T*1.001) || best > loss(c.T/1.001) {
		t.Error("a neighbouring temperature fits better")
	}
	dst := make([]float64, 2)
	c.ApplyClasses(dst, []float64{0.1, 0.9})
	if math.Abs(dst[1]-c.Apply(0.9)) > 1e-12 || math.Abs(dst[0]+dst[1]-1) > 1e-12 {
		t.Errorf("classes %v, probability %g", dst, c.Apply(0.9))
	}
}

// Calibrating what is calibrated changes nothing, and never the order.
func TestInvariants(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	var y []int
	var p []float64
	for range 300 {
		q := rng.Float64()
		k := 0
		if rng.Float64() < q*q {
			k = 1
		}
		y, p = append(y, k), append(p, math.Round(q*50)/50)
	}
	platt, err1 := FitPlatt(y, p)
	beta, err2 := FitBeta(y, p)
	iso, err3 := FitIsotonic(y, p)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	for _, c := range []Map{platt, beta, iso} {
		last := -1.0
		for i := range 1001 {
			q := c.Apply(float64(i) / 1000)
			if !(q >= 0 && q <= 1) || q < last {
				t.Fatalf("%s maps %g to %g, and a smaller one to %g", c.Kind(), float64(i)/1000, q, last)
			}
			last = q
		}
		if !c.Rising() {
			t.Errorf("%s is not rising", c.Kind())
		}
		// Saved and read, it is the same function.
		text, err := json.Marshal(Levels{{"artery", c}})
		if err != nil {
			t.Fatal(err)
		}
		var back Levels
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if back.Apply("artery", 0.37) != c.Apply(0.37) || back.Apply("patient", 0.37) != 0.37 {
			t.Errorf("%s is another function when read from %s", c.Kind(), text)
		}
		q := make([]float64, len(p))
		for i := range p {
			q[i] = c.Apply(p[i])
		}
		if judge.LogLoss(y, q) > judge.LogLoss(y, p) {
			t.Errorf("%s made the log-loss worse on its own rows", c.Kind())
		}
	}
	q := make([]float64, len(p))
	for i := range p {
		q[i] = iso.Apply(p[i])
	}
	again, err := FitIsotonic(y, q)
	if err != nil {
		t.Fatal(err)
	}
	for i := range q {
		if math.Abs(again.Apply(q[i])-q[i]) > 1e-12 {
			t.Fatalf("isotonic twice: %g became %g", q[i], again.Apply(q[i]))
		}
	}
}

// Separated classes leave Platt finite and make beta say so; one class and
// impossible numbers are errors.
func TestErrors(t *testing.T) {
	y, p := []int{0, 0, 1, 1}, []float64{0.1, 0.2, 0.8, 0.9}
	if c, err := FitPlatt(y, p); err != nil || !(c.Slope > 0) {
		t.Errorf("platt: %v, %v", c, err)
	}
	if _, err := FitBeta(y, p); err == nil {
		t.Error("beta of separated classes has no maximum")
	}
	for _, c := range []struct {
		y    []int
		p    []float64
		want string
	}{
		{[]int{1, 1}, []float64{0.1, 0.2}, "one class"},
		{[]int{1, 2}, []float64{0.1, 0.2}, "row 2 has outcome 2"},
		{[]int{1, 0}, []float64{0.1, math.NaN()}, "row 2 has probability NaN"},
	} {
		if _, err := FitIsotonic(c.y, c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	var l Levels
	for _, text := range []string{
		`[{"level":"a","kind":"isotonic","state":{"p":[0.2,0.1],"q":[0,1]}}]`,
		`[{"level":"a","kind":"temperature","state":{"t":0}}]`,
		`[{"level":"a","kind":"magic","state":{}}]`,
	} {
		if json.Unmarshal([]byte(text), &l) == nil {
			t.Errorf("%s was read", text)
		}
	}
}
