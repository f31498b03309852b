package segmentation

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/coronary"
)

// SeedPath are points of one artery from the ostium on.
type SeedPath struct {
	Artery coronary.Artery // empty if the file does not say
	Points []r3.Vec        // LPS mm
}

// Bounds of a file of seeds or centre-lines.
const (
	maxSeedFile  = 16 << 20 // bytes
	maxSeeds     = 100_000  // points
	farthestSeed = 10_000.0 // from the origin of the patient, mm
)

// ReadSeeds reads points from a file: a table of comma-separated values with the
// columns x_mm, y_mm, z_mm (LPS) and, for more than one artery, artery; or
// markups of 3D Slicer (.mrk.json), a list of points or a curve per artery. An
// artery that no column or label names is taken from the name of the file.
func ReadSeeds(path string) ([]SeedPath, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSeedFile+1))
	if err != nil {
		return nil, err
	}
	paths, err := ParseSeeds(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(paths) == 1 && paths[0].Artery == "" {
		paths[0].Artery = arteryIn(filepath.Base(path))
	}
	return paths, nil
}

// ParseSeeds reads the text of such a file.
func ParseSeeds(text []byte) ([]SeedPath, error) {
	if len(text) > maxSeedFile {
		return nil, fmt.Errorf("more than %d bytes: these are no seeds", maxSeedFile)
	}
	var b seedBuilder
	parse := b.table
	if t := bytes.TrimSpace(text); len(t) > 0 && t[0] == '{' {
		parse = b.markups
	}
	if err := parse(text); err != nil {
		return nil, err
	}
	if len(b.paths) == 0 {
		return nil, errors.New("no point: an artery needs at least its ostium and a distal point")
	}
	for _, p := range b.paths {
		if len(p.Points) < 2 {
			return nil, fmt.Errorf("%s has one point, at %s: an artery needs at least its ostium and a distal point", where(p.Artery), place(p.Points[0]))
		}
	}
	return b.paths, nil
}

// seedBuilder gathers points by artery, in the order of the file.
type seedBuilder struct {
	paths []SeedPath
	count int
}

func (b *seedBuilder) add(a coronary.Artery, p r3.Vec) error {
	if b.count++; b.count > maxSeeds {
		return fmt.Errorf("more than %d points", maxSeeds)
	}
	for _, x := range []float64{p.X, p.Y, p.Z} {
		if !(math.Abs(x) <= farthestSeed) {
			return fmt.Errorf("%s is no place in a patient, in mm", place(p))
		}
	}
	for n := range b.paths {
		if b.paths[n].Artery == a {
			b.paths[n].Points = append(b.paths[n].Points, p)
			return nil
		}
	}
	b.paths = append(b.paths, SeedPath{Artery: a, Points: []r3.Vec{p}})
	return nil
}

// table reads comma-separated values; # starts a comment.
func (b *seedBuilder) table(text []byte) error {
	r := csv.NewReader(bufio.NewReader(bytes.NewReader(text)))
	r.Comment, r.TrimLeadingSpace, r.FieldsPerRecord = '#', true, 0
	head, err := r.Read()
	if err == io.EOF {
		return errors.New("the file is empty")
	}
	if err != nil {
		return err
	}
	column := map[string]int{"artery": -1, "x_mm": -1, "y_mm": -1, "z_mm": -1}
	for n, h := range head {
		h = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")))
		if at, known := column[h]; known && at >= 0 {
			return fmt.Errorf("column %s stands twice", h)
		} else if known {
			column[h] = n
		}
	}
	for _, h := range []string{"x_mm", "y_mm", "z_mm"} {
		if column[h] < 0 {
			return fmt.Errorf("column %s is missing: want x_mm, y_mm, z_mm (LPS) and, for more than one artery, artery", h)
		}
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		var x [3]float64
		for a, h := range []string{"x_mm", "y_mm", "z_mm"} {
			if x[a], err = strconv.ParseFloat(strings.TrimSpace(row[column[h]]), 64); err != nil {
				return fmt.Errorf("line %d: %s: %q is no number", line, h, row[column[h]])
			}
		}
		var artery coronary.Artery
		if n := column["artery"]; n >= 0 {
			var ok bool
			if artery, ok = coronary.ParseArtery(row[n]); !ok {
				return fmt.Errorf("line %d: unknown artery %q%s", line, row[n], hint(row[n], coronary.Arteries()))
			}
		}
		if err := b.add(artery, r3.Vec{X: x[0], Y: x[1], Z: x[2]}); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// markups reads a .mrk.json of 3D Slicer.
func (b *seedBuilder) markups(text []byte) error {
	var file struct {
		Markups []struct {
			Name             string
			CoordinateSystem json.RawMessage
			CoordinateUnits  json.RawMessage
			ControlPoints    []struct {
				Label          string
				Position       []float64
				PositionStatus string
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("not readable as markups of 3D Slicer: %w", err)
	}
	for n, m := range file.Markups {
		flip := 1.0
		switch system := strings.Trim(string(m.CoordinateSystem), `"`); system {
		case "LPS", "1", "":
		case "RAS", "0":
			flip = -1
		default:
			return fmt.Errorf("markups %d: coordinate system %s: want LPS or RAS", n+1, system)
		}
		if u := strings.Trim(string(m.CoordinateUnits), `"`); u != "" && u != "mm" {
			return fmt.Errorf("markups %d: coordinates in %s: want mm", n+1, u)
		}
		for i, p := range m.ControlPoints {
			if p.PositionStatus != "" && p.PositionStatus != "defined" {
				continue
			}
			if len(p.Position) != 3 {
				return fmt.Errorf("markups %d, point %d: a position has three numbers, this one %d", n+1, i+1, len(p.Position))
			}
			artery := arteryIn(m.Name)
			if a := arteryIn(p.Label); a != "" {
				artery = a
			}
			if err := b.add(artery, r3.Vec{X: flip * p.Position[0], Y: flip * p.Position[1], Z: p.Position[2]}); err != nil {
				return fmt.Errorf("markups %d, point %d: %w", n+1, i+1, err)
			}
		}
	}
	return nil
}

// arteryIn returns the artery that a label such as "LAD-1" or "left main" names.
func arteryIn(name string) coronary.Artery {
	if a, ok := coronary.ParseArtery(name); ok {
		return a
	}
	var found coronary.Artery
	for _, w := range strings.Fields(phrases.Replace(" " + strings.Join(words(name), " ") + " ")) {
		if a, ok := arteryWords[w]; ok {
			if found != "" && found != a {
				return ""
			}
			found = a
		}
	}
	return found
}
