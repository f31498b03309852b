package dimse

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Peer is the other side.
type Peer struct {
	AET     string // its AE title
	Address string // host:port
}

// ParsePeer reads AET@HOST:PORT.
func ParsePeer(s string) (Peer, error) {
	aet, address, ok := strings.Cut(s, "@")
	if !ok || CheckTitle(aet) != nil {
		return Peer{}, fmt.Errorf("%q: want AET@HOST:PORT with an AE title of 1 to 16 characters", s)
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return Peer{}, fmt.Errorf("%q: %w", s, err)
	}
	return Peer{aet, address}, nil
}

// CheckTitle reports what is wrong with an AE title (VR AE).
func CheckTitle(s string) error {
	if strings.TrimSpace(s) == "" || len(s) > 16 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }) {
		return fmt.Errorf("AE title %q: want 1 to 16 ASCII characters, no backslash", s)
	}
	return nil
}

// Config holds what is ours.
type Config struct {
	AET     string        // our AE title
	Timeout time.Duration // of each read and write
}

// DefaultConfig returns the AE title PLAQUERISK and a minute.
func DefaultConfig() Config { return Config{AET: "PLAQUERISK", Timeout: time.Minute} }

// Client is the user of another side's services. It opens an association for
// each call.
type Client struct {
	Peer   Peer
	Config Config
	// Listen, if not empty, is the address on which retrieved objects come in by
	// C-MOVE; else they come by C-GET. The archive must know our AE title with
	// this address.
	Listen string
}

var _ archive.Archive = (*Client)(nil)

// Classes of services (PS3.4 annexes A, C).
const (
	verification = "1.2.840.10008.1.1"
	studyFind    = "1.2.840.10008.5.1.4.1.2.2.1"
	studyMove    = "1.2.840.10008.5.1.4.1.2.2.2"
	studyGet     = "1.2.840.10008.5.1.4.1.2.2.3"
)

// with runs f on an association and ends it.
func (c *Client) with(ctx context.Context, contexts []presentation, roles []role, f func(*association) error) error {
	a, err := dial(ctx, c.Peer, c.Config, contexts, roles)
	if err != nil {
		return fmt.Errorf("%s@%s: %w", c.Peer.AET, c.Peer.Address, err)
	}
	if err := f(a); err != nil {
		return fmt.Errorf("%s@%s: %w", c.Peer.AET, c.Peer.Address, a.abort(err))
	}
	a.release() // all that was asked for has been answered
	return nil
}

// service runs f in the context of a class of services, whose data sets are
// implicit little endian, which every side knows.
func (c *Client) service(ctx context.Context, class string, f func(a *association, context byte) error) error {
	contexts := []presentation{{class: class, syntaxes: []string{part10.ImplicitLittle}}}
	return c.with(ctx, contexts, nil, func(a *association) error {
		id, ok := a.context(class, "")
		if !ok {
			return fmt.Errorf("does not offer service %s: %w", class, ErrRefused)
		}
		return f(a, id)
	})
}

// ErrRefused says that the other side does not take part in what was proposed.
var ErrRefused = errors.New("presentation context refused")

// Echo verifies that the other side answers (C-ECHO).
func (c *Client) Echo(ctx context.Context) error {
	return c.service(ctx, verification, func(a *association, id byte) error {
		if err := a.send(id, &command{Field: cEcho, Class: verification, ID: a.number()}, nil, 0); err != nil {
			return err
		}
		m, err := a.answer(cEcho)
		if err == nil && m.Status != statusSuccess {
			err = &StatusError{"C-ECHO", m.Status, m.Comment}
		}
		return err
	})
}

// Find queries the study root model (C-FIND).
func (c *Client) Find(ctx context.Context, q archive.Query, yield func(archive.Result) error) error {
	if err := q.Validate(); err != nil {
		return err
	}
	return c.service(ctx, studyFind, func(a *association, id byte) error {
		if err := a.request(id, cFind, studyFind, "", q); err != nil {
			return err
		}
		for {
			m, err := a.answer(cFind)
			switch {
			case err != nil:
				return err
			case !pending(m.Status):
				return final("C-FIND", m)
			case m.data == nil:
				return fmt.Errorf("C-FIND: a match without data set: %w", ErrProtocol)
			}
			r, err := readResult(m.data)
			if err != nil {
				return fmt.Errorf("C-FIND: %w", err)
			}
			if err := yield(r); err != nil {
				return err
			}
		}
	})
}

// final returns the error of a last response.
func final(operation string, m *message) error {
	if m.Status == statusSuccess {
		return nil
	}
	err := error(&StatusError{operation, m.Status, m.Comment})
	if m.Status&0xff00 == statusResources {
		err = archive.Temporary(err, 0)
	}
	return err
}

