package boost

func (b *booster) choosePairs() {}
