package index

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// record is what is kept of a file between the passes.
type record struct {
	series, path           string // path is relative, with slashes
	study, class, modality string
	bytes                  int64
	hash                   string // of the file, in hexadecimal digits
	damage                 string // why it cannot be used; series is empty then
}

func compare(a, b *record) int {
	return cmp.Or(strings.Compare(a.series, b.series), strings.Compare(a.path, b.path))
}

// encode returns the record as a line: a field without tab and line feed is
// as it is, the path and what is wrong are quoted.
func (r *record) encode() string {
	return strings.Join([]string{r.series, strconv.Quote(r.path), r.study, r.class, strconv.Quote(r.modality),
		strconv.FormatInt(r.bytes, 10), r.hash, strconv.Quote(r.damage)}, "\t") + "\n"
}

// decode is the inverse of encode.
func (r *record) decode(line string) error {
	f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	if len(f) != 8 {
		return errors.New("record of another shape")
	}
	var errs [4]error
	r.series, r.study, r.class, r.hash = f[0], f[2], f[3], f[6]
	r.path, errs[0] = strconv.Unquote(f[1])
	r.modality, errs[1] = strconv.Unquote(f[4])
	r.bytes, errs[2] = strconv.ParseInt(f[5], 10, 64)
	r.damage, errs[3] = strconv.Unquote(f[7])
	return errors.Join(errs[:]...)
}

// read makes the record of a file. Of what is not DICOM, or lists only its
// folder, there is none.
func read(dir, path string, whole bool) *record {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		return damaged(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return damaged(path, err)
	}
	d, err := part10.Open(f, info.Size(), part10.DefaultLimits())
	switch {
	case err != nil && !archive.Marked(f): // text may look like an element
		return nil
	case err != nil:
		return damaged(path, err)
	}
	r := &record{path: path, bytes: info.Size()}
	text := func(t part10.Tag) string {
		v, err := d.Data.Strings(t)
		if err != nil || len(v) == 0 {
			return ""
		}
		return v[0]
	}
	if class, _ := d.Meta.Strings(0x00020002); len(class) == 1 && class[0] == mediaDirectory {
		return nil
	}
	r.series, r.study, r.class, r.modality = text(archive.TagSeries), text(archive.TagStudy), text(archive.TagSOPClass), text(archive.TagModality)
	switch {
	case archive.IsUID(r.series):
	case !archive.Marked(f):
		return nil
	default:
		return damaged(path, errors.New("SeriesInstanceUID (0020,000e) is absent or no UID"))
	}
	for _, uid := range []*string{&r.study, &r.class} {
		if !archive.IsUID(*uid) {
			*uid = ""
		}
	}
	if r.hash, err = hash(f, d, info.Size(), whole); err != nil {
		return damaged(path, err)
	}
	return r
}

// mediaDirectory is the class of DICOMDIR.
const mediaDirectory = "1.2.840.10008.1.3.10"

// damaged is the record of a file that cannot be used. The path is said
// already.
func damaged(path string, err error) *record {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &record{path: path, damage: err.Error()}
}

// hash returns the hash of a file: of all its bytes, or of its size and what
// stands before its pixels.
func hash(f *os.File, d *part10.File, size int64, whole bool) (string, error) {
	n := size
	if pixels, ok := d.Data.Lookup(part10.PixelData); ok && !whole && d.Syntax != part10.Deflated {
		_, n, _ = pixels.Section().Outer()
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d\n", size)
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, n)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
