package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
)

// anySyntax asks for objects as they are stored.
const anySyntax = `multipart/related; type="application/dicom"; transfer-syntax=*`

// Fetch retrieves objects of a series (WADO-RS): in one request all of them, or
// one after the other those that are named.
func (c *Client) Fetch(ctx context.Context, series archive.Name, instances []string, put archive.Put) error {
	if err := archive.Of(archive.Instance, series.Study, series.Series, "").Validate(); err != nil {
		return err
	}
	path := "/studies/" + series.Study + "/series/" + series.Series
	if len(instances) == 0 {
		return c.objects(ctx, path, archive.Name{}, put)
	}
	var errs []error
	for _, uid := range instances {
		if !archive.IsUID(uid) {
			return fmt.Errorf("instance %q is no UID", uid)
		}
		err := c.objects(ctx, path+"/instances/"+uid, archive.Name{Instance: uid}, put)
		var status *StatusError
		if err != nil && (!errors.As(err, &status) || !status.aboutContent()) {
			return err
		}
		errs = append(errs, err) // the others may come
	}
	return errors.Join(errs...)
}

// objects hands the objects at a path to put.
func (c *Client) objects(ctx context.Context, path string, name archive.Name, put archive.Put) error {
	answer, err := c.do(ctx, request{method: "GET", path: path, accept: anySyntax}, http.StatusOK)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return c.parts(ctx, answer, "application/dicom", func(r io.Reader) error { return put(r, name) })
}

// Frames hands frames of an instance, counted from 1, to put as they are
// stored: native, or in their compression.
func (c *Client) Frames(ctx context.Context, name archive.Name, frames []int, put func(frame int, r io.Reader) error) error {
	if err := archive.Of(archive.Instance, name.Study, name.Series, name.Instance).Validate(); err != nil {
		return err
	}
	list := make([]string, len(frames))
	for n, f := range frames {
		if f < 1 {
			return fmt.Errorf("frame %d: they are counted from 1", f)
		}
		list[n] = strconv.Itoa(f)
	}
	path := "/studies/" + name.Study + "/series/" + name.Series + "/instances/" + name.Instance + "/frames/" + strings.Join(list, ",")
	answer, err := c.do(ctx, request{method: "GET", path: path, accept: `multipart/related; type="application/octet-stream"; transfer-syntax=*`}, http.StatusOK)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	n := 0
	err = c.parts(ctx, answer, "", func(r io.Reader) error {
		if n == len(frames) {
			return fmt.Errorf("GET %s: more parts than frames: %w", path, archive.ErrWrong)
		}
		n++
		return put(frames[n-1], r)
	})
	if err == nil && n < len(frames) {
		err = fmt.Errorf("GET %s: %d of %d frames: %w", path, n, len(frames), archive.ErrWrong)
	}
	return err
}

// parts hands the parts of an answer to put: each must be read to its end, or
// is skipped. want, if not empty, is what each must be.
func (c *Client) parts(ctx context.Context, answer *http.Response, want string, put func(io.Reader) error) error {
	name := answer.Request.Method + " " + answer.Request.URL.Path
	kind, params, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("%s: the kind of the answer cannot be read: %w", name, archive.ErrWrong)
	}
	body := &archive.Watched{Reader: answer.Body}
	// failed tells a lost connection from what put says.
	failed := func(err error) error {
		switch {
		case body.Err != nil:
			return c.lost(ctx, name, body.Err)
		case err == io.ErrUnexpectedEOF:
			return archive.Temporary(fmt.Errorf("%s: the answer is cut: %w", name, err), 0)
		}
		return err
	}
	switch {
	case kind == want: // a single one may come as it is
		return failed(put(body))
	case !strings.HasPrefix(kind, "multipart/") || params["boundary"] == "":
		return fmt.Errorf("%s: the answer is %.60q instead of multipart/related: %w", name, kind, archive.ErrWrong)
	}
	m := multipart.NewReader(body, params["boundary"])
	for {
		p, err := m.NextRawPart()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && body.Err == nil:
			// What ends before the last boundary, or is none.
			return archive.Temporary(fmt.Errorf("%s: the answer is cut or no multipart/related: %w", name, archive.ErrWrong), 0)
		case err != nil:
			return failed(err)
		}
		if got, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type")); want != "" && got != want {
			return fmt.Errorf("%s: a part is %.60q instead of %s: %w", name, got, want, archive.ErrWrong)
		}
		part := &counted{Reader: p}
		if err := put(part); err != nil {
			return failed(err)
		}
		if _, err := io.Copy(io.Discard, part); err != nil {
			return failed(err)
		}
		if length := p.Header.Get("Content-Length"); length != "" && length != strconv.FormatInt(part.n, 10) {
			return fmt.Errorf("%s: a part of %d bytes says that it has %.20q: %w", name, part.n, length, archive.ErrWrong)
		}
	}
}

// counted counts what is read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}
