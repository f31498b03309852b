// Package validate lets tests ask other programs about objects that were
// written: dciodvfy (dicom3tools) whether they keep the rules of their class,
// and Python libraries what they read in them.
package validate

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/object"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// IOD returns the errors that dciodvfy finds in a file. It skips the test where
// dicom3tools is not installed.
func IOD(t testing.TB, path string) []string {
	t.Helper()
	program, err := exec.LookPath("dciodvfy")
	if err != nil {
		t.Skip("dciodvfy is not installed (Debian package dicom3tools)")
	}
	out, err := exec.Command(program, path).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Error") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// Python runs a script with the interpreter that PLAQUERISK_PYTHON names and
// decodes the JSON that it prints. It skips the test without that variable, or if
// the script exits with status 77 because a library is missing.
func Python(t testing.TB, into any, script string, args ...string) {
	t.Helper()
	python := os.Getenv("PLAQUERISK_PYTHON")
	if python == "" {
		t.Skip("PLAQUERISK_PYTHON names no Python with pydicom and highdicom")
	}
	cmd := exec.Command(python, append([]string{script}, args...)...)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 77 {
		t.Skip(strings.TrimSpace(messages.String()))
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(script), err, messages.String())
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(script), err, out.String())
	}
}

// Grid is a small CT lattice whose rows, columns and slices all differ; tilt
// shears its slices, in radians.
func Grid(tilt float64) imaging.Grid {
	sin, cos := math.Sincos(tilt)
	return imaging.Grid{Size: [3]int{44, 36, 20}, Spacing: [3]float64{0.4, 0.5, 0.6 / cos}, Origin: r3.Vec{X: -8.5, Y: 21.25, Z: -130},
		Axes: [3]r3.Vec{{X: 1}, {Y: 1}, {Y: sin, Z: cos}}}
}

// Source writes a CT series on g into dir and returns it as the source of
// objects.
func Source(t testing.TB, dir string, g imaging.Grid) *object.Source {
	t.Helper()
	vol := imaging.NewVolume(g)
	for n := range vol.Values {
		vol.Values[n] = float32(n % 500)
	}
	ctx := context.Background()
	if err := dicom.Write(ctx, dir, vol, dicom.DefaultMeta()); err != nil {
		t.Fatal(err)
	}
	index, err := dicom.Scan(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(index.Series) != 1 {
		t.Fatalf("%d series, want 1", len(index.Series))
	}
	src, err := object.ReadSource(ctx, &index.Series[0])
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// Store writes an object into a file of its own and returns its path.
func Store(t testing.TB, write func(w io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "object.dcm")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Damage returns a copy of a file in which bits are turned, digits exchanged,
// numbers made large or pieces cut out.
func Damage(r *rand.Rand, file []byte) []byte {
	b := bytes.Clone(file)
	for range 1 + r.IntN(4) {
		at := 132 + r.IntN(len(b)-140)
		switch r.IntN(5) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1, 2: // much of an object is numbers as text
			b[at] = "0123456789.-e\\"[r.IntN(14)]
		case 3:
			binary.LittleEndian.PutUint32(b[at:], []uint32{0, 1, 0xffff, 0x7fffffff, 0xffffffff}[r.IntN(5)])
		default:
			if len(b) > 200 {
				b = append(b[:at:at], b[min(at+r.IntN(40), len(b)):]...)
			}
		}
		if len(b) < 150 {
			return b
		}
	}
	return b
}

// Ellipsoid returns the voxels of g whose centres lie within an ellipsoid around
// the continuous index c, with half axes r in voxels.
func Ellipsoid(g imaging.Grid, c, r [3]float64) *imaging.Mask {
	m := imaging.NewMask(g)
	for n := range m.In {
		i, j, k := g.Coords(n)
		sum := 0.0
		for a, x := range [3]int{i, j, k} {
			d := (float64(x) - c[a]) / r[a]
			sum += d * d
		}
		m.In[n] = sum < 1
	}
	return m
}

// Tool runs a program of dcmqi that lies beside the interpreter that
// PLAQUERISK_PYTHON names. It skips the test where there is none.
func Tool(t testing.TB, name string, args ...string) {
	t.Helper()
	python := os.Getenv("PLAQUERISK_PYTHON")
	program := filepath.Join(filepath.Dir(python), name)
	if _, err := os.Stat(program); python == "" || err != nil {
		t.Skipf("no %s of dcmqi beside PLAQUERISK_PYTHON", name)
	}
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Tables returns what in a file breaks the tables of the standard that highdicom
// carries: see testdata/iod.py.
func Tables(t testing.TB, path string) (found []string) {
	t.Helper()
	Python(t, &found, filepath.Join("..", "internal", "validate", "testdata", "iod.py"), path)
	return found
}
