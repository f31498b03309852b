package boost

// drop draws the trees that a round of dart (Rashmi and Gilad-Bachrach 2015)
// leaves out and takes them off the margins. Trees of one round go together.
func (b *booster) drop(round uint64) []int {
	var dropped []int
	per := len(b.margin)
	for i := 0; i < len(b.trees)/per; i++ {
		if uniform(draw(b.seed, forDrop, round, uint64(i))) < b.cfg.DropRate {
			dropped = append(dropped, i)
			b.move(i, -1)
		}
	}
	return dropped
}

// restore brings the k dropped trees back with k/(k + η) of their value, gives
// the new tree 1/(k + η) of its own, and moves the margins accordingly, so that
// the new tree and the dropped ones together weigh what the dropped did.
func (b *booster) restore(dropped []int) {
	per := len(b.margin)
	last := len(b.trees)/per - 1
	k := float64(len(dropped))
	b.move(last, -1)
	for i := last * per; i < len(b.trees); i++ {
		b.trees[i].scale(1 / (k + b.cfg.LearningRate))
	}
	b.move(last, 1)
	for _, t := range dropped {
		for i := t * per; i < (t+1)*per; i++ {
			b.trees[i].scale(k / (k + b.cfg.LearningRate))
		}
		b.move(t, 1)
	}
}

// move adds the trees of round t to the margins, times sign.
func (b *booster) move(t int, sign float64) {
	for k, f := range b.margin {
		tree := &b.trees[t*len(b.margin)+k]
		for _, r := range b.members {
			f[r] += sign * tree.Nodes[tree.leafOf(b.table.x, r)].Value
		}
	}
}
