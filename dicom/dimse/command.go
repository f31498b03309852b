package dimse

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Commands (PS3.7 E.1). A response has the highest bit set.
const (
	cStore   uint16 = 0x0001
	cGet     uint16 = 0x0010
	cFind    uint16 = 0x0020
	cMove    uint16 = 0x0021
	cEcho    uint16 = 0x0030
	response uint16 = 0x8000
)

// maxCommand is how long a command set may be, in bytes.
const maxCommand = 64 << 10

// command is a command set: the elements of group 0000 that the services of
// this package use.
type command struct {
	Field       uint16 // cStore … or response | cStore …
	Class       string // affected SOP class
	Instance    string // affected SOP instance
	ID          uint16 // of a request; in a response, of what it answers
	Data        bool   // a data set follows
	Status      uint16 // of a response
	Destination string // AE title to move to
	Comment     string // on an error

	// Of retrievals: suboperations.
	Remaining, Completed, Failed, Warning uint16
}

// Elements of command sets.
const (
	eClass       = 0x0002
	eField       = 0x0100
	eID          = 0x0110
	eResponseTo  = 0x0120
	eDestination = 0x0600
	ePriority    = 0x0700
	eDataType    = 0x0800
	eStatus      = 0x0900
	eComment     = 0x0902
	eInstance    = 0x1000
	eRemaining   = 0x1020
	eCompleted   = 0x1021
	eFailed      = 0x1022
	eWarning     = 0x1023
)

const noData = 0x0101

// encode returns the command set in implicit little endian, as all are.
func (c *command) encode() []byte {
	b := make([]byte, 12, 128) // group length, below
	binary.LittleEndian.PutUint32(b[4:], 4)
	head := func(element uint16, n int) {
		b = binary.LittleEndian.AppendUint16(b, 0)
		b = binary.LittleEndian.AppendUint16(b, element)
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	number := func(element, v uint16) {
		head(element, 2)
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	text := func(element uint16, s string, pad byte) {
		if s == "" {
			return
		}
		head(element, len(s)+len(s)%2)
		b = append(b, s...)
		if len(s)%2 == 1 {
			b = append(b, pad)
		}
	}
	text(eClass, c.Class, 0)
	number(eField, c.Field)
	if c.Field&response == 0 {
		number(eID, c.ID)
		text(eDestination, c.Destination, ' ')
		if c.Field != cEcho {
			number(ePriority, 0) // medium
		}
	} else {
		number(eResponseTo, c.ID)
	}
	if c.Data {
		number(eDataType, 0)
	} else {
		number(eDataType, noData)
	}
	if c.Field&response != 0 {
		number(eStatus, c.Status)
		text(eComment, c.Comment, ' ')
	}
	text(eInstance, c.Instance, 0)
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-12))
	return b
}

// decodeCommand reads a command set.
func decodeCommand(b []byte) (*command, error) {
	c := &command{}
	seen := false
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, fmt.Errorf("command set ends within an element: %w", ErrProtocol)
		}
		group, element := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
		n := binary.LittleEndian.Uint32(b[4:])
		if group != 0 && seen {
			break // dcmtk puts the list of what failed into the command of C-GET
		}
		if group != 0 || int64(n) > int64(len(b)-8) {
			return nil, fmt.Errorf("command set: element (%04x,%04x) of %d bytes: %w", group, element, n, ErrProtocol)
		}
		v := b[8 : 8+n]
		b = b[8+n:]
		var number *uint16
		switch element {
		case eClass:
			c.Class = uid(v)
		case eInstance:
			c.Instance = uid(v)
		case eDestination:
			c.Destination = uid(v)
		case eComment:
			c.Comment = strings.ToValidUTF8(uid(v), "?")
		case eDataType:
			if len(v) != 2 {
				return nil, fmt.Errorf("command set: element (0000,%04x) of %d bytes: %w", element, n, ErrProtocol)
			}
			c.Data = binary.LittleEndian.Uint16(v) != noData
		case eField:
			number, seen = &c.Field, true
		case eID, eResponseTo:
			number = &c.ID
		case eStatus:
			number = &c.Status
		case eRemaining:
			number = &c.Remaining
		case eCompleted:
			number = &c.Completed
		case eFailed:
			number = &c.Failed
		case eWarning:
			number = &c.Warning
		}
		if number == nil {
			continue
		}
		if len(v) != 2 {
			return nil, fmt.Errorf("command set: element (0000,%04x) of %d bytes: %w", element, n, ErrProtocol)
		}
		*number = binary.LittleEndian.Uint16(v)
	}
	if !seen {
		return nil, fmt.Errorf("command set without command: %w", ErrProtocol)
	}
	return c, nil
}

// Kinds of status (PS3.7 annex C).
const (
	statusSuccess      = 0x0000
	statusUnrecognized = 0x0211
	statusResources    = 0xa700
	statusMismatch     = 0xa900 // data set does not match SOP class
	statusNotStored    = 0xc000 // cannot understand
	statusWarning      = 0xb000
)

func pending(status uint16) bool { return status == 0xff00 || status == 0xff01 }

// good tells whether an operation succeeded, perhaps with a warning.
func good(status uint16) bool {
	return status == statusSuccess || status&0xf000 == statusWarning || status == 0x0001 || status == 0x0107 || status == 0x0116
}

// StatusError is an operation that the other side did not carry out.
type StatusError struct {
	Operation string
	Status    uint16
	Comment   string // of the other side
}

// Error gives the meaning of the status, its number and what the other side
// says.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s: %s (status %04xH)", e.Operation, meaning(e.Status), e.Status)
	if e.Comment != "" {
		s += fmt.Sprintf(": %q", e.Comment)
	}
	return s
}

func meaning(status uint16) string {
	switch {
	case status == 0x0105:
		return "no such attribute"
	case status == 0x0106:
		return "invalid attribute value"
	case status == 0x0110:
		return "processing failure"
	case status == 0x0111:
		return "the instance is there already"
	case status == 0x0112:
		return "no such instance"
	case status == 0x0117:
		return "invalid instance"
	case status == 0x0118, status == 0x0122:
		return "SOP class not supported"
	case status == 0x0124:
		return "not authorized"
	case status == statusUnrecognized:
		return "operation not recognized"
	case status == 0xa701, status == 0xa702:
		return "out of resources"
	case status == 0xa801:
		return "move destination unknown: the archive must know our AE title, host and port"
	case status&0xff00 == statusResources:
		return "out of resources"
	case status&0xff00 == statusMismatch:
		return "data set does not match the SOP class"
	case status&0xf000 == statusNotStored:
		return "cannot be understood"
	case status == 0xfe00:
		return "cancelled"
	case status&0xf000 == statusWarning:
		return "some suboperations failed"
	}
	return "failed"
}
