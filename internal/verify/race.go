//go:build race

package verify

// Race tells that the race detector is on, under which code allocates more and
// runs slower.
const Race = true
