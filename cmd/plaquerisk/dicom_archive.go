package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/dicom/dimse"
	"github.com/plaquerisk/plaquerisk/dicom/web"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// archiveHelp is what the help of all commands about archives says.
const archiveHelp = `URL is http://HOST/ROOT or https://HOST/ROOT for DICOMweb, such as
https://pacs.example/dicom-web, and dicom://AET@HOST:PORT for DICOM's own network
protocol, where AET is the archive's AE title.

Credentials for DICOMweb are taken from $` + tokenEnv + ` (a bearer token) or
$` + userEnv + ` and $` + passwordEnv + `, or from the files of
--token-file and --login-file: not from the command line, which other users see.
They are sent over https alone, or to this machine.`

// Where credentials come from.
const (
	tokenEnv    = "PLAQUERISK_DICOM_TOKEN"
	userEnv     = "PLAQUERISK_DICOM_USER"
	passwordEnv = "PLAQUERISK_DICOM_PASSWORD"
)

// archiveFlags are the flags of all commands about archives.
type archiveFlags struct {
	aet, caFile, tokenFile, loginFile string
	timeout                           time.Duration
	retries                           int
}

func (g *archiveFlags) add(f *pflag.FlagSet) {
	f.StringVar(&g.aet, "aet", dimse.DefaultConfig().AET, "our AE title, as the archive knows it")
	f.StringVar(&g.caFile, "ca-file", "", "PEM `FILE` with the authorities that sign the archive's certificate; else those of the system")
	f.StringVar(&g.tokenFile, "token-file", "", "`FILE` with a bearer token")
	f.StringVar(&g.loginFile, "login-file", "", "`FILE` with USER:PASSWORD")
	f.DurationVar(&g.timeout, "timeout", time.Minute, "how long the archive may say nothing")
	f.IntVar(&g.retries, "retries", archive.DefaultRetry().Times, "how often to try again what may pass, after ½, 1, 2 … s")
}

// transfer returns the choices of a transfer.
func (g *archiveFlags) transfer(a *app, again bool) archive.Transfer {
	t := archive.Transfer{Retry: g.retry(), Again: again}
	if !a.quiet {
		t.Progress = func(r archive.Report) {
			a.log.Info("transfer", "transferred", r.Transferred, "there already", r.Present, "failed", len(r.Failed))
		}
	}
	return t
}

func (g *archiveFlags) retry() archive.Retry {
	return archive.Retry{Times: g.retries, Pause: archive.DefaultRetry().Pause}
}

// open returns the archive at a URL; listen is where objects come in by C-MOVE,
// empty for C-GET.
func (g *archiveFlags) open(url, listen string) (archive.Archive, error) {
	if g.timeout <= 0 || g.retries < 0 {
		return nil, usageError("--timeout and --retries must not be negative, nor --timeout zero")
	}
	if peer, ok := strings.CutPrefix(url, "dicom://"); ok {
		p, err := dimse.ParsePeer(strings.TrimSuffix(peer, "/"))
		if err == nil {
			err = dimse.CheckTitle(g.aet)
		}
		if err != nil {
			return nil, usageError("%w", err)
		}
		return &dimse.Client{Peer: p, Config: dimse.Config{AET: g.aet, Timeout: g.timeout}, Listen: listen}, nil
	}
	if listen != "" {
		return nil, usageError("--listen goes with dicom://AET@HOST:PORT")
	}
	cfg := web.DefaultConfig()
	cfg.Timeout, cfg.CAFile = g.timeout, g.caFile
	var err error
	if cfg.Credentials, err = g.credentials(); err != nil {
		return nil, usageError("%w", err)
	}
	c, err := web.New(url, cfg)
	if err != nil {
		return nil, usageError("%w", err)
	}
	return c, nil
}

// credentials reads what the archive asks for.
func (g *archiveFlags) credentials() (web.Credentials, error) {
	c := web.Credentials{Token: os.Getenv(tokenEnv), User: os.Getenv(userEnv), Password: os.Getenv(passwordEnv)}
	if g.tokenFile != "" {
		text, err := os.ReadFile(g.tokenFile)
		if err != nil {
			return c, fmt.Errorf("--token-file: %w", err)
		}
		c.Token = strings.TrimSpace(string(text))
	}
	if g.loginFile != "" {
		text, err := os.ReadFile(g.loginFile)
		if err != nil {
			return c, fmt.Errorf("--login-file: %w", err)
		}
		user, password, ok := strings.Cut(strings.TrimRight(string(text), "\r\n"), ":")
		if !ok {
			return c, fmt.Errorf("--login-file: %s holds no USER:PASSWORD", g.loginFile)
		}
		c.User, c.Password = user, password
	}
	if c.Token != "" && c.User != "" {
		return c, errors.New("both a token and a user are given: which is meant?")
	}
	return c, nil
}

// archiveError gives an error of an archive its class.
func archiveError(err error) error {
	if err == nil {
		return nil
	}
	return &pipeline.Error{Class: pipeline.Unreadable, Code: "PLQ-660", Err: err}
}

// maxNamed is how many failed objects are named.
const maxNamed = 100

// transferred prints how a transfer ended and returns its error.
func (a *app) transferred(verb string, r archive.Report, err error) error {
	for n, f := range r.Failed {
		if n == maxNamed {
			fmt.Fprintf(a.stderr, "  and %d more\n", len(r.Failed)-n)
			break
		}
		fmt.Fprintf(a.stderr, "  %s: %v\n", f.Instance, f.Err)
	}
	if !a.quiet {
		fmt.Fprintf(a.stderr, "%s %d objects; %d were there already; %d failed\n", verb, r.Transferred, r.Present, len(r.Failed))
	}
	switch {
	case err != nil:
		return archiveError(err)
	case len(r.Failed) > 0:
		return &pipeline.Error{Class: pipeline.Partial, Code: "PLQ-661", Err: fmt.Errorf("%d of %d objects failed", len(r.Failed), len(r.Failed)+r.Transferred+r.Present)}
	}
	return nil
}
