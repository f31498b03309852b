// Package suggest finds the known word that somebody probably meant.
package suggest

import "strings"

// Nearest returns the known word closest to word by edit distance, if it is
// close enough to be a likely slip: at most a third of its letters differ. Ties
// go to the earlier word. Case is ignored.
func Nearest(word string, known []string) (string, bool) {
	best, at := len(word)/3+2, ""
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < best && d <= max(len(k), len(word))/3+1 {
			best, at = d, k
		}
	}
	return at, at != ""
}

// Hint returns `; did you mean "x"?` or nothing.
func Hint(word string, known []string) string {
	if k, ok := Nearest(word, known); ok {
		return `; did you mean "` + k + `"?`
	}
	return ""
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diag, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diag+cost)
		}
	}
	return row[len(b)]
}
