package archive

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Level is what a query finds.
type Level int

// The levels of the study root information model (PS3.4 C.6.2).
const (
	Study Level = iota
	Series
	Instance
)

var levels = []string{"study", "series", "instance"}

// String returns the level as commands name it.
func (l Level) String() string { return levels[l] }

// ParseLevel is the inverse of String.
func ParseLevel(s string) (Level, error) {
	for l, name := range levels {
		if s == name {
			return Level(l), nil
		}
	}
	return 0, fmt.Errorf("level %q: want one of %s", s, strings.Join(levels, ", "))
}

// Attributes that name objects.
const (
	TagSyntax      part10.Tag = 0x00020010
	TagCharset     part10.Tag = 0x00080005
	TagSOPClass    part10.Tag = 0x00080016
	TagSOPInstance part10.Tag = 0x00080018
	TagModality    part10.Tag = 0x00080060
	TagStudy       part10.Tag = 0x0020000d
	TagSeries      part10.Tag = 0x0020000e
)

// uidOf is the attribute that tells the matches of a level apart.
func (l Level) uidOf() part10.Tag { return []part10.Tag{TagStudy, TagSeries, TagSOPInstance}[l] }

// Usual are attributes worth showing at a level, none of which identifies the
// patient.
func (l Level) Usual() []part10.Tag {
	switch l {
	case Study:
		return []part10.Tag{0x00080020, 0x00080061, 0x00081030, TagStudy, 0x00201206, 0x00201208}
	case Series:
		return []part10.Tag{TagModality, 0x0008103e, TagStudy, TagSeries, 0x00200011, 0x00201209}
	}
	return []part10.Tag{TagSOPClass, TagSOPInstance, TagStudy, TagSeries, 0x00200013}
}

// Key is an attribute of a query. Without a value it is only returned; with
// one, matches have it: a UID or several separated by backslashes, text with
// the wildcards * and ?, or a range of dates as in 20250101-20251231.
type Key struct {
	Tag   part10.Tag
	Value string
}

// ParseKey reads KEYWORD=VALUE or GGGGEEEE=VALUE.
func ParseKey(s string) (Key, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return Key{}, fmt.Errorf("%q: want ATTRIBUTE=VALUE", s)
	}
	t, err := ParseTag(name)
	return Key{t, value}, err
}

// ParseTag reads the keyword of an attribute, or eight hexadecimal digits.
func ParseTag(s string) (part10.Tag, error) {
	if info, err := tag.FindByKeyword(s); err == nil {
		return part10.Tag(info.Tag.Group)<<16 | part10.Tag(info.Tag.Element), nil
	}
	if n, err := strconv.ParseUint(s, 16, 32); err == nil && len(s) == 8 {
		return part10.Tag(n), nil
	}
	return 0, fmt.Errorf("attribute %q: want a keyword of the DICOM dictionary such as PatientID, or eight hexadecimal digits", s)
}

// Query asks an archive for studies, series or instances.
type Query struct {
	Level Level
	Keys  []Key
}

// Of returns the query for what belongs to a study, a series (if not empty)
// and an instance (if not empty), at the given level.
func Of(level Level, study, series, instance string) Query {
	q := Query{Level: level}
	for _, k := range []Key{{TagStudy, study}, {TagSeries, series}, {TagSOPInstance, instance}} {
		if k.Value != "" {
			q.Keys = append(q.Keys, k)
		}
	}
	return q
}

// Value returns the value of a key, "" if there is none.
func (q Query) Value(t part10.Tag) string {
	for _, k := range q.Keys {
		if k.Tag == t {
			return k.Value
		}
	}
	return ""
}

// Validate reports what keeps the query from being asked.
func (q Query) Validate() error {
	var errs []error
	seen := map[part10.Tag]bool{}
	for _, k := range q.Keys {
		if seen[k.Tag] {
			errs = append(errs, fmt.Errorf("%v %s stands twice", k.Tag, k.Tag.Keyword()))
		}
		seen[k.Tag] = true
		if k.Tag>>16 < 8 || k.Tag == TagCharset {
			errs = append(errs, fmt.Errorf("%v cannot be asked for", k.Tag))
		}
		if strings.ContainsFunc(k.Value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			errs = append(errs, fmt.Errorf("%v: control characters", k.Tag))
		}
	}
	for _, t := range []part10.Tag{TagStudy, TagSeries, TagSOPInstance} {
		for _, uid := range strings.Split(q.Value(t), `\`) {
			if uid != "" && !IsUID(uid) {
				errs = append(errs, fmt.Errorf("%s %q is no UID: digits and dots, at most 64", t.Keyword(), uid))
			}
		}
	}
	// The models are hierarchical: whoever asks below a level names it.
	if q.Level >= Series && q.Value(TagStudy) == "" {
		errs = append(errs, fmt.Errorf("at the %v level StudyInstanceUID must be given", q.Level))
	}
	if q.Level >= Instance && q.Value(TagSeries) == "" {
		errs = append(errs, fmt.Errorf("at the %v level SeriesInstanceUID must be given", q.Level))
	}
	return errors.Join(errs...)
}

// IsUID tells whether s can be a unique identifier (PS3.5 chapter 9), and so
// the name of a file. Leading zeros of components are let pass, as archives
// hold them.
func IsUID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "0123456789.") == "" &&
		!strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".") && !strings.Contains(s, "..")
}
