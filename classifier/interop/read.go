package interop

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// MaxFile is the size in bytes above which a model file is refused.
const MaxFile = 1 << 30

// readAll reads r up to MaxFile.
func readAll(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxFile {
		return nil, fmt.Errorf("file is larger than %d bytes", MaxFile)
	}
	return raw, nil
}

// object is an object of JSON or UBJ.
type object = map[string]any

// member returns the object at a path of keys, and an error that names the
// first key that is absent or no object.
func member(o object, path ...string) (object, error) {
	for i, key := range path {
		next, ok := o[key].(object)
		if !ok {
			return nil, fmt.Errorf("%s is not an object", strings.Join(path[:i+1], "."))
		}
		o = next
	}
	return o, nil
}

// text returns a member that is a string.
func text(o object, key string) (string, error) {
	s, ok := o[key].(string)
	if !ok {
		return "", fmt.Errorf("%s is not a string", key)
	}
	return s, nil
}

// count returns a member that is a whole number of [0, most], as a string or
// as a number.
func count(o object, key string, most int) (int, error) {
	switch v := o[key].(type) {
	case string:
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > most {
			return 0, fmt.Errorf("%s is %q, want a whole number up to %d", key, v, most)
		}
		return n, nil
	case float64:
		if v < 0 || v > float64(most) || v != math.Trunc(v) {
			return 0, fmt.Errorf("%s is %g, want a whole number up to %d", key, v, most)
		}
		return int(v), nil
	}
	return 0, fmt.Errorf("%s is not a number", key)
}

// numbers returns a member that is an array of numbers. True and false count
// as 1 and 0. An absent member is nil.
func numbers(o object, key string) ([]float64, error) {
	switch v := o[key].(type) {
	case nil:
		return nil, nil
	case []float64:
		return v, nil
	case []any:
		x := make([]float64, len(v))
		for i, e := range v {
			switch e := e.(type) {
			case float64:
				x[i] = e
			case bool:
				if e {
					x[i] = 1
				}
			default:
				return nil, fmt.Errorf("%s[%d] is not a number", key, i)
			}
		}
		return x, nil
	}
	return nil, fmt.Errorf("%s is not an array", key)
}

// whole returns a member that is an array of n whole numbers of [low, high].
func whole(o object, key string, n int, low, high float64) ([]int32, error) {
	x, err := sized(o, key, n)
	if err != nil {
		return nil, err
	}
	out := make([]int32, len(x))
	for i, v := range x {
		if !(v >= low && v <= high) || v != math.Trunc(v) {
			return nil, fmt.Errorf("%s[%d] is %g, want a whole number from %g to %g", key, i, v, low, high)
		}
		out[i] = int32(v)
	}
	return out, nil
}

// sized returns a member that is an array of n numbers; n −1 allows any.
func sized(o object, key string, n int) ([]float64, error) {
	x, err := numbers(o, key)
	if err != nil {
		return nil, err
	}
	if n >= 0 && len(x) != n {
		return nil, fmt.Errorf("%s has %d elements, want %d", key, len(x), n)
	}
	return x, nil
}

// strings returns a member that is an array of strings, nil if it is absent.
func texts(o object, key string) ([]string, error) {
	v, ok := o[key]
	if !ok {
		return nil, nil
	}
	var list []string
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("%s[%d] is not a string", key, i)
			}
			list = append(list, s)
		}
		return list, nil
	case []float64:
		if len(v) == 0 {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("%s is not an array of strings", key)
}
