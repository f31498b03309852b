package steps

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// The nearest neighbour remembers every row, so that its apparent error is 0; on
// outcomes that have nothing to do with the columns, .632+ is near the error of ½
// where .632 is not.
func TestOutOfBag(t *testing.T) {
	tab := made(60, 6, 21)
	tab.Columns = tab.Columns[3:]
	rng := rand.New(rand.NewPCG(3, 3))
	for r := range tab.Y {
		tab.Y[r] = rng.IntN(2)
	}
	got, err := OutOfBag(t.Context(), Pipeline{Learner: Neighbours{K: 1}}, tab, 60, 1)
	if err != nil {
		t.Fatal(err)
	}
	// The standard error of the error of 119 rows is 0.05.
	verify.Check{Suite: "judgement", Case: "nearest neighbour, outcomes at random", Quantity: ".632+ error",
		Source: "error without information (Efron and Tibshirani 1997)", Got: got.Value, Want: 0.5, Tol: 0.1}.Run(t)
	if math.Abs(got.Plain-0.632*0.5) > 0.07 {
		t.Errorf(".632 is %g: the test does not tell it from .632+", got.Plain)
	}
	bag, test := drawPatients(tab, 5)
	in := map[string]bool{}
	for _, p := range bag.Patient {
		in[p] = true
	}
	for _, r := range test {
		if in[tab.Patient[r]] {
			t.Errorf("patient %s is in the bag and outside", tab.Patient[r])
		}
	}
	if err := bag.Check(); err != nil {
		t.Error(err)
	}
}
