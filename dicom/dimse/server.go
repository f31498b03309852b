package dimse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
)

// Server takes what others store (C-STORE) and answers when verified (C-ECHO).
type Server struct {
	// Config holds our AE title: calls for another are rejected.
	Config Config
	// Put takes the objects. It is called from several goroutines if several
	// associations are open.
	Put archive.Put
}

// maxAssociations is how many others may store at a time.
const maxAssociations = 16

// Serve answers on l until ctx ends, and closes it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	var open sync.WaitGroup
	defer open.Wait()
	slots := make(chan struct{}, maxAssociations)
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept associations: %w", err)
		}
		select {
		case slots <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		open.Go(func() {
			a := newAssociation(ctx, conn, s.Config.Timeout)
			defer a.close()
			s.serve(a) // what goes wrong, the other side has been told
			<-slots
		})
	}
}

// serve answers one association until its end.
func (s *Server) serve(a *association) error {
	if err := s.accept(a); err != nil {
		return err
	}
	for {
		m, err := a.receive()
		if errors.Is(err, errReleased) {
			return nil
		}
		if err != nil {
			return err
		}
		switch m.Field {
		case cStore:
			_, err = a.take(m, s.Put)
		case cEcho:
			err = a.send(m.context.id, &command{Field: cEcho | response, Class: m.Class, ID: m.ID}, nil, 0)
		default:
			if m.Field&response != 0 {
				return a.abort(fmt.Errorf("response %04xH to nothing: %w", m.Field, ErrProtocol))
			}
			err = a.send(m.context.id, &command{Field: m.Field | response, ID: m.ID, Status: statusUnrecognized}, nil, 0)
		}
		if err != nil {
			return err
		}
	}
}

// accept answers the request for an association.
func (s *Server) accept(a *association) error {
	kind, body, err := a.pdu()
	if err != nil {
		return err
	}
	if kind != kindRequest {
		return a.unexpected(kind, body)
	}
	ask, err := decodeAssociate(kind, body)
	if err == nil {
		err = a.limit(ask.maxPDU)
	}
	if err != nil {
		return a.abort(err)
	}
	if ask.called != s.Config.AET {
		err := &RejectError{1, 1, 7}
		return errors.Join(err, a.write(endPDU(append(appendPDU(nil, kindReject), 0, err.Result, err.Source, err.Reason))))
	}
	a.called, a.calling = ask.called, ask.calling
	answer := offer(ask.called, ask.calling)
	for _, c := range ask.contexts {
		chosen := choose(c)
		answer.contexts = append(answer.contexts, chosen)
		if chosen.result == 0 {
			a.accept(presentation{id: c.id, class: c.class, syntaxes: chosen.syntaxes})
		}
	}
	return a.write(answer.encode(kindAccept))
}

// Results of a presentation context (PS3.8 table 9-18).
const (
	noClass  = 3
	noSyntax = 4
)

// choose answers a proposed context: objects of all classes are taken, in the
// first syntax that is known, so that nothing need be converted.
func choose(c presentation) presentation {
	out := presentation{id: c.id, result: noClass, syntaxes: native[:1]}
	if c.class != verification && !strings.HasPrefix(c.class, storage) {
		return out
	}
	out.result = noSyntax
	for _, s := range c.syntaxes {
		if slices.Contains(native, s) || slices.Contains(compressed, s) {
			out.result, out.syntaxes = 0, []string{s}
			break
		}
	}
	return out
}
