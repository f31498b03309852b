package pipeline

import (
	"context"
	"errors"
)

// Class says what kind of failure an error is. Its number is the exit status
// of the program.
type Class int

// The classes of errors; 8 and 10 agree with dcm2niix.
const (
	OK             Class = 0
	Internal       Class = 1  // a bug
	Usage          Class = 2  // wrong command line
	BadConfig      Class = 3  // settings or label map
	Unreadable     Class = 4  // an input cannot be read
	NothingToScore Class = 5  // no plaque
	NotWritable    Class = 6  // output
	NotConverged   Class = 7  // no lesion's mechanics converged, or one of solve's did not
	Partial        Class = 8  // some cases of a batch, or arteries of a solve, failed
	Refused        Class = 9  // quality control of the CT
	Incomplete     Class = 10 // slices are missing
	Interrupted    Class = 75 // by a termination request; resume is possible
	Cancelled      Class = 130
)

// Error is an error with its class and its code in docs/reference/notes.md.
type Error struct {
	Class Class
	Code  string // "PLQ-601"
	Err   error
}

// Error returns the code and the cause.
func (e *Error) Error() string { return e.Code + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// fail gives err a class and a code. The innermost class wins: a cause that
// has one keeps it.
func fail(class Class, code string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	return &Error{Class: class, Code: code, Err: err}
}

// ClassOf returns the class of err: [OK] for nil, [Internal] if nobody gave it
// one.
func ClassOf(err error) Class {
	var e *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &e):
		return e.Class
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Cancelled
	}
	return Internal
}

// CodeOf returns the code of err, "PLQ-600" if nobody gave it one.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return "PLQ-600"
}
