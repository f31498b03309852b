package boost

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plaquerisk/plaquerisk/internal/par"
)

// Fit grows a model on d.
func Fit(ctx context.Context, d *Data, cfg Config) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Objective != Softmax {
		cfg.Classes = 0
	}
	if err := d.check(cfg.Objective, cfg.Classes); err != nil {
		return nil, err
	}
	d = d.byName()
	if cfg.StopFolds > 0 {
		rounds, err := chooseRounds(ctx, d, &cfg)
		if err != nil {
			return nil, fmt.Errorf("choose the number of rounds: %w", err)
		}
		cfg.Rounds = rounds
	}
	p, err := newProblem(ctx, d, &cfg)
	if err != nil {
		return nil, err
	}
	m := &Model{Objective: cfg.Objective, Margins: cfg.margins(), Base: p.base, Bags: make([]Bag, cfg.Bags), Rounds: cfg.Rounds}
	for i := range d.Columns {
		c := &d.Columns[i]
		m.Features = append(m.Features, Feature{Name: c.Name, Kind: c.kind(), Categories: c.Categories, Block: c.Block})
	}
	failed := make([]error, cfg.Bags)
	bag := func(n int) {
		m.Bags[n], failed[n] = p.bag(ctx, uint64(n), cfg.Bags == 1)
	}
	if cfg.Bags == 1 {
		bag(0)
	} else if err := par.For(ctx, cfg.Bags, bag); err != nil {
		return nil, err
	}
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	m.prepare()
	return m, nil
}

func (c *Column) kind() Kind {
	if c.Kind == "" {
		return Numeric
	}
	return c.Kind
}

