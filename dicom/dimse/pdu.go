package dimse

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/dicom/part10"
)

// Kinds of protocol data units (PS3.8 9.3).
const (
	kindRequest  = 1 // A-ASSOCIATE-RQ
	kindAccept   = 2 // A-ASSOCIATE-AC
	kindReject   = 3 // A-ASSOCIATE-RJ
	kindData     = 4 // P-DATA-TF
	kindRelease  = 5 // A-RELEASE-RQ
	kindReleased = 6 // A-RELEASE-RP
	kindAbort    = 7 // A-ABORT
)

// maxPDU is how long a PDU may be, without its header of six bytes. The other
// side is told so.
const maxPDU = 128 << 10

// ErrProtocol says that the other side does not follow the protocol.
var ErrProtocol = errors.New("not as DICOM's network protocol wants it")

// readPDU reads a PDU into buf, which is grown to at most maxPDU bytes.
func readPDU(r io.Reader, buf []byte) (kind byte, body []byte, err error) {
	var h [6]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, buf, err
	}
	n := binary.BigEndian.Uint32(h[2:])
	if h[0] < kindRequest || h[0] > kindAbort {
		return 0, buf, fmt.Errorf("PDU of type %d: %w", h[0], ErrProtocol)
	}
	if n > maxPDU {
		return 0, buf, fmt.Errorf("PDU of %d bytes, at most %d were agreed: %w", n, maxPDU, ErrProtocol)
	}
	if uint32(cap(buf)) < n {
		buf = make([]byte, n)
	}
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, buf, err
	}
	return h[0], buf[:n], nil
}

// appendPDU starts a PDU; the length is set by endPDU.
func appendPDU(b []byte, kind byte) []byte { return append(b, kind, 0, 0, 0, 0, 0) }

func endPDU(b []byte) []byte {
	binary.BigEndian.PutUint32(b[2:], uint32(len(b)-6))
	return b
}

// associate is what A-ASSOCIATE-RQ and A-ASSOCIATE-AC say.
type associate struct {
	called, calling string
	contexts        []presentation
	roles           []role
	maxPDU          uint32 // that the sender takes; 0: any
	implementation  string // UID
	version         string
}

// offer starts what our side says.
func offer(called, calling string) *associate {
	return &associate{called: called, calling: calling, maxPDU: maxPDU,
		implementation: part10.UID(archive.Implementation), version: strings.ToUpper(archive.Implementation)}
}

// presentation is a presentation context: proposed with all syntaxes that
// would do, or answered with the one that was chosen.
type presentation struct {
	id       byte // odd
	result   byte // of an answer: 0 is acceptance
	class    string
	syntaxes []string
}

// role says who may be user and provider of a class (PS3.7 D.3.3.4).
type role struct {
	class          string
	user, provider bool
}

// Items of association PDUs.
const (
	itemApplication    = 0x10
	itemProposed       = 0x20
	itemAnswered       = 0x21
	itemClass          = 0x30
	itemSyntax         = 0x40
	itemUser           = 0x50
	itemMaxPDU         = 0x51
	itemImplementation = 0x52
	itemRole           = 0x54
	itemVersion        = 0x55
)

// applicationContext is the only one that there is.
const applicationContext = "1.2.840.10008.3.1.1.1"

