package dimse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/verify"
)

// series writes a CT series of n slices and returns its objects.
func series(t testing.TB, n int) []*archive.Object {
	t.Helper()
	vol := imaging.NewVolume(imaging.NewGrid([3]int{64, 64, n}, [3]float64{0.5, 0.5, 0.5}, r3.Vec{}))
	for i := range vol.Values {
		vol.Values[i] = float32(i%2000 - 1000)
	}
	dir := t.TempDir()
	if err := dicom.Write(context.Background(), dir, vol, dicom.DefaultMeta()); err != nil {
		t.Fatal(err)
	}
	objects, _, err := archive.Objects(context.Background(), dir)
	if err != nil || len(objects) != n {
		t.Fatal(len(objects), err)
	}
	return objects
}

// listen serves on a free port of loopback and returns a client of it.
func listen(t testing.TB, put archive.Put) *Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Timeout = 10 * time.Second
	s := &Server{Config: cfg, Put: put}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return &Client{Peer: Peer{cfg.AET, l.Addr().String()}, Config: cfg}
}

// into returns a Put that fills a folder.
func into(folder *archive.Folder) archive.Put {
	return func(r io.Reader, name archive.Name) error {
		_, _, err := folder.Put(r, archive.Name{Class: name.Class, Instance: name.Instance})
		return err
	}
}

// bodies returns the data sets of objects by UID.
func bodies(t testing.TB, objects []*archive.Object) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, o := range objects {
		r, _, err := o.Body()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		all[o.Instance] = o.Syntax + "\n" + string(b)
	}
	return all
}

// equal counts objects of a folder that are byte for byte those that were sent.
func equal(t testing.TB, sent []*archive.Object, folder string) int {
	t.Helper()
	got, _, err := archive.Objects(context.Background(), folder)
	if err != nil {
		t.Fatal(err)
	}
	want, have := bodies(t, sent), bodies(t, got)
	n := 0
	for uid, b := range want {
		if have[uid] == b {
			n++
		}
	}
	if len(got) != len(sent) {
		t.Errorf("%d objects in the folder, %d were sent", len(got), len(sent))
	}
	return n
}

// What our client stores in our server arrives byte for byte, whatever the
// length of the PDUs.
func TestStoreOnLoopback(t *testing.T) {
	objects := series(t, 4)
	folder := archive.NewFolder(t.TempDir())
	c := listen(t, into(folder))
	if err := c.Echo(context.Background()); err != nil {
		t.Fatal(err)
	}
	report, err := archive.Deliver(context.Background(), c, objects, archive.Transfer{Again: true})
	if err != nil || report.Transferred != 4 || len(report.Failed) > 0 {
		t.Fatal(report, err)
	}
	if n := equal(t, objects, folder.Root); n != 4 {
		t.Errorf("%d of 4 objects are equal", n)
	}
}

// Refusals name their reason: an AE title that is not ours, a service that is
// not offered, an object that cannot be stored, nobody there.
func TestRefusals(t *testing.T) {
	ctx := context.Background()
	full := errors.New("disk full")
	c := listen(t, func(r io.Reader, _ archive.Name) error { return full })
	stranger := *c
	stranger.Peer.AET = "OTHER"
	var reject *RejectError
	if err := stranger.Echo(ctx); !errors.As(err, &reject) || reject.Reason != 7 {
		t.Error("called AE title:", err)
	}
	if err := c.Find(ctx, archive.Query{}, nil); !errors.Is(err, ErrRefused) {
		t.Error("C-FIND at a storage server:", err)
	}
	objects := series(t, 2)
	report, err := archive.Deliver(ctx, c, objects, archive.Transfer{Again: true, Retry: archive.Retry{Times: 1, Pause: time.Millisecond}})
	var status *StatusError
	if !errors.As(err, &status) || status.Status != statusResources || report.Transferred != 0 {
		t.Error("a full disk:", report, err)
	}
	odd := *objects[0]
	odd.Class = "1.2.3"
	err = c.Send(ctx, []*archive.Object{&odd, objects[1]}, func(o *archive.Object, err error) {
		if o == &odd && !errors.Is(err, ErrRefused) {
			t.Error("unknown class:", err)
		}
	})
	if err != nil {
		t.Error(err)
	}
	gone := *c
	gone.Peer.Address = "127.0.0.1:1"
	if err := gone.Echo(ctx); !archive.IsTemporary(err) {
		t.Error("nobody there:", err)
	}
	for _, s := range []string{"", "A@", "@h:1", "TOOLONGANAETITLEINDEED@h:1", "A@h"} {
		if p, err := ParsePeer(s); err == nil {
			t.Errorf("%q: %v", s, p)
		}
	}
}

