package dimse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// wire is a connection on which the other side has said everything already.
type wire struct{ io.Reader }

func (wire) Write(b []byte) (int, error)      { return len(b), nil }
func (wire) Close() error                     { return nil }
func (wire) LocalAddr() net.Addr              { return nil }
func (wire) RemoteAddr() net.Addr             { return nil }
func (wire) SetDeadline(time.Time) error      { return nil }
func (wire) SetReadDeadline(time.Time) error  { return nil }
func (wire) SetWriteDeadline(time.Time) error { return nil }

// called is a whole conversation with our server: request, C-ECHO, C-STORE in
// two fragments, something unknown, release.
func called() []byte {
	ask := &associate{called: "PLAQUERISK", calling: "X", maxPDU: 16384, implementation: "1.2", version: "V", contexts: []presentation{
		{id: 1, class: verification, syntaxes: native}, {id: 3, class: usual[0], syntaxes: compressed},
	}, roles: []role{{usual[0], true, false}}}
	b := ask.encode(kindRequest)
	put := func(context, kind byte, v []byte, last bool) {
		b = append(b, endPDU(append(appendFragment(nil, context, kind, len(v), last), v...))...)
	}
	put(1, 1, (&command{Field: cEcho, Class: verification, ID: 1}).encode(), true)
	put(3, 1, (&command{Field: cStore, Class: usual[0], Instance: "1.2.3", ID: 2, Data: true}).encode(), true)
	put(3, 0, identifier(archive.Of(archive.Instance, "1.2", "1.3", "1.4")), false)
	put(3, 0, make([]byte, 100), true)
	put(1, 1, (&command{Field: 0x0140, ID: 3}).encode(), true)
	return append(b, endPDU(append(appendPDU(nil, kindRelease), 0, 0, 0, 0))...)
}

// serveWire lets our server answer what b says.
func serveWire(b []byte) error {
	s := &Server{Config: DefaultConfig(), Put: func(r io.Reader, _ archive.Name) error {
		_, err := io.Copy(io.Discard, r)
		return err
	}}
	a := newAssociation(context.Background(), wire{bytes.NewReader(b)}, time.Second)
	defer a.close()
	return s.serve(a)
}

// findWire lets our client read the matches that b says.
func findWire(b []byte) error {
	a := newAssociation(context.Background(), wire{bytes.NewReader(b)}, time.Second)
	defer a.close()
	if err := a.open(&associate{called: "X", contexts: []presentation{{id: 1, class: studyFind, syntaxes: native[1:]}}}); err != nil {
		return err
	}
	a.last = 1
	for {
		m, err := a.answer(cFind)
		if err != nil {
			return err
		}
		if m.data == nil {
			return final("C-FIND", m)
		}
		if _, err := readResult(m.data); err != nil {
			return err
		}
	}
}

// found is a conversation in which our client finds one match.
func found() []byte {
	b := (&associate{called: "X", maxPDU: 16384, contexts: []presentation{{id: 1, syntaxes: native[1:]}}}).encode(kindAccept)
	put := func(kind byte, v []byte) {
		b = append(b, endPDU(append(appendFragment(nil, 1, kind, len(v), true), v...))...)
	}
	put(1, (&command{Field: cFind | response, Class: studyFind, ID: 1, Data: true, Status: 0xff00}).encode())
	put(0, identifier(archive.Of(archive.Instance, "1.2", "1.3", "1.4")))
	put(1, (&command{Field: cFind | response, Class: studyFind, ID: 1}).encode())
	return b
}

// A conversation is understood; no change of its bytes makes either side
// panic, or allocate more than the buffers of one association.
func TestMutatedConversations(t *testing.T) {
	if err := serveWire(called()); err != nil {
		t.Fatal(err)
	}
	if err := findWire(found()); err != nil {
		t.Fatal(err)
	}
	n := 20000
	if testing.Short() {
		n = 2000
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var before, after runtime.MemStats
	for _, side := range []struct {
		talk func([]byte) error
		b    []byte
	}{{serveWire, called()}, {findWire, found()}} {
		runtime.ReadMemStats(&before)
		for range n {
			b := bytes.Clone(side.b)
			for range 1 + rng.IntN(4) {
				switch at := rng.IntN(len(b)); rng.IntN(3) {
				case 0:
					b[at] = byte(rng.Uint32())
				case 1:
					b[at] ^= 1 << rng.IntN(8)
				case 2:
					b = b[:max(at, 1)]
				}
			}
			side.talk(b)
		}
		runtime.ReadMemStats(&after)
		// The reader's 64 KiB, a PDU, a match and small change.
		if each := (after.TotalAlloc - before.TotalAlloc) / uint64(n); each > 64<<10+maxPDU+64<<10 {
			t.Errorf("%d bytes allocated for a conversation of %d", each, len(side.b))
		}
	}
}

// No bytes make the server panic, and what it returns is an error of the
// protocol or the end of the connection.
func FuzzServer(f *testing.F) {
	f.Add(called())
	f.Fuzz(func(t *testing.T, b []byte) { serveWire(b) })
}

// No bytes make the client panic.
func FuzzFind(f *testing.F) {
	f.Add(found())
	f.Fuzz(func(t *testing.T, b []byte) { findWire(b) })
}

// A command set that is read is written again with the same meaning.
func FuzzCommand(f *testing.F) {
	f.Add((&command{Field: cStore, Class: usual[0], Instance: "1.2.3", ID: 2, Data: true}).encode())
	f.Add((&command{Field: cMove, Class: studyMove, ID: 7, Destination: "US"}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeCommand(b)
		if err != nil {
			if !errors.Is(err, ErrProtocol) {
				t.Error(err)
			}
			return
		}
		c.Remaining, c.Completed, c.Failed, c.Warning = 0, 0, 0, 0 // only read
		if c.Field&response == 0 {
			c.Status, c.Comment = 0, ""
		} else {
			c.Destination = ""
		}
		again, err := decodeCommand(c.encode())
		if err != nil || !reflect.DeepEqual(c, again) {
			t.Errorf("%+v is read again as %+v: %v", c, again, err)
		}
	})
}

// An association PDU that is read is written again with the same meaning.
func TestAssociateRoundTrip(t *testing.T) {
	ask := &associate{called: "A", calling: "B", maxPDU: 16384, implementation: "1.2", version: "V", contexts: []presentation{
		{id: 1, class: "1.2.3", syntaxes: []string{"1.2", part10.ExplicitLittle}}, {id: 3, class: "1.2.4", syntaxes: []string{"1.2"}},
	}, roles: []role{{"1.2.3", false, true}}}
	b := ask.encode(kindRequest)
	kind, body, err := readPDU(bytes.NewReader(b), nil)
	if err != nil || kind != kindRequest {
		t.Fatal(kind, err)
	}
	got, err := decodeAssociate(kind, body)
	if err != nil || !reflect.DeepEqual(got, ask) {
		t.Errorf("got %+v, %v", got, err)
	}
}
