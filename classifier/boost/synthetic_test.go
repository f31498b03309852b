package boost

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// cohort makes a table of n rows of n/3 patients: numbers, whole numbers with
// ties, a column with missing values, categories, and columns of two blocks.
// All numbers are multiples of 1/64, so that no processor rounds them.
func cohort(n int, o Objective) *Data {
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	d := &Data{}
	number := func() float64 { return float64(rng.IntN(512)-256) / 64 }
	add := func(name, block string, f func(r int) float64) []float64 {
		x := make([]float64, n)
		for r := range x {
			x[r] = f(r)
		}
		d.Columns = append(d.Columns, Column{Name: name, Block: block, Values: x})
		return x
	}
	a := add("radiomics.a", "radiomics", func(int) float64 { return number() })
	b := add("radiomics.b", "radiomics", func(int) float64 { return number() })
	add("radiomics.copy of a", "radiomics", func(r int) float64 { return a[r] })
	c := add("fem.c", "biomechanics", func(int) float64 { return float64(rng.IntN(5)) })
	m := add("fem.m", "biomechanics", func(int) float64 {
		if rng.IntN(4) == 0 {
			return math.NaN()
		}
		return number()
	})
	add("constant", "", func(int) float64 { return 3 })
	k := add("kind", "clinical", func(int) float64 {
		if rng.IntN(20) == 0 {
			return math.NaN()
		}
		return float64(rng.IntN(12))
	})
	last := &d.Columns[len(d.Columns)-1]
	last.Kind = Categorical
	for i := range 12 {
		last.Categories = append(last.Categories, fmt.Sprintf("kind %02d", i))
	}
	for r := range n {
		f := a[r]/2 - b[r]*a[r]/8 + (c[r]-2)/2
		if m[r] == m[r] {
			f += m[r] / 4
		} else {
			f += 0.5
		}
		if k[r] == 3 || k[r] == 7 || k[r] == 8 {
			f++
		}
		noise := float64(rng.IntN(256)-128) / 64
		y := f + noise
		switch o {
		case Logistic:
			y = 0
			if f+noise > 0 {
				y = 1
			}
		case Softmax:
			y = min(2, max(0, math.Floor(f+noise+1.5)))
		case Poisson:
			y = max(0, math.Floor(f+noise))
		case Cox:
			y = math.Floor(max(0, 20-4*(f+noise)))
			d.Event = append(d.Event, rng.IntN(3) > 0)
		}
		d.Y = append(d.Y, y)
		d.ID = append(d.ID, fmt.Sprintf("row %05d", r))
		d.Group = append(d.Group, fmt.Sprintf("patient %04d", r/3))
	}
	return d
}

// shuffled returns d with its rows and columns in another order.
func shuffled(d *Data, seed uint64) *Data {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := d.subset(rng.Perm(len(d.Y)))
	rng.Shuffle(len(s.Columns), func(i, j int) { s.Columns[i], s.Columns[j] = s.Columns[j], s.Columns[i] })
	return s
}

// settings are configurations that together use everything.
func settings() map[string]Config {
	make := func(change func(*Config)) Config {
		c := DefaultConfig()
		c.Rounds, c.MaxLeaves = 12, 12
		change(&c)
		return c
	}
	return map[string]Config{
		"leaf first":  make(func(c *Config) {}),
		"depth first": make(func(c *Config) { c.Growth, c.MaxDepth, c.MaxLeaves, c.Threshold = DepthFirst, 4, 0, Edge }),
		"exact":       make(func(c *Config) { c.Grower, c.Growth, c.MaxDepth = Exact, DepthFirst, 3 }),
		"few bins":    make(func(c *Config) { c.MaxBins, c.MinChildRows = 16, 5 }),
		"sampled": make(func(c *Config) {
			c.Bags, c.BagFraction, c.RowFraction, c.TreeFraction, c.LevelFraction, c.NodeFraction = 3, 0.7, 0.6, 0.9, 0.8, 0.7
		}),
		"bootstrap":  make(func(c *Config) { c.Bootstrap, c.NodeFraction = true, 0.4 }),
		"softmax":    make(func(c *Config) { c.Objective, c.Classes, c.Rounds = Softmax, 3, 6 }),
		"squared":    make(func(c *Config) { c.Objective, c.Alpha, c.MaxDeltaStep = Squared, 0.5, 2 }),
		"poisson":    make(func(c *Config) { c.Objective = Poisson }),
		"cox":        make(func(c *Config) { c.Objective = Cox }),
		"dart":       make(func(c *Config) { c.Mode, c.DropRate = Dart, 0.3 }),
		"additive":   make(func(c *Config) { c.Mode, c.MaxLeaves, c.Rounds, c.Pairs = Additive, 3, 4, 2 }),
		"stopped":    make(func(c *Config) { c.StopFolds, c.Rounds, c.Patience, c.LearningRate = 3, 60, 5, 0.3 }),
		"balanced":   make(func(c *Config) { c.ClassWeight = ClassEqual }),
		"dropout":    make(func(c *Config) { c.BlockDropout, c.Bags = 0.3, 2 }),
		"apart":      make(func(c *Config) { c.BlocksApart = true }),
		"forest":     func() Config { c := ForestConfig(); c.Rounds = 10; return c }(),
		"monotone":   make(func(c *Config) { c.Monotone = map[string]int{"radiomics.a": 1, "fem.m": -1}; c.Gamma = 0.1 }),
		"one to one": make(func(c *Config) { c.MaxOneHot, c.CategorySmoothing = 20, 0 }),
	}
}

// names returns the keys of the settings in order.
func names(s map[string]Config) []string {
	var k []string
	for name := range s {
		k = append(k, name)
	}
	slices.Sort(k)
	return k
}