// A server that says nothing, hangs up or talks nonsense ends the call with an
// error before the deadline is long past.
func TestHostileServer(t *testing.T) {
	accept := (&associate{called: "X", calling: "Y", maxPDU: 16384, contexts: []presentation{{id: 1, syntaxes: native[1:]}}}).encode(kindAccept)
	echo := (&command{Field: cEcho | response, Class: verification, ID: 1}).encode()
	data := func(context, kind byte, v []byte) []byte {
		return endPDU(append(appendFragment(nil, context, kind, len(v), true), v...))
	}
	for name, reply := range map[string][]byte{
		"silence": nil, "text": []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "zeros": make([]byte, 1000),
		"long PDU":          {kindAccept, 0, 0xff, 0xff, 0xff, 0xff, 0},
		"cut":               accept[:len(accept)/2],
		"small PDUs":        (&associate{maxPDU: 1}).encode(kindAccept),
		"abort":             endPDU(append(appendPDU(nil, kindAbort), 0, 0, 2, 1)),
		"reject":            endPDU(append(appendPDU(nil, kindReject), 0, 1, 1, 3)),
		"short reject":      endPDU(append(appendPDU(nil, kindReject), 0)),
		"release":           append(bytes.Clone(accept), endPDU(append(appendPDU(nil, kindRelease), 0, 0, 0, 0))...),
		"other context":     append(bytes.Clone(accept), data(3, 1, echo)...),
		"data first":        append(bytes.Clone(accept), data(1, 0, echo)...),
		"damaged command":   append(bytes.Clone(accept), data(1, 1, echo[:20])...),
		"other command":     append(bytes.Clone(accept), data(1, 1, (&command{Field: cStore, ID: 1}).encode())...),
		"another's answer":  append(bytes.Clone(accept), data(1, 1, (&command{Field: cEcho | response, ID: 9}).encode())...),
		"failure":           append(bytes.Clone(accept), data(1, 1, (&command{Field: cEcho | response, ID: 1, Status: 0x0110, Comment: "no"}).encode())...),
		"fragment too long": append(bytes.Clone(accept), kindData, 0, 0, 0, 0, 7, 0, 0, 0xff, 0, 1, 3, 0),
		"empty PDU":         append(bytes.Clone(accept), kindData, 0, 0, 0, 0, 0),
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			conn.Write(reply)
			io.Copy(io.Discard, conn)
		}()
		c := &Client{Peer: Peer{"X", l.Addr().String()}, Config: Config{AET: "Y", Timeout: 300 * time.Millisecond}}
		start := time.Now()
		if err := c.Echo(context.Background()); err == nil || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(start))
		}
		l.Close()
	}
}

