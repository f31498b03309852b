package sparse

import (
	"errors"
	"fmt"
)

// ErrNotFinite is matched by the error of a right-hand side, a matrix or an
// iterate that holds an infinity or is not a number.
var ErrNotFinite = errors.New("not finite")

// ErrNotDefinite is matched by a [DefiniteError].
var ErrNotDefinite = errors.New("not positive definite")

// ErrSingular is matched by a [PivotError].
var ErrSingular = errors.New("singular")

// DefiniteError says where a method that needs a positive definite matrix found
// that it is not.
type DefiniteError struct {
	Method    string
	Iteration int
	Quantity  string  // "rᵀM⁻¹r", "pᵀAp"
	Value     float64 // should be positive
}

func (e *DefiniteError) Error() string {
	what := "matrix"
	if e.Quantity == "rᵀM⁻¹r" {
		what = "preconditioner"
	}
	return fmt.Sprintf("%s: iteration %d: the %s is not positive definite (%s = %g)", e.Method, e.Iteration, what, e.Quantity, e.Value)
}

// Is tells that e is an [ErrNotDefinite], and an [ErrNotFinite] if it is that.
func (e *DefiniteError) Is(target error) bool {
	return target == ErrNotDefinite || target == ErrNotFinite && !finite(e.Value)
}

// PivotError names the block row of a matrix that cannot be eliminated.
type PivotError struct {
	Node  int     // block row
	Row   int     // scalar row in it, from 0
	Pivot float64 // what was left of its diagonal
}

func (e *PivotError) Error() string {
	return fmt.Sprintf("the matrix is singular: pivot %g at node %d, component %d; is the body held?", e.Pivot, e.Node, e.Row)
}

// Is tells that e is an [ErrSingular].
func (e *PivotError) Is(target error) bool { return target == ErrSingular }

// finite tells whether v is a number, and no infinity.
func finite(v float64) bool { return v-v == 0 }
