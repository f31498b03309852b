// Package version names the program and its build.
package version

import "runtime/debug"

// Program and Version stand in every result. Version changes with every
// release whose numbers may differ: results of two versions are not compared.
const (
	Program = "plaquerisk"
	Version = "0.1.0"
)

// Commit returns the revision that the build tool recorded, or "unknown".
func Commit() string {
	commit, dirty := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				commit = s.Value
			case "vcs.modified":
				if s.Value == "true" {
					dirty = "+changes"
				}
			}
		}
	}
	return commit + dirty
}