// request sends a query.
func (a *association) request(id byte, field uint16, class, destination string, q archive.Query) error {
	text := identifier(q)
	return a.send(id, &command{Field: field, Class: class, ID: a.number(), Destination: destination}, bytes.NewReader(text), int64(len(text)))
}

// identifier encodes a query in implicit little endian.
func identifier(q archive.Query) []byte {
	keys := slices.Clone(q.Keys)
	keys = append(keys, archive.Key{Tag: 0x00080052, Value: []string{"STUDY", "SERIES", "IMAGE"}[q.Level]})
	for _, k := range q.Keys {
		if strings.ContainsFunc(k.Value, func(r rune) bool { return r > '~' }) {
			keys = append(keys, archive.Key{Tag: archive.TagCharset, Value: "ISO_IR 192"})
			break
		}
	}
	slices.SortFunc(keys, func(a, b archive.Key) int { return int(int64(a.Tag) - int64(b.Tag)) })
	var b []byte
	for _, k := range keys {
		v := []byte(k.Value)
		if len(v)%2 == 1 {
			pad := byte(' ')
			if k.Tag == archive.TagSOPClass || k.Tag == archive.TagSOPInstance || k.Tag == archive.TagStudy || k.Tag == archive.TagSeries {
				pad = 0
			}
			v = append(v, pad)
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(k.Tag>>16))
		b = binary.LittleEndian.AppendUint16(b, uint16(k.Tag&0xffff))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	return b
}

// maxMatch is how long a match of a query may be, in bytes.
const maxMatch = 1 << 20

// readResult reads a match.
func readResult(r io.Reader) (archive.Result, error) {
	head := archive.Header(archive.Name{Syntax: part10.ImplicitLittle})
	b, err := io.ReadAll(io.MultiReader(bytes.NewReader(head), io.LimitReader(r, maxMatch+1)))
	if err != nil {
		return nil, err
	}
	if len(b)-len(head) > maxMatch {
		return nil, fmt.Errorf("match of more than %d bytes: %w", maxMatch, archive.ErrLimit)
	}
	f, err := part10.Open(bytes.NewReader(b), int64(len(b)), part10.DefaultLimits())
	if err == nil {
		err = f.Damage
	}
	if err != nil {
		return nil, err
	}
	return archive.ResultOf(f.Data), nil
}

// Fetch retrieves objects of a series, by C-GET or C-MOVE.
func (c *Client) Fetch(ctx context.Context, series archive.Name, instances []string, put archive.Put) error {
	for {
		// A list of UIDs must stay below what old implementations read.
		n := min(len(instances), 64)
		q := archive.Of(archive.Series, series.Study, series.Series, "")
		if n > 0 {
			q = archive.Of(archive.Instance, series.Study, series.Series, strings.Join(instances[:n], `\`))
		}
		fetch := c.get
		if c.Listen != "" {
			fetch = c.move
		}
		if err := fetch(ctx, q, put); err != nil {
			return err
		}
		if instances = instances[n:]; len(instances) == 0 {
			return nil
		}
	}
}

// get retrieves on the association that asks.
func (c *Client) get(ctx context.Context, q archive.Query, put archive.Put) error {
	classes, err := c.classes(ctx, q)
	if err != nil {
		return err
	}
	contexts, roles := retrievable(classes)
	return c.with(ctx, contexts, roles, func(a *association) error {
		id, ok := a.context(studyGet, "")
		if !ok {
			return fmt.Errorf("does not offer C-GET: %w", ErrRefused)
		}
		if err := a.request(id, cGet, studyGet, "", q); err != nil {
			return err
		}
		for {
			m, err := a.receive()
			if err != nil {
				return err
			}
			switch {
			case m.Field == cStore:
				if refused, err := a.take(m, put); err != nil || refused != nil {
					return errors.Join(err, refused)
				}
			case m.Field != cGet|response:
				return fmt.Errorf("command %04xH during C-GET: %w", m.Field, ErrProtocol)
			case !pending(m.Status):
				return c.retrieved("C-GET", m)
			}
		}
	})
}

// classes asks for the classes of the objects that a query of a retrieval
// names. An archive need not tell.
func (c *Client) classes(ctx context.Context, q archive.Query) ([]string, error) {
	q.Level = archive.Instance
	q.Keys = slices.Clone(q.Keys)
	for _, t := range []part10.Tag{archive.TagSOPClass, archive.TagSOPInstance} {
		if q.Value(t) == "" {
			q.Keys = append(q.Keys, archive.Key{Tag: t})
		}
	}
	var classes []string
	err := c.Find(ctx, q, func(r archive.Result) error {
		if class := r.Get(archive.TagSOPClass); archive.IsUID(class) && !slices.Contains(classes, class) {
			classes = append(classes, class)
		}
		return nil
	})
	slices.Sort(classes)
	return classes, err
}

// retrieved returns the error of the last response of a retrieval. Objects
// that were left out are for the caller to notice and ask for again.
func (c *Client) retrieved(operation string, m *message) error {
	err := final(operation, m)
	if err != nil && m.Failed > 0 {
		err = archive.Temporary(fmt.Errorf("%d of %d objects were not sent: %w", m.Failed, m.Failed+m.Completed+m.Warning, err), 0)
	}
	return err
}

// take hands an object that comes in to put and answers. The error of put is
// refused, err that of the connection.
func (a *association) take(m *message, put archive.Put) (refused, err error) {
	if m.data == nil || !archive.IsUID(m.Class) || !archive.IsUID(m.Instance) {
		return nil, a.abort(fmt.Errorf("C-STORE without data set or UIDs: %w", ErrProtocol))
	}
	name := archive.Name{Class: m.Class, Instance: m.Instance, Syntax: m.context.syntaxes[0]}
	refused = put(io.MultiReader(bytes.NewReader(archive.Header(name)), m.data), name)
	if a.data.err != nil {
		return nil, a.data.err
	}
	reply := &command{Field: cStore | response, Class: m.Class, Instance: m.Instance, ID: m.ID}
	switch {
	case refused == nil:
	case errors.Is(refused, archive.ErrWrong):
		reply.Status = statusMismatch
	case errors.Is(refused, archive.ErrNotObject), errors.Is(refused, part10.ErrDamaged), errors.Is(refused, part10.ErrNotDICOM):
		reply.Status = statusNotStored
	default:
		reply.Status = statusResources
	}
	if _, err := io.Copy(io.Discard, m.data); err != nil {
		return refused, err
	}
	return refused, a.send(m.context.id, reply, nil, 0)
}

// move retrieves through a server of ours.
func (c *Client) move(ctx context.Context, q archive.Query, put archive.Put) error {
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("C-MOVE: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex // the archive may open several associations
	var broken error
	server := &Server{Config: c.Config, Put: func(r io.Reader, name archive.Name) error {
		mu.Lock()
		defer mu.Unlock()
		if err := put(r, name); err != nil {
			broken = errors.Join(broken, err)
			return err
		}
		return nil
	}}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	err = c.service(ctx, studyMove, func(a *association, id byte) error {
		if err := a.request(id, cMove, studyMove, c.Config.AET, q); err != nil {
			return err
		}
		for {
			m, err := a.answer(cMove)
			if err != nil {
				return err
			}
			if !pending(m.Status) {
				return c.retrieved("C-MOVE", m)
			}
		}
	})
	cancel()
	if stopped := <-served; broken == nil && err == nil {
		return stopped
	}
	if broken != nil { // the archive only says that something failed
		return broken
	}
	return err
}

// Send stores objects (C-STORE), on as many associations as their classes and
// syntaxes need.
func (c *Client) Send(ctx context.Context, objects []*archive.Object, done func(*archive.Object, error)) error {
	for len(objects) > 0 {
		var contexts []presentation
		n := 0
		for ; n < len(objects); n++ {
			o := objects[n]
			if slices.ContainsFunc(contexts, func(p presentation) bool { return p.class == o.Class && p.syntaxes[0] == o.Syntax }) {
				continue
			}
			if len(contexts) == maxContexts {
				break
			}
			contexts = append(contexts, presentation{class: o.Class, syntaxes: []string{o.Syntax}})
		}
		err := c.with(ctx, contexts, nil, func(a *association) error {
			for _, o := range objects[:n] {
				err := a.store(o)
				if a.closed {
					return &archive.Broken{Object: o, Err: err}
				}
				done(o, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		objects = objects[n:]
	}
	return nil
}

// store sends one object.
func (a *association) store(o *archive.Object) error {
	id, ok := a.context(o.Class, o.Syntax)
	if !ok {
		return fmt.Errorf("the archive does not take objects of class %s in transfer syntax %s: %w", o.Class, o.Syntax, ErrRefused)
	}
	body, size, err := o.Body()
	if err != nil {
		return err
	}
	defer body.Close()
	if err := a.send(id, &command{Field: cStore, Class: o.Class, Instance: o.Instance, ID: a.number()}, body, size); err != nil {
		return err
	}
	m, err := a.answer(cStore)
	if err != nil || good(m.Status) {
		return err
	}
	return final("C-STORE", m)
}
