package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// page is how many matches are asked for at a time.
const page = 1000

const asJSON = "application/dicom+json"

// Echo asks for one study at most.
func (c *Client) Echo(ctx context.Context) error {
	answer, err := c.do(ctx, request{method: "GET", path: "/studies", query: url.Values{"limit": {"1"}}, accept: asJSON}, http.StatusOK, http.StatusNoContent)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return c.each(ctx, answer, func(archive.Result) error { return nil })
}

// Find queries (QIDO-RS), page by page.
func (c *Client) Find(ctx context.Context, q archive.Query, yield func(archive.Result) error) error {
	if err := q.Validate(); err != nil {
		return err
	}
	path := "/studies"
	if q.Level >= archive.Series {
		path += "/" + q.Value(archive.TagStudy) + "/series"
	}
	if q.Level >= archive.Instance {
		path += "/" + q.Value(archive.TagSeries) + "/instances"
	}
	values := url.Values{"limit": {strconv.Itoa(page)}}
	for _, k := range q.Keys {
		name := fmt.Sprintf("%08X", uint32(k.Tag))
		inPath := k.Tag == archive.TagStudy && q.Level >= archive.Series || k.Tag == archive.TagSeries && q.Level >= archive.Instance
		switch {
		case inPath:
		case k.Value == "":
			values.Add("includefield", name)
		default:
			values.Set(name, strings.ReplaceAll(k.Value, `\`, ","))
		}
	}
	first := "" // of the page before
	for offset := 0; ; {
		if offset > 0 {
			values.Set("offset", strconv.Itoa(offset))
		}
		answer, err := c.do(ctx, request{method: "GET", path: path, query: values, accept: asJSON}, http.StatusOK, http.StatusNoContent)
		if err != nil {
			return err
		}
		n := 0
		err = c.each(ctx, answer, func(r archive.Result) error {
			if n++; n == 1 {
				uid := r.Get(archive.TagStudy) + " " + r.Get(archive.TagSeries) + " " + r.Get(archive.TagSOPInstance)
				if offset > 0 && uid == first {
					return fmt.Errorf("QIDO-RS: the archive gives the same page again: %w", archive.ErrWrong)
				}
				first = uid
			}
			return yield(r)
		})
		more := strings.HasPrefix(answer.Header.Get("Warning"), "299") // it may give less than was asked for
		answer.Body.Close()
		if err != nil {
			return err
		}
		if n == 0 || n < page && !more {
			return nil
		}
		offset += n
	}
}

// Metadata hands the attributes of every instance of a series to yield
// (WADO-RS), without sequences and bulk data.
func (c *Client) Metadata(ctx context.Context, study, series string, yield func(archive.Result) error) error {
	if err := archive.Of(archive.Instance, study, series, "").Validate(); err != nil {
		return err
	}
	answer, err := c.do(ctx, request{method: "GET", path: "/studies/" + study + "/series/" + series + "/metadata", accept: asJSON}, http.StatusOK)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return c.each(ctx, answer, yield)
}

// maxDataset is how long one data set in JSON may be, in bytes.
const maxDataset = 16 << 20

// each reads an array of data sets one by one.
func (c *Client) each(ctx context.Context, answer *http.Response, yield func(archive.Result) error) error {
	name := answer.Request.Method + " " + answer.Request.URL.Path
	body := &archive.Watched{Reader: answer.Body}
	limit := &io.LimitedReader{R: body, N: maxDataset}
	fail := func(err error) error {
		switch {
		case body.Err != nil:
			return c.lost(ctx, name, body.Err)
		case limit.N <= 0:
			return fmt.Errorf("%s: a data set of more than %d bytes: %w", name, maxDataset, archive.ErrLimit)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return archive.Temporary(fmt.Errorf("%s: the answer is cut: %w", name, io.ErrUnexpectedEOF), 0)
		}
		return fmt.Errorf("%s: the answer is no DICOM JSON: %w", name, archive.ErrWrong)
	}
	d := json.NewDecoder(limit)
	start, err := d.Token()
	if err == io.EOF && body.Err == nil && limit.N == maxDataset {
		return nil // nothing at all
	}
	if err != nil || start != json.Delim('[') {
		return fail(err)
	}
	for d.More() {
		limit.N = maxDataset
		var set map[string]attribute
		if err := d.Decode(&set); err != nil {
			return fail(err)
		}
		r, err := result(set)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fail(err)
	}
	return nil
}

// attribute is an attribute of the DICOM JSON model (PS3.18 annex F).
type attribute struct {
	VR    string            `json:"vr"`
	Value []json.RawMessage `json:"Value"`
}

// result returns the attributes of a data set that are text or numbers.
func result(set map[string]attribute) (archive.Result, error) {
	var r archive.Result
	for name, a := range set {
		n, err := strconv.ParseUint(name, 16, 32)
		if err != nil || len(name) != 8 {
			return nil, fmt.Errorf("attribute %.16q of DICOM JSON: %w", name, archive.ErrWrong)
		}
		t := part10.Tag(n)
		if a.VR == "SQ" || t == archive.TagCharset { // JSON is UTF-8, whatever that says
			continue
		}
		v := archive.Attribute{Tag: t}
		for _, raw := range a.Value {
			text, ok := textOf(a.VR, raw)
			if !ok {
				return nil, fmt.Errorf("value of %v: no %.2s of DICOM JSON: %w", t, a.VR, archive.ErrWrong)
			}
			v.Values = append(v.Values, text)
		}
		r = append(r, v)
	}
	r.Sort()
	return r, nil
}

// textOf returns a value as text. Numbers may come as strings, and the reverse.
func textOf(vr string, raw json.RawMessage) (string, bool) {
	var text string
	switch {
	case string(raw) == "null":
		return "", true
	case vr == "PN" && len(raw) > 0 && raw[0] == '{':
		var groups struct{ Alphabetic, Ideographic, Phonetic string }
		if json.Unmarshal(raw, &groups) != nil {
			return "", false
		}
		all := []string{groups.Alphabetic, groups.Ideographic, groups.Phonetic}
		for len(all) > 1 && all[len(all)-1] == "" {
			all = all[:len(all)-1]
		}
		return strings.Join(all, "="), true
	case len(raw) > 0 && raw[0] == '"':
		err := json.Unmarshal(raw, &text)
		return text, err == nil
	case len(raw) > 0 && slices.Contains([]byte("-0123456789"), raw[0]):
		return string(raw), true
	}
	return "", false
}
