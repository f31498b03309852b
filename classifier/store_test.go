package classifier

import (
	"bytes"
	"strings"
	"testing"
)

// A file that is not exactly what was saved must be refused, and the error must
// say what is wrong.
func TestLoadRefuses(t *testing.T) {
	m := train(t, cohort(t, 30, 5, 2, 11), fast())
	good := string(saved(t, m))
	if strings.Count(good, "\n\"columns\": [") != 1 || !strings.HasSuffix(good, "\"\n}\n") {
		t.Fatal("the file does not look as the test expects")
	}
	replace := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the file has no %q", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	for _, test := range []struct{ name, file, want string }{
		{"empty", "", "read model"},
		{"cut off", good[:len(good)/2], "read model"},
		{"other format", replace(Format, "other"), "format is"},
		{"later version", replace(`"version": 1`, `"version": 2`), "version 2, this program reads version 1"},
		{"unknown key", replace(`"prior_log_odds"`, `"colour": 1, "prior_log_odds"`), "unknown field"},
		{"trailing text", good + "{}", "read model"},
		{"changed number", replace(`"patients": 30`, `"patients": 31`), "it was changed after it was saved"},
		{"changed unit", replace(`"unit":"HU"`, `"unit":"mm"`), "it was changed after it was saved"},
		{"bad settings", replace(`"max_depth": 2`, `"max_depth": 0`), "boosting.max_depth is 0"},
		{"no bags", good[:strings.Index(good, "\n\"bags\"")] + `"bags": [], "sha256": ""}`, "0 bags"},
		{"two columns of one name", replace("feature_001", "feature_000"), "stands twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(strings.NewReader(test.file))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	// White space is no part of the content.
	if _, err := Load(strings.NewReader(strings.ReplaceAll(good, "\n", "\r\n "))); err != nil {
		t.Errorf("reformatted: %v", err)
	}
}

// A list of nodes that is not one tree must be refused.
func TestTreeRefuses(t *testing.T) {
	leaf := func(n int) *fileTree {
		f := &fileTree{}
		for range n {
			f.Feature = append(f.Feature, -1)
			f.Threshold = append(f.Threshold, 0)
			f.Left, f.Right = append(f.Left, -1), append(f.Right, -1)
			f.MissingLeft = append(f.MissingLeft, 0)
			f.Value, f.Cover, f.Gain = append(f.Value, 1), append(f.Cover, 1), append(f.Gain, 0)
		}
		return f
	}
	split := func(f *fileTree, n, left, right int32) *fileTree {
		f.Feature[n], f.Left[n], f.Right[n] = 0, left, right
		return f
	}
	if _, err := split(leaf(3), 0, 1, 2).tree(1); err != nil {
		t.Fatalf("good tree: %v", err)
	}
	for _, test := range []struct {
		want string
		tree *fileTree
	}{
		{"0 nodes", leaf(0)},
		{"no parent", leaf(2)},
		{"child 0, want", split(leaf(3), 0, 0, 2)},
		{"child 3, want", split(leaf(3), 0, 1, 3)},
		{"two parents", split(leaf(3), 0, 1, 1)},
		{"column 7, want 0 to 0", func() *fileTree { f := split(leaf(3), 0, 1, 2); f.Feature[0] = 7; return f }()},
		{"leaf with children", func() *fileTree { f := leaf(1); f.Left[0] = 1; return f }()},
		{"cover is 0", func() *fileTree { f := leaf(1); f.Cover[0] = 0; return f }()},
		{"lists of", func() *fileTree { f := leaf(1); f.Gain = nil; return f }()},
		{"missing_left is 2", func() *fileTree { f := leaf(1); f.MissingLeft[0] = 2; return f }()},
		{"deeper", func() *fileTree {
			f := leaf(2*maxDepth + 3)
			for n := int32(0); n < 2*maxDepth+2; n += 2 {
				split(f, n, n+1, n+2)
			}
			return f
		}()},
	} {
		if _, err := test.tree.tree(1); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

// Whatever is read as a model must be saved, read again and answer without
// panic.
func FuzzLoad(f *testing.F) {
	cfg := fast()
	cfg.Boosting.Bags, cfg.Boosting.Rounds = 1, 2
	m := train(f, cohort(f, 20, 3, 2, 12), cfg)
	good := saved(f, m)
	f.Add(good)
	f.Add(good[:len(good)-20])
	f.Add([]byte(`{"format":"plaquerisk.model","version":1,"bags":[[{"feature":[-1]}]]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var file file
		if err := decode(raw, &file); err != nil {
			return
		}
		m, err := file.model() // without the hash, which no mutation survives
		if err != nil {
			return
		}
		x := make([]float64, m.Schema.Len())
		m.predict(x)
		again := saved(t, m)
		if read, err := Load(bytes.NewReader(again)); err != nil || !bytes.Equal(saved(t, read), again) {
			t.Fatalf("a model that was saved is not read as it was: %v", err)
		}
	})
}
