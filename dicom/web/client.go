package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
)

// Config says how an archive is reached.
type Config struct {
	// Timeout is how long the archive may say nothing.
	Timeout time.Duration
	// CAFile, if not empty, holds the certificates, in PEM, that sign the
	// archive's; else those of the system do.
	CAFile      string
	Credentials Credentials
	// Batch is how many bytes of objects go into one request, at least one
	// object.
	Batch int64
}

// DefaultConfig returns a minute, and batches of 64 MiB.
func DefaultConfig() Config { return Config{Timeout: time.Minute, Batch: 64 << 20} }

// Credentials are what the archive asks for: a token (RFC 6750), a user with a
// password (RFC 7617), or nothing.
type Credentials struct{ Token, User, Password string }

// String hides them.
func (c Credentials) String() string { return "credentials" }

// GoString hides them.
func (c Credentials) GoString() string { return "web.Credentials{…}" }

// Client is an archive at the root of its DICOMweb services.
type Client struct {
	root *url.URL
	cfg  Config
	http *http.Client
}

var _ archive.Archive = (*Client)(nil)

// New returns a client of the archive at root, "https://host/dicom-web".
func New(root string, cfg Config) (*Client, error) {
	u, err := url.Parse(root)
	if err != nil {
		return nil, errors.New("the URL of the archive cannot be read") // it may hold a password
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("%q: want http://HOST/PATH or https://HOST/PATH", u.Redacted())
	case u.User != nil:
		return nil, errors.New("the URL holds a user: anybody on this machine could read it; credentials come from the environment or a file")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%s://%s%s: the URL goes on behind the path", u.Scheme, u.Host, u.Path)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if c := cfg.Credentials; (c.Token != "" || c.User != "") && u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("%s: credentials would travel in the clear: use https", u.Host)
	}
	trust := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates: %s holds none in PEM", cfg.CAFile)
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = trust
	transport.DisableCompression = true // pixels hardly shrink, and a bomb would grow
	transport.MaxResponseHeaderBytes = 1 << 20
	dial := &net.Dialer{Timeout: cfg.Timeout}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &patient{Conn: conn, limit: cfg.Timeout}, nil
	}
	return &Client{root: u, cfg: cfg, http: &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Host != u.Host || r.URL.Scheme != u.Scheme || len(via) > 5 {
			return fmt.Errorf("redirected to %s://%s, which was not asked for", r.URL.Scheme, r.URL.Host)
		}
		return nil
	}}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// patient is a connection that waits for a while at every read and write, and
// not in all: a large series may take hours.
type patient struct {
	net.Conn
	limit time.Duration
}

func (p *patient) Read(b []byte) (int, error) {
	p.SetReadDeadline(time.Now().Add(p.limit))
	return p.Conn.Read(b)
}

func (p *patient) Write(b []byte) (int, error) {
	p.SetWriteDeadline(time.Now().Add(p.limit))
	n, err := p.Conn.Write(b)
	p.SetReadDeadline(time.Now().Add(p.limit)) // the answer is awaited from the last byte on
	return n, err
}

// StatusError is an answer that is none.
type StatusError struct {
	Request string // method and path
	Code    int
}

// Error gives the status and what it means to a user.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s: %d %s", e.Request, e.Code, http.StatusText(e.Code))
	switch e.Code {
	case http.StatusUnauthorized, http.StatusForbidden:
		s += ": the archive wants other credentials"
	case http.StatusNotFound:
		s += ": the archive has no such object, or its DICOMweb services have another root"
	case http.StatusNotAcceptable:
		s += ": the archive does not give objects as they are stored"
	}
	return s
}

// aboutContent tells whether what was sent or asked for may be the reason, not
// the state of the archive or the right to do so.
func (e *StatusError) aboutContent() bool {
	switch e.Code {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusNotAcceptable, http.StatusGone, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusInternalServerError:
		return true
	}
	return false
}

// request is one call of the archive.
type request struct {
	method, path  string
	query         url.Values
	accept        string
	body          func() (io.ReadCloser, error) // nil: none
	contentType   string
	contentLength int64
}

// plain leaves characters as they are that a query may hold (RFC 3986 3.4):
// Orthanc 1.10 does not see a wildcard in %2A.
var plain = strings.NewReplacer("%2A", "*", "%3F", "?", "%2C", ",", "%3A", ":", "%2F", "/", "+", "%20")

// do makes a call, whose answer must have one of the status codes. The caller
// closes its body.
func (c *Client) do(ctx context.Context, q request, codes ...int) (*http.Response, error) {
	u := *c.root
	u.Path += q.path
	u.RawQuery = plain.Replace(q.query.Encode())
	name := q.method + " " + u.Path
	r, err := http.NewRequestWithContext(ctx, q.method, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: not a request", name)
	}
	if q.body != nil {
		if r.Body, err = q.body(); err != nil {
			return nil, err
		}
		r.GetBody, r.ContentLength = q.body, q.contentLength
		r.Header.Set("Content-Type", q.contentType)
	}
	r.Header.Set("Accept", q.accept)
	r.Header.Set("User-Agent", "plaquerisk")
	switch a := c.cfg.Credentials; {
	case a.Token != "":
		r.Header.Set("Authorization", "Bearer "+a.Token)
	case a.User != "":
		r.SetBasicAuth(a.User, a.Password)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		var told *url.Error // its text holds the query
		if errors.As(err, &told) {
			err = told.Err
		}
		return nil, c.lost(ctx, name, err)
	}
	for _, code := range codes {
		if answer.StatusCode == code {
			return answer, nil
		}
	}
	io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	answer.Body.Close()
	err = &StatusError{name, answer.StatusCode}
	switch answer.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		after, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		err = archive.Temporary(err, time.Duration(max(after, 0))*time.Second)
	}
	return nil, err
}

// lost says that an error of the connection may pass, unless we have ended it
// or the other side is not who it should be.
func (c *Client) lost(ctx context.Context, name string, err error) error {
	var certificate *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &certificate), strings.Contains(err.Error(), "redirected to"), strings.Contains(err.Error(), "HTTP response to HTTPS"):
		return fmt.Errorf("%s: %w", name, err)
	}
	return archive.Temporary(fmt.Errorf("%s: %w", name, err), 0)
}