// encode returns the PDU, a request or an acceptance.
func (a *associate) encode(kind byte) []byte {
	b := appendPDU(make([]byte, 0, 4096), kind)
	b = append(b, 0, 1, 0, 0)
	b = append(b, title(a.called)...)
	b = append(b, title(a.calling)...)
	b = append(b, make([]byte, 32)...)
	b = appendItem(b, itemApplication, []byte(applicationContext))
	for _, c := range a.contexts {
		sub := []byte{c.id, 0, c.result, 0}
		item := byte(itemAnswered)
		if kind == kindRequest {
			item = itemProposed
			sub = appendItem(sub, itemClass, []byte(c.class))
		}
		for _, s := range c.syntaxes {
			sub = appendItem(sub, itemSyntax, []byte(s))
		}
		b = appendItem(b, item, sub)
	}
	user := appendItem(nil, itemMaxPDU, binary.BigEndian.AppendUint32(nil, a.maxPDU))
	user = appendItem(user, itemImplementation, []byte(a.implementation))
	for _, r := range a.roles {
		sub := binary.BigEndian.AppendUint16(nil, uint16(len(r.class)))
		sub = append(append(sub, r.class...), flag(r.user), flag(r.provider))
		user = appendItem(user, itemRole, sub)
	}
	user = appendItem(user, itemVersion, []byte(a.version))
	return endPDU(appendItem(b, itemUser, user))
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// title returns an AE title in its 16 bytes.
func title(s string) string { return (s + strings.Repeat(" ", 16))[:16] }

func appendItem(b []byte, kind byte, value []byte) []byte {
	b = append(b, kind, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// decodeAssociate reads the body of an association PDU of the given kind.
func decodeAssociate(kind byte, b []byte) (*associate, error) {
	if len(b) < 68 {
		return nil, fmt.Errorf("association PDU of %d bytes: %w", len(b), ErrProtocol)
	}
	a := &associate{called: strings.Trim(string(b[4:20]), " \x00"), calling: strings.Trim(string(b[20:36]), " \x00")}
	want := byte(itemAnswered)
	if kind == kindRequest {
		want = itemProposed
	}
	err := items(b[68:], func(kind byte, v []byte) error {
		switch kind {
		case want:
			if len(v) < 4 {
				return fmt.Errorf("presentation context of %d bytes: %w", len(v), ErrProtocol)
			}
			c := presentation{id: v[0], result: v[2]}
			if len(a.contexts) == maxContexts {
				return fmt.Errorf("more than %d presentation contexts: %w", maxContexts, ErrProtocol)
			}
			err := items(v[4:], func(kind byte, v []byte) error {
				switch kind {
				case itemClass:
					c.class = uid(v)
				case itemSyntax:
					c.syntaxes = append(c.syntaxes, uid(v))
				}
				return nil
			})
			a.contexts = append(a.contexts, c)
			return err
		case itemUser:
			return items(v, a.user)
		}
		return nil
	})
	return a, err
}

// user reads one item of the user information.
func (a *associate) user(kind byte, v []byte) error {
	switch kind {
	case itemMaxPDU:
		if len(v) != 4 {
			return fmt.Errorf("maximum length in %d bytes: %w", len(v), ErrProtocol)
		}
		a.maxPDU = binary.BigEndian.Uint32(v)
	case itemImplementation:
		a.implementation = uid(v)
	case itemVersion:
		a.version = uid(v)
	case itemRole:
		if len(v) < 4 || int(binary.BigEndian.Uint16(v)) != len(v)-4 {
			return fmt.Errorf("role selection of %d bytes: %w", len(v), ErrProtocol)
		}
		n := len(v) - 2
		a.roles = append(a.roles, role{uid(v[2:n]), v[n] != 0, v[n+1] != 0})
	}
	return nil
}

func uid(b []byte) string { return strings.Trim(string(b), " \x00") }

// items calls f for each item of b.
func items(b []byte, f func(kind byte, value []byte) error) error {
	for len(b) > 0 {
		if len(b) < 4 || int(binary.BigEndian.Uint16(b[2:])) > len(b)-4 {
			return fmt.Errorf("item of an association PDU is cut: %w", ErrProtocol)
		}
		n := 4 + int(binary.BigEndian.Uint16(b[2:]))
		if err := f(b[0], b[4:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// RejectError is an association that the other side did not want.
type RejectError struct{ Result, Source, Reason byte }

// Error says why (PS3.8 table 9-21).
func (e *RejectError) Error() string {
	why := "no reason given"
	switch [2]byte{e.Source, e.Reason} {
	case [2]byte{1, 2}:
		why = "the application context is not supported"
	case [2]byte{1, 3}:
		why = "it does not know our AE title: register it there, or set another with --aet"
	case [2]byte{1, 7}:
		why = "its own AE title is another than the one called"
	case [2]byte{2, 2}:
		why = "the protocol version is not supported"
	case [2]byte{3, 1}:
		why = "temporary congestion"
	case [2]byte{3, 2}:
		why = "too many associations"
	}
	return fmt.Sprintf("association rejected: %s (result %d, source %d, reason %d)", why, e.Result, e.Source, e.Reason)
}

// AbortError is an association that the other side broke off.
type AbortError struct{ Source, Reason byte }

// Error says who broke it off and why (PS3.8 table 9-26).
func (e *AbortError) Error() string {
	if e.Source != 2 {
		return "association aborted by the other program"
	}
	reasons := []string{"no reason given", "unrecognized PDU", "unexpected PDU", "", "unrecognized PDU parameter", "unexpected PDU parameter", "invalid PDU parameter"}
	why := "unknown reason"
	if int(e.Reason) < len(reasons) {
		why = reasons[e.Reason]
	}
	return "association aborted by the network service of the other side: " + why
}
