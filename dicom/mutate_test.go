package dicom

import (
	"bytes"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// Public files with a few bytes changed never make the reader panic, nor
// allocate more than a small multiple of the file.
func TestMutatedFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of damaged files")
	}
	root := verify.Shared(t, "data", "dicom")
	rng := rand.New(rand.NewPCG(7, 1))
	var most uint64
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".dcm" {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil || len(b) > 120<<10 {
			return err
		}
		for range 20 {
			c := bytes.Clone(b)
			for range 1 + rng.IntN(8) {
				c[rng.IntN(min(len(c), 3000))] = byte(rng.Uint32())
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = readImages(&source{label: "m", entry: func() (io.ReaderAt, int64, error) { return bytes.NewReader(c), int64(len(c)), nil }})
			runtime.ReadMemStats(&after)
			most = max(most, after.TotalAlloc-before.TotalAlloc)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if most > 64<<20 {
		t.Errorf("one header allocated %d bytes", most)
	}
	t.Logf("largest allocation for one header: %d kB", most>>10)
}
