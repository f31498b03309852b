// Plaquerisk scores coronary plaque risk from cardiac CT, for research.
//
// Every command parses its flags, calls one function of a package and prints.
// Output for programs goes to stdout, for people to stderr. The exit status is
// that of the product specification: see plaquerisk help exit-codes.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-signals
		signal.Stop(signals) // a second signal ends the process at once
		if s == os.Interrupt {
			cancel(errInterrupt)
		} else {
			cancel(errTerminate)
		}
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The causes of a cancelled context.
var (
	errInterrupt = errors.New("interrupted")
	errTerminate = errors.New("terminated on request; a batch can be resumed")
)