// byName returns d with its columns in the order of their names.
func (d *Data) byName() *Data {
	s := *d
	s.Columns = slices.Clone(d.Columns)
	slices.SortFunc(s.Columns, func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
	return &s
}

// problem is what all bags share, read only.
type problem struct {
	cfg       *Config
	data      *Data // columns in the order of their names
	table     *table
	loss      *loss
	patients  *patients
	base      []float64
	direction []int
	groups    []bitset
}

func newProblem(ctx context.Context, d *Data, cfg *Config) (*problem, error) {
	p := &problem{cfg: cfg, data: d, loss: newLoss(d, cfg), patients: newPatients(d, cfg.Objective, cfg.Classes)}
	var err error
	if p.direction, err = directions(d, cfg); err != nil {
		return nil, err
	}
	if p.groups, err = groupsOf(d, cfg); err != nil {
		return nil, err
	}
	p.base = p.loss.base()
	if cfg.Base != nil {
		for k := range p.base {
			p.base[k] = *cfg.Base
		}
	}
	p.table, err = newTable(ctx, d.Columns, p.loss.weight, cfg)
	return p, err
}

// directions resolves the monotone constraints.
func directions(d *Data, cfg *Config) ([]int, error) {
	dir := make([]int, len(d.Columns))
	known := 0
	for c := range d.Columns {
		v, ok := cfg.Monotone[d.Columns[c].Name]
		if !ok {
			continue
		}
		known++
		if v < -1 || v > 1 {
			return nil, fmt.Errorf("monotone of column %q is %d, want -1, 0 or 1", d.Columns[c].Name, v)
		}
		if v != 0 && d.Columns[c].Kind == Categorical {
			return nil, fmt.Errorf("monotone names column %q, whose categories have no order", d.Columns[c].Name)
		}
		dir[c] = v
	}
	if known < len(cfg.Monotone) {
		var unknown []string
		for name := range cfg.Monotone {
			if !slices.ContainsFunc(d.Columns, func(c Column) bool { return c.Name == name }) {
				unknown = append(unknown, name)
			}
		}
		slices.Sort(unknown)
		return nil, fmt.Errorf("monotone names columns that the table lacks: %q", unknown)
	}
	return dir, nil
}

// groupsOf returns the interaction groups of each column, nil without
// constraints.
func groupsOf(d *Data, cfg *Config) ([]bitset, error) {
	lists := cfg.Interactions
	if cfg.BlocksApart {
		blocks := map[string]int{}
		for _, c := range d.Columns {
			k, ok := blocks[c.Block]
			if !ok {
				k = len(lists)
				blocks[c.Block] = k
				lists = append(lists, nil)
			}
			lists[k] = append(lists[k], c.Name)
		}
	}
	if len(lists) == 0 {
		return nil, nil
	}
	place := make(map[string]int, len(d.Columns))
	for c := range d.Columns {
		place[d.Columns[c].Name] = c
	}
	groups := make([]bitset, len(d.Columns))
	for c := range groups {
		groups[c] = newBitset(len(lists)+len(d.Columns), false)
	}
	grouped := make([]bool, len(d.Columns))
	for k, list := range lists {
		for _, name := range list {
			c, ok := place[name]
			if !ok {
				return nil, fmt.Errorf("interactions, group %d, names column %q, which the table lacks", k+1, name)
			}
			groups[c].set(k)
			grouped[c] = true
		}
	}
	for c := range groups {
		if !grouped[c] {
			groups[c].set(len(lists) + c)
		}
	}
	return groups, nil
}

// bag grows one member of the ensemble.
func (p *problem) bag(ctx context.Context, n uint64, threads bool) (Bag, error) {
	b, err := p.newBooster(ctx, n, threads)
	if err != nil {
		return nil, err
	}
	for round := range p.cfg.Rounds {
		b.step(round)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if p.cfg.Mode == Additive && p.cfg.Pairs > 0 {
		b.choosePairs()
		for round := range p.cfg.Rounds {
			b.step(p.cfg.Rounds + round)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
	}
	return b.done(), nil
}

// booster grows one bag, round by round.
type booster struct {
	*problem
	ctx     context.Context
	seed    uint64
	table   *table
	grower  *grower
	margin  [][]float64 // of each class and row
	deriv   []derivatives
	inBag   []uint8 // count of each patient
	members []int32 // rows of the bag: those whose margins are kept
	count   []uint8 // of the present tree
	rows    []int32
	weight  []float64
	valued  []bool   // rows whose margin the present tree has moved
	turns   []bitset // columns of the trees of an additive round
	trees   Bag
	threads bool
}

func (p *problem) newBooster(ctx context.Context, n uint64, threads bool) (*booster, error) {
	rows := p.table.rows
	b := &booster{
		problem: p, ctx: ctx, seed: draw(p.cfg.Seed, forBag, n), table: p.table, threads: threads,
		inBag: make([]uint8, len(p.patients.key)), count: make([]uint8, len(p.patients.key)),
		weight: make([]float64, rows), valued: make([]bool, rows),
	}
	for i := range b.inBag {
		b.inBag[i] = 1
	}
	p.patients.keep(b.inBag, p.cfg.BagFraction, b.seed, forBag)
	for r, i := range p.patients.of {
		if b.inBag[i] > 0 && p.loss.weight[r] > 0 {
			b.members = append(b.members, int32(r))
		}
	}
	if p.cfg.BlockDropout > 0 {
		var err error
		if b.table, err = newTable(ctx, b.masked(), p.loss.weight, p.cfg); err != nil {
			return nil, err
		}
	}
	b.grower = newGrower(ctx, b.table, p.cfg, p.direction, p.groups, threads)
	for k := range p.cfg.margins() {
		f := make([]float64, rows)
		for r := range f {
			f[r] = p.base[k]
		}
		b.margin = append(b.margin, f)
		b.deriv = append(b.deriv, derivatives{make([]float64, rows), make([]float64, rows)})
	}
	if p.cfg.Mode == Additive {
		for c := range b.table.cols {
			one := newBitset(len(b.table.cols), false)
			one.set(c)
			b.turns = append(b.turns, one)
		}
	}
	return b, nil
}

// masked returns the columns with whole blocks missing for some patients, so
// that trees learn to do without a modality. Columns of no block stay.
func (b *booster) masked() []Column {
	columns := slices.Clone(b.data.Columns)
	for c := range columns {
		col := &columns[c]
		if col.Block == "" {
			continue
		}
		col.Values = slices.Clone(col.Values)
		key := keyOf(col.Block)
		for r := range col.Values {
			if uniform(draw(b.seed, forBlock, key, b.patients.key[b.patients.of[r]])) < b.cfg.BlockDropout {
				col.Values[r] = math.NaN()
			}
		}
	}
	return columns
}

// step grows the trees of one round.
func (b *booster) step(round int) {
	if b.cfg.Mode != Additive {
		b.turn(round, 0, nil)
		return
	}
	for i, t := range b.turns {
		b.turn(round, uint64(i)+1, t)
	}
}

// turn grows one tree for each margin, on given columns if there are any.
func (b *booster) turn(round int, place uint64, columns bitset) {
	b.drawRows(uint64(round), place)
	var dropped []int
	if b.cfg.Mode == Dart {
		dropped = b.drop(uint64(round))
	}
	if b.cfg.Mode != Forest || round == 0 {
		b.derive()
	}
	for k := range b.margin {
		key := []uint64{b.seed, forTree, uint64(round), place, uint64(k)}
		tree := b.grower.grow(b.deriv[k], b.rows, b.weight, key, columns)
		if b.cfg.Mode != Forest {
			b.add(&tree, k)
		}
		b.trees = append(b.trees, tree)
	}
	if len(dropped) > 0 {
		b.restore(dropped)
	}
}

// drawRows sets the rows of a tree and their weights.
func (b *booster) drawRows(round, place uint64) {
	copy(b.count, b.inBag)
	if b.cfg.Bootstrap {
		b.patients.bootstrap(b.count, b.seed, forTree, round, place)
	} else {
		b.patients.keep(b.count, b.cfg.RowFraction, b.seed, forTree, round, place)
	}
	if round > 0 && !b.cfg.Bootstrap && b.cfg.RowFraction == 1 {
		return // as before
	}
	b.rows = b.rows[:0]
	for _, r := range b.members {
		if n := b.count[b.patients.of[r]]; n > 0 {
			b.rows = append(b.rows, r)
			b.weight[r] = b.loss.weight[r] * float64(n)
		}
	}
}

// derive sets the derivatives of all margins.
func (b *booster) derive() {
	if b.cfg.Objective == Cox {
		b.loss.deriveCox(b.deriv[0], b.margin[0])
		return
	}
	const block = 4096
	for k := range b.margin {
		if !b.threads {
			b.loss.derive(b.deriv[k], b.margin, k, 0, b.table.rows)
			continue
		}
		_ = par.Blocks(b.ctx, b.table.rows, block, func(lo, hi int) { b.loss.derive(b.deriv[k], b.margin, k, lo, hi) })
	}
}

// add moves margin k by the grower's present tree: its own rows by their
// leaves, the others by walking down.
func (b *booster) add(tree *Tree, k int) {
	f := b.margin[k]
	g := b.grower
	for _, l := range g.leaves {
		v := tree.Nodes[l.at].Value
		for _, r := range g.rows[l.lo:l.hi] {
			f[r] += v
		}
	}
	if len(g.rows) == len(b.members) {
		return
	}
	for _, r := range g.rows {
		b.valued[r] = true
	}
	for _, r := range b.members {
		if !b.valued[r] {
			f[r] += tree.Nodes[tree.leafOf(b.table.x, r)].Value
		}
		b.valued[r] = false
	}
}

// done returns the trees.
func (b *booster) done() Bag {
	if b.cfg.Mode == Forest {
		for i := range b.trees {
			b.trees[i].scale(1 / float64(b.cfg.Rounds))
		}
	}
	return b.trees
}