// A call ends when its context does.
func TestCancel(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	c := &Client{Peer: Peer{"X", l.Addr().String()}, Config: DefaultConfig()}
	if err := c.Echo(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// start runs a program of dcmtk until the test ends, and skips where it is not
// installed.
func start(t *testing.T, port int, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip("dcmtk is not installed")
	}
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	for range 100 {
		conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
		if err == nil {
			conn.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal(name, "does not answer")
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// The archive of dcmtk, which we did not write, answers all our services: what
// is stored there is found, and comes back by C-GET and C-MOVE byte for byte.
func TestAgainstDcmqrscp(t *testing.T) {
	if testing.Short() {
		t.Skip("runs an archive")
	}
	port, ours := freePort(t), freePort(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "dcmqrscp.cfg")
	text := fmt.Sprintf(`NetworkTCPPort = %d
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
us = (PLAQUERISK, 127.0.0.1, %d)
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
ARCHIVE %s RW (200, 1024mb) ANY
AETable END
`, port, ours, dir)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, port, "dcmqrscp", "-c", config, strconv.Itoa(port))
	ctx := context.Background()
	c := &Client{Peer: Peer{"ARCHIVE", fmt.Sprint("127.0.0.1:", port)}, Config: DefaultConfig()}
	objects := series(t, 5)
	row := func(quantity string, got, want int) {
		verify.Check{Suite: "dicom networks", Case: "dcmqrscp, a series of 5 slices", Quantity: quantity, Source: "dcmtk 3.6",
			Got: float64(got), Want: float64(want)}.Run(t)
	}
	if err := c.Echo(ctx); err != nil {
		t.Fatal("C-ECHO:", err)
	}
	report, err := archive.Deliver(ctx, c, objects[:3], archive.Transfer{})
	if err != nil || len(report.Failed) > 0 {
		t.Fatal(report, err)
	}
	// What is there already is not sent again.
	if report, err = archive.Deliver(ctx, c, objects, archive.Transfer{}); err != nil {
		t.Fatal(err)
	}
	row("objects that a second C-STORE run leaves out", report.Present, 3)
	var found []archive.Result
	q := archive.Query{Keys: []archive.Key{{Tag: 0x00100020, Value: "PHAN*"}, {Tag: archive.TagStudy}, {Tag: 0x00080020, Value: "20250101-20250102"}}}
	if err := c.Find(ctx, q, func(r archive.Result) error { found = append(found, r); return nil }); err != nil {
		t.Fatal(err)
	}
	row("studies found by C-FIND with wildcard and range of dates", len(found), 1)
	if len(found) != 1 || found[0].Get(archive.TagStudy) != objects[0].Study || found[0].Get(0x00100020) != "PHANTOM" {
		t.Errorf("found %v", found)
	}
	want := archive.Name{Study: objects[0].Study}
	get := archive.NewFolder(t.TempDir())
	if _, err := archive.Retrieve(ctx, c, want, get, archive.Transfer{}); err != nil {
		t.Fatal("C-GET:", err)
	}
	row("objects that come back by C-GET byte for byte", equal(t, objects, get.Root), 5)
	// A transfer that was broken off goes on where it stopped.
	lost := filepath.Join(get.Root, objects[1].Series, objects[1].Instance+".dcm")
	if err := os.Remove(lost); err != nil {
		t.Fatal(err)
	}
	if report, err = archive.Retrieve(ctx, c, want, get, archive.Transfer{}); err != nil {
		t.Fatal(err)
	}
	row("objects that a resumed C-GET run fetches", report.Transferred, 1)
	row("objects there after it byte for byte", equal(t, objects, get.Root), 5)
	move := archive.NewFolder(t.TempDir())
	c.Listen = fmt.Sprint("127.0.0.1:", ours)
	if _, err := archive.Retrieve(ctx, c, want, move, archive.Transfer{}); err != nil {
		t.Fatal("C-MOVE:", err)
	}
	row("objects that come back by C-MOVE byte for byte", equal(t, objects, move.Root), 5)
	want.Study = "1.2.3"
	if _, err := archive.Retrieve(ctx, c, want, move, archive.Transfer{}); !errors.Is(err, archive.ErrNone) {
		t.Error("a study that is not there:", err)
	}
}

// Every sample file, in any syntax and however odd, that storescp takes from us
// arrives byte for byte; our server takes them all.
func TestSamples(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a program")
	}
	all, _, err := archive.Objects(context.Background(), verify.Shared(t, "data", "dicom"))
	if len(all) < 100 { // the error names the damaged ones
		t.Fatal(len(all), err)
	}
	var objects []*archive.Object // some share their UID
	seen := map[string]bool{}
	for _, o := range all {
		if !seen[o.Instance] {
			seen[o.Instance] = true
			objects = append(objects, o)
		}
	}
	row := func(to string, c *Client, dir string) {
		t.Helper()
		report, err := archive.Deliver(context.Background(), c, objects, archive.Transfer{Again: true, Retry: archive.Retry{Times: 1, Pause: time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		failed := map[string]bool{}
		for _, f := range report.Failed {
			t.Log(to, f.Instance, f.Err)
			failed[f.Instance] = true
		}
		var sent []*archive.Object
		for _, o := range objects {
			if !failed[o.Instance] {
				sent = append(sent, o)
			}
		}
		verify.Check{Suite: "dicom networks", Case: fmt.Sprintf("%d sample files to %s", len(objects), to), Quantity: "objects that arrive byte for byte, of those that it takes",
			Source: "the files themselves", Got: float64(equal(t, sent, dir)), Want: float64(len(sent))}.Run(t)
		verify.Check{Suite: "dicom networks", Case: fmt.Sprintf("%d sample files to %s", len(objects), to), Quantity: "objects that it takes",
			Source: "the files themselves", Got: float64(len(sent)), Want: float64(len(objects)), Tol: 4}.Run(t) // of classes and syntaxes newer than dcmtk 3.6.7
	}
	folder := archive.NewFolder(t.TempDir())
	row("our C-STORE server", listen(t, into(folder)), folder.Root)
	port := freePort(t)
	dir := t.TempDir()
	start(t, port, "storescp", "--accept-all", "+B", "-pm", "-aet", "THEM", "-od", dir, strconv.Itoa(port))
	row("storescp of dcmtk 3.6", &Client{Peer: Peer{"THEM", fmt.Sprint("127.0.0.1:", port)}, Config: DefaultConfig()}, dir)
}

// What storescu of dcmtk sends, our server takes; what our client sends,
// storescp of dcmtk takes: byte for byte, in every syntax that both know.
func TestAgainstDcmtk(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs")
	}
	objects := series(t, 3)
	syntaxes := map[string]string{"explicit little endian": "", "RLE": "dcmcrle", "JPEG lossless": "dcmcjpeg", "JPEG-LS": "dcmcjpls"}
	var all []*archive.Object
	dir := t.TempDir()
	for name, tool := range syntaxes {
		if tool == "" {
			all = append(all, objects[0])
			continue
		}
		path := filepath.Join(dir, tool)
		if out, err := exec.Command(tool, "+ua", objects[0].Path, path).CombinedOutput(); err != nil {
			t.Skip(name, err, string(out))
		}
		o, err := archive.OpenObject(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	t.Run("storescp", func(t *testing.T) {
		port := freePort(t)
		dir := t.TempDir()
		start(t, port, "storescp", "--accept-all", "+B", "-aet", "THEM", "-od", dir, strconv.Itoa(port))
		c := &Client{Peer: Peer{"THEM", fmt.Sprint("127.0.0.1:", port)}, Config: DefaultConfig()}
		report, err := archive.Deliver(context.Background(), c, all, archive.Transfer{Again: true})
		if err != nil || len(report.Failed) > 0 {
			t.Fatal(report, err)
		}
		verify.Check{Suite: "dicom networks", Case: "our C-STORE to storescp", Quantity: "objects in 4 syntaxes that arrive byte for byte",
			Source: "dcmtk 3.6", Got: float64(equal(t, all, dir)), Want: float64(len(all))}.Run(t)
	})
	t.Run("storescu", func(t *testing.T) {
		folder := archive.NewFolder(t.TempDir())
		c := listen(t, into(folder))
		_, port, _ := net.SplitHostPort(c.Peer.Address)
		args := []string{"-R", "-aec", c.Config.AET}
		n := 0
		var sent []*archive.Object
		for _, o := range all {
			propose, ok := map[string]string{"1.2.840.10008.1.2.1": "-xe", "1.2.840.10008.1.2.5": "-xr", "1.2.840.10008.1.2.4.70": "-xs", "1.2.840.10008.1.2.4.80": "-xt"}[o.Syntax]
			if !ok {
				t.Fatal(o.Syntax)
			}
			if out, err := exec.Command("storescu", append(args, propose, "127.0.0.1", port, o.Path)...).CombinedOutput(); err != nil {
				t.Fatal(err, string(out))
			}
			sent = append(sent, o)
		}
		n = equal(t, sent, folder.Root)
		verify.Check{Suite: "dicom networks", Case: "storescu to our C-STORE server", Quantity: "objects in 4 syntaxes that arrive byte for byte",
			Source: "dcmtk 3.6", Got: float64(n), Want: float64(len(sent))}.Run(t)
	})
	t.Run("echoscu", func(t *testing.T) {
		c := listen(t, nil)
		_, port, _ := net.SplitHostPort(c.Peer.Address)
		if out, err := exec.Command("echoscu", "-aec", c.Config.AET, "127.0.0.1", port).CombinedOutput(); err != nil {
			t.Error(err, string(out))
		}
		if out, err := exec.Command("echoscu", "-aec", "OTHER", "127.0.0.1", port).CombinedOutput(); err == nil || !strings.Contains(string(out), "Called AE Title Not Recognized") {
			t.Error(err, string(out))
		}
	})
}
