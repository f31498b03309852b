package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
)

// Send stores objects (STOW-RS), study by study and in batches.
func (c *Client) Send(ctx context.Context, objects []*archive.Object, done func(*archive.Object, error)) error {
	for len(objects) > 0 {
		n, size := 0, int64(0)
		for n < len(objects) && objects[n].Study == objects[0].Study && (n == 0 || size+objects[n].Size <= c.cfg.Batch) {
			size += objects[n].Size
			n++
		}
		err := c.store(ctx, objects[:n], done)
		var status *StatusError
		if errors.As(err, &status) && status.aboutContent() {
			err = c.single(ctx, objects[:n], done)
		}
		if err != nil {
			return err
		}
		objects = objects[n:]
	}
	return nil
}

// single sends the objects of a batch that the archive could not deal with, to
// find the one at fault.
func (c *Client) single(ctx context.Context, objects []*archive.Object, done func(*archive.Object, error)) error {
	for n, o := range objects {
		err := c.store(ctx, objects[n:n+1], done)
		var status *StatusError
		switch {
		case err == nil:
		case !errors.As(err, &status) || !status.aboutContent():
			return err
		case archive.IsTemporary(err):
			return &archive.Broken{Object: o, Err: err}
		default:
			done(o, err)
		}
	}
	return nil
}

// store sends one batch.
func (c *Client) store(ctx context.Context, objects []*archive.Object, done func(*archive.Object, error)) error {
	names := make([]string, len(objects))
	for n, o := range objects {
		names[n] = o.Instance
	}
	boundary := fmt.Sprintf("plaquerisk-%x", sha256.Sum256([]byte(strings.Join(names, "\n"))))[:60]
	heads := make([]string, len(objects))
	end := "\r\n--" + boundary + "--\r\n"
	length := int64(len(end))
	for n, o := range objects {
		f, size, err := o.File()
		if err != nil {
			return fmt.Errorf("%s: %w", o.Path, err)
		}
		f.Close()
		// No parameter of the type: Orthanc 1.10 passes over parts that have one.
		heads[n] = fmt.Sprintf("\r\n--%s\r\nContent-Type: application/dicom\r\nContent-Length: %d\r\n\r\n", boundary, size)
		length += int64(len(heads[n])) + size
	}
	q := request{method: "POST", path: "/studies/" + objects[0].Study, accept: asJSON, contentLength: length,
		contentType: `multipart/related; type="application/dicom"; boundary=` + boundary,
		body:        func() (io.ReadCloser, error) { return &upload{heads: heads, objects: objects, end: end}, nil }}
	answer, err := c.do(ctx, q, http.StatusOK, http.StatusAccepted, http.StatusConflict)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	name := q.method + " " + answer.Request.URL.Path
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxDataset+1))
	if err != nil {
		return c.lost(ctx, name, err)
	}
	if len(body) > maxDataset {
		return fmt.Errorf("%s: an answer of more than %d bytes: %w", name, maxDataset, archive.ErrLimit)
	}
	stored, failed, err := stored(body)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, o := range objects {
		reason, refused := failed[o.Instance]
		switch {
		case stored[o.Instance]:
			done(o, nil)
		case refused:
			err := fmt.Errorf("%s: %s (reason %04xH)", name, failure(reason), reason)
			if reason&0xff00 == outOfResources {
				err = archive.Temporary(err, 0)
			}
			done(o, err)
		default:
			done(o, fmt.Errorf("%s: the archive does not say whether it stored the object (status %d)", name, answer.StatusCode))
		}
	}
	return nil
}

// upload reads the body of a batch, one file after the other.
type upload struct {
	heads   []string
	objects []*archive.Object
	end     string
	now     io.Reader
	file    io.Closer
}

func (u *upload) Read(b []byte) (int, error) {
	for {
		if u.now == nil {
			if err := u.next(); err != nil {
				return 0, err
			}
		}
		n, err := u.now.Read(b)
		if err == io.EOF {
			u.Close()
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next opens the next file.
func (u *upload) next() error {
	if len(u.objects) == 0 {
		if u.end == "" {
			return io.EOF
		}
		u.now, u.end = strings.NewReader(u.end), ""
		return nil
	}
	f, _, err := u.objects[0].File()
	if err != nil {
		return err
	}
	u.now, u.file = io.MultiReader(strings.NewReader(u.heads[0]), f), f
	u.heads, u.objects = u.heads[1:], u.objects[1:]
	return nil
}

// Close closes the file that is open.
func (u *upload) Close() error {
	u.now = nil
	if u.file == nil {
		return nil
	}
	err := u.file.Close()
	u.file = nil
	return err
}

// Attributes of the answer to a STOW-RS request (PS3.18 table I.1-1).
const (
	failedSequence   = "00081198"
	storedSequence   = "00081199"
	referencedObject = "00081155"
	failureReason    = "00081197"
)

// stored reads which instances were stored and which not, with the reason.
func stored(body []byte) (stored map[string]bool, failed map[string]int, err error) {
	stored, failed = map[string]bool{}, map[string]int{}
	if len(body) == 0 {
		return stored, failed, nil
	}
	var set map[string]attribute
	if err := json.Unmarshal(body, &set); err != nil {
		// Some wrap it in an array.
		var sets []map[string]attribute
		if json.Unmarshal(body, &sets) != nil || len(sets) != 1 {
			return nil, nil, fmt.Errorf("the answer is no DICOM JSON: %w", archive.ErrWrong)
		}
		set = sets[0]
	}
	for _, sequence := range []string{storedSequence, failedSequence} {
		for _, raw := range set[sequence].Value {
			var it map[string]attribute
			if err := json.Unmarshal(raw, &it); err != nil {
				return nil, nil, fmt.Errorf("item of %s: %w", sequence, archive.ErrWrong)
			}
			uid, ok := first(it, referencedObject)
			switch {
			case !ok:
				return nil, nil, errors.Join(fmt.Errorf("item of %s without instance", sequence), archive.ErrWrong)
			case sequence == storedSequence:
				stored[uid] = true
			default:
				reason, _ := first(it, failureReason)
				var n int
				fmt.Sscan(reason, &n) // 0: it does not say
				failed[uid] = n
			}
		}
	}
	return stored, failed, nil
}

func first(set map[string]attribute, tag string) (string, bool) {
	if a := set[tag]; len(a.Value) > 0 {
		return textOf(a.VR, a.Value[0])
	}
	return "", false
}

const outOfResources = 0xa700

// failure is the meaning of a reason (PS3.18 table I.2-2).
func failure(reason int) string {
	switch {
	case reason == 0x0110:
		return "processing failure"
	case reason == 0x0111:
		return "the instance is there already"
	case reason == 0x0122:
		return "class not supported"
	case reason == 0x0124:
		return "not authorized"
	case reason&0xff00 == outOfResources:
		return "out of resources"
	case reason&0xff00 == 0xa900:
		return "data set does not match its class"
	case reason == 0xc122:
		return "transfer syntax not supported"
	case reason&0xf000 == 0xc000:
		return "cannot be understood"
	case reason == 0:
		return "the archive gives no reason"
	}
	return "failed"
}
