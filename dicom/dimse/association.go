package dimse

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
)

// association is a connection on which contexts have been agreed.
type association struct {
	ctx     context.Context
	conn    net.Conn
	r       *bufio.Reader
	timeout time.Duration
	stop    func() bool // unties conn from ctx
	closed  bool

	called, calling string
	contexts        map[byte]presentation // accepted, each with one syntax
	order           []byte                // their numbers, as proposed
	maxSend         int                   // longest PDU that the other side takes

	buf  []byte // of the last PDU
	rest []byte // of it, not yet looked at
	data *dataSet
	last uint16 // number of the last request of ours
}

func newAssociation(ctx context.Context, conn net.Conn, timeout time.Duration) *association {
	return &association{ctx: ctx, conn: conn, r: bufio.NewReaderSize(conn, 64<<10), timeout: timeout,
		stop: context.AfterFunc(ctx, func() { conn.Close() }), contexts: map[byte]presentation{}}
}

// dial opens an association in which the contexts, numbered here, are agreed.
func dial(ctx context.Context, p Peer, cfg Config, contexts []presentation, roles []role) (*association, error) {
	dialer := net.Dialer{Timeout: cfg.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", p.Address)
	if err != nil {
		return nil, archive.Temporary(err, 0)
	}
	a := newAssociation(ctx, conn, cfg.Timeout)
	for n := range contexts {
		contexts[n].id = byte(2*n + 1)
	}
	ask := offer(p.AET, cfg.AET)
	ask.contexts, ask.roles = contexts, roles
	if err := a.open(ask); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// open asks for the association and reads the answer.
func (a *association) open(ask *associate) error {
	if err := a.write(ask.encode(kindRequest)); err != nil {
		return err
	}
	kind, body, err := a.pdu()
	if err != nil {
		return err
	}
	switch kind {
	case kindAccept:
	case kindReject:
		if len(body) < 4 {
			return a.abort(fmt.Errorf("rejection of %d bytes: %w", len(body), ErrProtocol))
		}
		err := &RejectError{body[1], body[2], body[3]}
		if err.Result == 2 {
			return archive.Temporary(err, 0)
		}
		return err
	default:
		return a.unexpected(kind, body)
	}
	answer, err := decodeAssociate(kind, body)
	if err != nil {
		return a.abort(err)
	}
	if err := a.limit(answer.maxPDU); err != nil {
		return a.abort(err)
	}
	a.called, a.calling = ask.called, ask.calling
	for _, c := range answer.contexts {
		for _, asked := range ask.contexts {
			if c.result == 0 && c.id == asked.id && len(c.syntaxes) == 1 {
				a.accept(presentation{id: c.id, class: asked.class, syntaxes: c.syntaxes})
			}
		}
	}
	return nil
}

func (a *association) accept(c presentation) {
	if _, twice := a.contexts[c.id]; !twice {
		a.contexts[c.id] = c
		a.order = append(a.order, c.id)
	}
}

// limit sets how long PDUs may be that the other side gets.
func (a *association) limit(peer uint32) error {
	switch {
	case peer == 0 || peer > maxPDU:
		a.maxSend = maxPDU
	case peer < 128:
		return fmt.Errorf("the other side takes PDUs of %d bytes: %w", peer, ErrProtocol)
	default:
		a.maxSend = int(peer)
	}
	return nil
}

// context returns the number of the accepted context of a class and, if it is
// not empty, syntax.
func (a *association) context(class, syntax string) (byte, bool) {
	for _, id := range a.order {
		if c := a.contexts[id]; c.class == class && (syntax == "" || c.syntaxes[0] == syntax) {
			return id, true
		}
	}
	return 0, false
}

// close ends the connection without a word.
func (a *association) close() {
	a.closed = true
	a.stop()
	a.conn.Close()
}

// release ends the association in agreement.
func (a *association) release() error {
	defer a.close()
	if err := a.write(endPDU(append(appendPDU(nil, kindRelease), 0, 0, 0, 0))); err != nil {
		return err
	}
	kind, body, err := a.pdu()
	if err != nil {
		return err
	}
	if kind != kindReleased && kind != kindRelease { // both at once
		return a.unexpected(kind, body)
	}
	return nil
}

// abort breaks the association off because of err, which it returns.
func (a *association) abort(err error) error {
	source := byte(0) // the program
	if errors.Is(err, ErrProtocol) {
		source = 2
	}
	a.write(endPDU(append(appendPDU(nil, kindAbort), 0, 0, source, 0))) // the connection ends either way
	a.close()
	return err
}

// unexpected returns the error of a PDU that is out of turn.
func (a *association) unexpected(kind byte, body []byte) error {
	switch {
	case kind == kindAbort && len(body) == 4:
		a.close()
		return archive.Temporary(&AbortError{body[2], body[3]}, 0)
	case kind == kindRelease:
		a.write(endPDU(append(appendPDU(nil, kindReleased), 0, 0, 0, 0)))
		a.close()
		return errReleased
	}
	return a.abort(fmt.Errorf("PDU of type %d out of turn: %w", kind, ErrProtocol))
}

// errReleased says that the other side has nothing more to say.
var errReleased = errors.New("association released")

// write sends bytes before the deadline.
func (a *association) write(b []byte) error {
	a.conn.SetWriteDeadline(time.Now().Add(a.timeout))
	_, err := a.conn.Write(b)
	return a.lost("send", err)
}

// pdu reads the next PDU before the deadline.
func (a *association) pdu() (kind byte, body []byte, err error) {
	a.conn.SetReadDeadline(time.Now().Add(a.timeout))
	kind, a.buf, err = readPDU(a.r, a.buf)
	if errors.Is(err, ErrProtocol) {
		return 0, nil, a.abort(err)
	}
	return kind, a.buf, a.lost("receive", err)
}

// lost gives up a connection with an error, which may pass unless it is us who
// ended it.
func (a *association) lost(what string, err error) error {
	if err == nil {
		return nil
	}
	a.close()
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	return archive.Temporary(fmt.Errorf("%s: %w", what, err), 0)
}

// fragment is a PDV: a piece of a command or data set.
type fragment struct {
	context       byte
	command, last bool
	value         []byte
}

// next returns the next fragment, which is valid until the one after it.
func (a *association) next() (fragment, error) {
	for len(a.rest) == 0 {
		kind, body, err := a.pdu()
		if err != nil {
			return fragment{}, err
		}
		if kind != kindData {
			return fragment{}, a.unexpected(kind, body)
		}
		if len(body) == 0 {
			return fragment{}, a.abort(fmt.Errorf("empty data PDU: %w", ErrProtocol))
		}
		a.rest = body
	}
	f, rest, err := cutFragment(a.rest)
	if err != nil {
		return f, a.abort(err)
	}
	a.rest = rest
	if _, ok := a.contexts[f.context]; !ok {
		return f, a.abort(fmt.Errorf("fragment in context %d, which was not agreed: %w", f.context, ErrProtocol))
	}
	return f, nil
}

// cutFragment takes the first fragment off the body of a data PDU (PS3.8
// 9.3.5.1 and annex E).
func cutFragment(b []byte) (f fragment, rest []byte, err error) {
	if len(b) < 6 {
		return f, nil, fmt.Errorf("fragment of %d bytes: %w", len(b), ErrProtocol)
	}
	n := binary.BigEndian.Uint32(b)
	if n < 2 || int64(n) > int64(len(b)-4) {
		return f, nil, fmt.Errorf("fragment of %d bytes where %d are left: %w", n, len(b)-4, ErrProtocol)
	}
	return fragment{context: b[4], command: b[5]&1 != 0, last: b[5]&2 != 0, value: b[6 : 4+n]}, b[4+n:], nil
}

// message is a command with, perhaps, a data set, which must be read before
// the next message; what is not read is skipped.
type message struct {
	command
	context presentation
	data    io.Reader
}

// receive returns the next message.
func (a *association) receive() (*message, error) {
	if a.data != nil {
		if _, err := io.Copy(io.Discard, a.data); err != nil {
			return nil, err
		}
		a.data = nil
	}
	var text []byte
	var id byte
	for {
		f, err := a.next()
		if err != nil {
			return nil, err
		}
		switch {
		case !f.command:
			return nil, a.abort(fmt.Errorf("data where a command is due: %w", ErrProtocol))
		case text != nil && f.context != id:
			return nil, a.abort(fmt.Errorf("a command in two contexts: %w", ErrProtocol))
		case len(text)+len(f.value) > maxCommand:
			return nil, a.abort(fmt.Errorf("command set of more than %d bytes: %w", maxCommand, ErrProtocol))
		}
		id = f.context
		if text = append(text, f.value...); text == nil {
			text = []byte{}
		}
		if f.last {
			break
		}
	}
	c, err := decodeCommand(text)
	if err != nil {
		return nil, a.abort(err)
	}
	m := &message{command: *c, context: a.contexts[id]}
	if c.Data {
		a.data = &dataSet{a: a, context: id}
		m.data = a.data
	}
	return m, nil
}

// dataSet reads the fragments of a data set.
type dataSet struct {
	a       *association
	context byte
	rest    []byte
	last    bool
	err     error
}

func (d *dataSet) Read(b []byte) (int, error) {
	for len(d.rest) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		if d.last {
			return 0, io.EOF
		}
		f, err := d.a.next()
		if err == nil && (f.command || f.context != d.context) {
			err = d.a.abort(fmt.Errorf("fragment of another message within a data set: %w", ErrProtocol))
		}
		if errors.Is(err, errReleased) {
			err = fmt.Errorf("released within a data set: %w", ErrProtocol)
		}
		if err != nil {
			d.err = err
			return 0, err
		}
		d.rest, d.last = f.value, f.last
	}
	n := copy(b, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// send sends a message; size is that of the data set, if there is one.
func (a *association) send(context byte, c *command, data io.Reader, size int64) error {
	c.Data = data != nil
	text := c.encode()
	b := make([]byte, 0, a.maxSend+6)
	room := a.maxSend - 6 // for the value of one fragment
	for len(text) > 0 {
		n := min(room, len(text))
		b = appendFragment(b[:0], context, 1, n, n == len(text))
		b = append(b, text[:n]...)
		if err := a.write(endPDU(b)); err != nil {
			return err
		}
		text = text[n:]
	}
	for c.Data {
		n := int(min(int64(room), size))
		b = appendFragment(b[:0], context, 0, n, int64(n) == size)
		at := len(b)
		b = b[:at+n]
		if _, err := io.ReadFull(data, b[at:]); err != nil {
			return a.abort(fmt.Errorf("read what is sent: %w", err))
		}
		if err := a.write(endPDU(b)); err != nil {
			return err
		}
		if size -= int64(n); size == 0 {
			break
		}
	}
	return nil
}

// appendFragment starts a data PDU with one fragment of n bytes.
func appendFragment(b []byte, context, kind byte, n int, last bool) []byte {
	b = appendPDU(b, kindData)
	b = binary.BigEndian.AppendUint32(b, uint32(n+2))
	if last {
		kind |= 2
	}
	return append(b, context, kind)
}

// number returns the number of the next request.
func (a *association) number() uint16 {
	a.last++
	return a.last
}

// answer receives the response to a request, whose field is given.
func (a *association) answer(field uint16) (*message, error) {
	m, err := a.receive()
	if err == nil && (m.Field != field|response || m.ID != a.last) {
		err = a.abort(fmt.Errorf("command %04xH for message %d instead of the answer to %d: %w", m.Field, m.ID, a.last, ErrProtocol))
	}
	if errors.Is(err, errReleased) {
		err = fmt.Errorf("released before it answered: %w", ErrProtocol)
	}
	return m, err
}
