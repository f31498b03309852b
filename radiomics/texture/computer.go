package texture

import (
	"context"
	"errors"
)

// Compute returns the features of r in the order of [Config.Columns].
func Compute(ctx context.Context, r *Region, cfg Config) ([]Value, error) {
	c, err := NewComputer(cfg)
	if err != nil {
		return nil, err
	}
	return c.Compute(ctx, nil, r)
}

// Computer computes the features of one region after the other and keeps its
// scratch memory. It must not be used by two goroutines at a time.
type Computer struct {
	cfg Config
}

// NewComputer returns a computer of the features of cfg.
func NewComputer(cfg Config) (*Computer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Computer{cfg: cfg}, nil
}

// Compute appends the features of r to dst, in the order of [Config.Columns].
func (c *Computer) Compute(ctx context.Context, dst []Value, r *Region) ([]Value, error) {
	return nil, errors.New("texture: the matrices are being written")
}
