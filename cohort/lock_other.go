//go:build !unix

package cohort

// lock does nothing where the system has no advisory locks that die with their
// process.
func lock(string) (release func(), err error) { return func() {}, nil }
