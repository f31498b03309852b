package web

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/imaging"
)

// series writes a CT series of n slices and returns its objects.
func series(t testing.TB, n int) []*archive.Object {
	t.Helper()
	vol := imaging.NewVolume(imaging.NewGrid([3]int{32, 32, n}, [3]float64{0.5, 0.5, 0.5}, r3.Vec{}))
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

// fake is an archive with one series, as PS3.18 describes it.
type fake struct {
	mu       sync.Mutex
	names    []archive.Name
	files    map[string][]byte // by instance UID
	requests []string
	queries  []string // as they came
	auth     []string
	most     int                                                      // matches in an answer
	trouble  func(w http.ResponseWriter, r *http.Request, n int) bool // handles request n itself
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	f.queries = append(f.queries, r.URL.RawQuery)
	f.auth = append(f.auth, r.Header.Get("Authorization"))
	if f.trouble != nil && f.trouble(w, r, len(f.requests)) {
		return
	}
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/dicom-web/"), "/")
	switch {
	case r.Method == "POST":
		f.store(w, r)
	case path[len(path)-1] == "studies", path[len(path)-1] == "series", path[len(path)-1] == "instances", path[len(path)-1] == "metadata":
		f.find(w, r, path)
	default:
		f.give(w, r, path)
	}
}

func (f *fake) find(w http.ResponseWriter, r *http.Request, path []string) {
	level := path[len(path)-1]
	if level == "metadata" {
		level = "instances"
	}
	seen := map[string]bool{}
	var all []string
	for _, n := range f.names {
		if len(path) > 1 && path[1] != n.Study {
			continue
		}
		uid := map[string]string{"studies": n.Study, "series": n.Series, "instances": n.Instance}[level]
		if seen[uid] {
			continue
		}
		seen[uid] = true
		all = append(all, fmt.Sprintf(`{"0020000D":{"vr":"UI","Value":[%q]},"0020000E":{"vr":"UI","Value":[%q]},"00080018":{"vr":"UI","Value":[%q]},
			"00100010":{"vr":"PN","Value":[{"Alphabetic":"Yamada^Tarou","Ideographic":"山田^太郎"}]},"00280010":{"vr":"US","Value":[32]},
			"00080005":{"vr":"CS","Value":["ISO_IR 100"]},"00081140":{"vr":"SQ","Value":[{}]},"00100030":{"vr":"DA"}}`, n.Study, n.Series, n.Instance))
	}
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil {
		limit = len(all)
	}
	if f.most > 0 && limit > f.most {
		limit = f.most
	}
	all = all[min(offset, len(all)):]
	if limit < len(all) {
		w.Header().Set("Warning", `299 x: "There are more"`)
		all = all[:limit]
	}
	if len(all) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/dicom+json")
	fmt.Fprintf(w, "[%s]", strings.Join(all, ","))
}

func (f *fake) give(w http.ResponseWriter, r *http.Request, path []string) {
	m := multipart.NewWriter(w)
	kind := "application/dicom"
	if strings.Contains(r.URL.Path, "/frames/") {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", `multipart/related; type="`+kind+`"; boundary=`+m.Boundary())
	for _, n := range f.names {
		if path[1] != n.Study || len(path) > 5 && path[5] != n.Instance {
			continue
		}
		b := f.files[n.Instance]
		if kind != "application/dicom" {
			b = b[len(b)-32*32*2:]
		}
		p, _ := m.CreatePart(textproto.MIMEHeader{"Content-Type": {kind}, "Content-Length": {strconv.Itoa(len(b))}})
		p.Write(b)
	}
	m.Close()
}

func (f *fake) store(w http.ResponseWriter, r *http.Request) {
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	m := multipart.NewReader(r.Body, params["boundary"])
	var ok, bad []string
	for {
		p, err := m.NextPart()
		if err != nil {
			break
		}
		b, _ := io.ReadAll(p)
		if p.Header.Get("Content-Length") != strconv.Itoa(len(b)) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		path := filepath.Join(os.TempDir(), fmt.Sprintf("fake-%p", f))
		os.WriteFile(path, b, 0o600)
		o, err := archive.OpenObject(path)
		os.Remove(path)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		item := fmt.Sprintf(`{"00081155":{"vr":"UI","Value":[%q]},"00081197":{"vr":"US","Value":[%d]}}`, o.Instance, 0xc122)
		if strings.HasSuffix(o.Instance, "3") {
			bad = append(bad, item)
			continue
		}
		f.names, f.files[o.Instance] = append(f.names, o.Name), b
		ok = append(ok, item)
	}
	if len(bad) > 0 {
		w.WriteHeader(http.StatusAccepted)
	}
	fmt.Fprintf(w, `{"00081199":{"vr":"SQ","Value":[%s]},"00081198":{"vr":"SQ","Value":[%s]}}`, strings.Join(ok, ","), strings.Join(bad, ","))
}

// serve starts an archive that holds the objects.
func serve(t testing.TB, objects []*archive.Object) (*fake, *Client) {
	t.Helper()
	f := &fake{files: map[string][]byte{}}
	for _, o := range objects {
		b, err := os.ReadFile(o.Path)
		if err != nil {
			t.Fatal(err)
		}
		f.names, f.files[o.Instance] = append(f.names, o.Name), b
	}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	c, err := New(s.URL+"/dicom-web/", DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

var quick = archive.Transfer{Retry: archive.Retry{Times: 3, Pause: time.Millisecond}}

// check compares what arrived with what the archive holds.
func (f *fake) check(t testing.TB, folder *archive.Folder) {
	t.Helper()
	for uid, want := range f.files {
		got, err := os.ReadFile(filepath.Join(folder.Root, f.names[0].Series, uid+".dcm"))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: not what the archive holds (%v)", uid, err)
		}
	}
}

// Matches come page by page, each once, also from an archive that gives less
// than was asked for; text is UTF-8, names have their groups.
func TestFind(t *testing.T) {
	f, c := serve(t, series(t, 7))
	ctx := context.Background()
	for _, most := range []int{0, 2, 7} {
		f.most = most
		var found []archive.Result
		q := archive.Of(archive.Instance, f.names[0].Study, f.names[0].Series, "")
		if err := c.Find(ctx, q, func(r archive.Result) error { found = append(found, r); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(found) != 7 || found[6].Get(archive.TagSOPInstance) != f.names[6].Instance || found[0].Get(0x00100010) != "Yamada^Tarou=山田^太郎" || found[0].Get(0x00280010) != "32" {
			t.Errorf("at most %d: found %v", most, found)
		}
	}
	n := 0
	if err := c.Metadata(ctx, f.names[0].Study, f.names[0].Series, func(archive.Result) error { n++; return nil }); err != nil || n != 7 {
		t.Error(n, err)
	}
	if err := c.Find(ctx, archive.Of(archive.Study, "1.2.3", "", ""), func(archive.Result) error { return nil }); err != nil {
		t.Error("nothing found:", err)
	}
	if err := c.Echo(ctx); err != nil {
		t.Error(err)
	}
	// Wildcards stand in the query as they are, all else that needs it escaped.
	wild := archive.Query{Keys: []archive.Key{{Tag: 0x00100010, Value: "A*&b=+ ?^ü"}, {Tag: 0x00080061}}}
	if err := c.Find(ctx, wild, func(archive.Result) error { return nil }); err != nil {
		t.Error(err)
	}
	if got, want := f.queries[len(f.queries)-1], "00100010=A*%26b%3D%2B%20?%5E%C3%BC&includefield=00080061&limit=1000"; got != want {
		t.Errorf("query %s, want %s", got, want)
	}
	stop := errors.New("enough")
	if err := c.Find(ctx, archive.Query{}, func(archive.Result) error { return stop }); err != stop {
		t.Error(err)
	}
}

// Objects and frames come byte for byte; those that are there are not asked for
// again.
func TestRetrieve(t *testing.T) {
	f, c := serve(t, series(t, 5))
	ctx := context.Background()
	folder := archive.NewFolder(t.TempDir())
	want := archive.Name{Study: f.names[0].Study}
	report, err := archive.Retrieve(ctx, c, want, folder, quick)
	if err != nil || report.Transferred != 5 || report.Present != 0 {
		t.Fatal(report, err)
	}
	f.check(t, folder)
	os.Remove(filepath.Join(folder.Root, f.names[0].Series, f.names[3].Instance+".dcm"))
	f.requests = nil
	report, err = archive.Retrieve(ctx, c, want, folder, quick)
	if err != nil || report.Transferred != 1 || report.Present != 4 || !strings.HasSuffix(f.requests[len(f.requests)-1], f.names[3].Instance) {
		t.Error(report, err, f.requests)
	}
	f.check(t, folder)
	var frames []int
	err = c.Frames(ctx, f.names[1], []int{1}, func(n int, r io.Reader) error {
		b, err := io.ReadAll(r)
		if file := f.files[f.names[1].Instance]; !bytes.Equal(b, file[len(file)-len(b):]) || len(b) != 32*32*2 {
			t.Error("frame differs")
		}
		frames = append(frames, n)
		return err
	})
	if err != nil || !slices.Equal(frames, []int{1}) {
		t.Error(frames, err)
	}
	if err := c.Frames(ctx, f.names[1], []int{1, 2}, func(int, io.Reader) error { return nil }); !errors.Is(err, archive.ErrWrong) {
		t.Error("a frame is missing:", err)
	}
}

// What the archive has is not sent; what it does not take is named with the
// reason.
func TestStore(t *testing.T) {
	objects := series(t, 12)
	f, c := serve(t, objects[:2])
	c.cfg.Batch = 2 * objects[0].Size // several requests
	report, err := archive.Deliver(context.Background(), c, objects, quick)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for n, o := range objects {
		if n >= 2 && strings.HasSuffix(o.Instance, "3") {
			refused++
		} else if want, _ := os.ReadFile(o.Path); !bytes.Equal(f.files[o.Instance], want) {
			t.Error(o.Instance, "is not stored as it is")
		}
	}
	if refused == 0 {
		t.Error("the archive refuses nothing: this test is blind")
	}
	if report.Present != 2 || report.Transferred != 10-refused || len(report.Failed) != refused {
		t.Errorf("%+v, want %d refused", report, refused)
	}
	for _, x := range report.Failed {
		if !strings.Contains(x.Err.Error(), "transfer syntax not supported") {
			t.Error(x.Err)
		}
	}
}

// An archive that is busy, breaks off or hangs up is asked again, for what is
// missing, and what is stored in the end is whole.
func TestTrouble(t *testing.T) {
	for name, trouble := range map[string]func(http.ResponseWriter, *http.Request, int) bool{
		"busy": func(w http.ResponseWriter, r *http.Request, n int) bool {
			if n%2 == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return n%2 == 1
		},
		"hangs up": func(w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 2 {
				panic(http.ErrAbortHandler)
			}
			return false
		},
	} {
		f, c := serve(t, series(t, 3))
		f.trouble = trouble
		folder := archive.NewFolder(t.TempDir())
		report, err := archive.Retrieve(context.Background(), c, archive.Name{Study: f.names[0].Study}, folder, quick)
		if err != nil || report.Transferred != 3 {
			t.Errorf("%s: %+v %v", name, report, err)
		}
		f.check(t, folder)
	}
	// Broken off in the third object, once: two are kept, one is asked for.
	f, c := serve(t, series(t, 3))
	broken := false
	f.trouble = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if broken || !strings.HasSuffix(r.URL.Path, f.names[0].Series) {
			return false
		}
		broken = true
		w.Header().Set("Content-Type", `multipart/related; type="application/dicom"; boundary=x`)
		for n, name := range f.names {
			b := f.files[name.Instance]
			if n == 2 {
				b = b[:len(b)/2]
			}
			fmt.Fprintf(w, "--x\r\nContent-Type: application/dicom\r\n\r\n%s\r\n", b)
		}
		return true
	}
	folder := archive.NewFolder(t.TempDir())
	report, err := archive.Retrieve(context.Background(), c, archive.Name{Study: f.names[0].Study}, folder, quick)
	if err != nil || report.Transferred != 3 || !broken || !strings.Contains(f.requests[len(f.requests)-1], "/instances/"+f.names[2].Instance) {
		t.Error(report, err, f.requests)
	}
	f.check(t, folder)
	// Down for good: it is said how often it was tried.
	f.trouble = func(w http.ResponseWriter, r *http.Request, n int) bool { w.WriteHeader(500); return true }
	f.requests = nil
	_, err = archive.Retrieve(context.Background(), c, archive.Name{Study: "1.2"}, folder, quick)
	if err == nil || !strings.Contains(err.Error(), "after 4 attempts") || len(f.requests) != 4 {
		t.Error(err, f.requests)
	}
	f.trouble = func(w http.ResponseWriter, r *http.Request, n int) bool { w.WriteHeader(403); return true }
	f.requests = nil
	if err := c.Echo(context.Background()); err == nil || archive.IsTemporary(err) || !strings.Contains(err.Error(), "credentials") {
		t.Error(err)
	}
}

// Answers of a hostile archive are errors that say so; nothing is stored.
func TestHostile(t *testing.T) {
	objects := series(t, 1)
	whole, err := os.ReadFile(objects[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	part := func(kind string, b []byte) string {
		return "--x\r\nContent-Type: " + kind + "\r\n\r\n" + string(b) + "\r\n"
	}
	const related = `multipart/related; type="application/dicom"; boundary=x`
	other := bytes.ReplaceAll(whole, []byte(objects[0].Series), []byte("1.2.3"+strings.Repeat("0", len(objects[0].Series)-5)))
	for name, c := range map[string]struct{ kind, body string }{
		"no boundary":       {`multipart/related; type="application/dicom"`, part("application/dicom", whole) + "--x--"},
		"other boundary":    {strings.Replace(related, "=x", "=y", 1), part("application/dicom", whole) + "--x--"},
		"HTML":              {"text/html", "<html>log in</html>"},
		"no kind":           {"", "x"},
		"part of HTML":      {related, part("text/html", []byte("<html>")) + "--x--"},
		"no end":            {related, part("application/dicom", whole)},
		"cut":               {related, part("application/dicom", whole)[:900]},
		"empty part":        {related, part("application/dicom", nil) + "--x--"},
		"no parts":          {related, "--x--"},
		"another's series":  {related, part("application/dicom", other) + "--x--"},
		"wrong length":      {related, strings.Replace(part("application/dicom", whole), "\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n", 1) + "--x--"},
		"endless header":    {related, "--x\r\nContent-Type: " + strings.Repeat("a", 20<<20)},
		"many header lines": {related, "--x\r\n" + strings.Repeat("a: b\r\n", 1<<20)},
		"too large":         {related, part("application/dicom", append(bytes.Clone(whole), make([]byte, 2<<20)...)) + "--x--"},
	} {
		f, client := serve(t, objects)
		f.trouble = func(w http.ResponseWriter, r *http.Request, n int) bool {
			if strings.HasSuffix(r.URL.Path, "/instances") && r.URL.Query().Has("limit") {
				return false
			}
			if c.kind == "" {
				w.Header()["Content-Type"] = nil
			} else {
				w.Header().Set("Content-Type", c.kind)
			}
			io.WriteString(w, c.body)
			return true
		}
		folder := archive.NewFolder(t.TempDir())
		folder.MaxObject = 1 << 20
		report, err := archive.Retrieve(context.Background(), client, archive.Name{Study: objects[0].Study, Series: objects[0].Series}, folder,
			archive.Transfer{Retry: archive.Retry{Times: 1, Pause: time.Millisecond}})
		if name != "wrong length" && name != "no end" && report.Transferred != 0 || err == nil && len(report.Failed) == 0 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	for name, body := range map[string]string{
		"no JSON": "<html>", "object": `{}`, "number": `[1]`, "cut": `[{"00080018":{"vr":"UI","Val`, "no tag": `[{"x":{"vr":"UI"}}]`,
		"object as text": `[{"00080018":{"vr":"UI","Value":[{}]}}]`, "deep": strings.Repeat("[", 1<<20), "long": `[{"00080018":{"vr":"UI","Value":["` + strings.Repeat("1", maxDataset) + `"]}}]`,
		"path": `[{"00080018":{"vr":"UI","Value":["../../etc/passwd"]}}]`,
	} {
		f, client := serve(t, objects)
		f.trouble = func(w http.ResponseWriter, r *http.Request, n int) bool { io.WriteString(w, body); return true }
		folder := archive.NewFolder(t.TempDir())
		_, err := archive.Retrieve(context.Background(), client, archive.Name{Study: "1.2", Series: "1.3"}, folder, archive.Transfer{})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if strings.Contains(fmt.Sprint(err), strings.Repeat("1", 1000)) {
			t.Errorf("%s: the error repeats what was sent", name)
		}
	}
	// A page that repeats for ever.
	f, client := serve(t, objects)
	f.trouble = func(w http.ResponseWriter, r *http.Request, n int) bool {
		w.Header().Set("Warning", "299 x")
		io.WriteString(w, `[{"0020000D":{"vr":"UI","Value":["1.2"]}}]`)
		return true
	}
	if err := client.Find(context.Background(), archive.Query{}, func(archive.Result) error { return nil }); !errors.Is(err, archive.ErrWrong) {
		t.Error("the same page for ever:", err)
	}
	// No key of a query, which may name a patient, is in an error.
	f.trouble = func(w http.ResponseWriter, r *http.Request, n int) bool { panic(http.ErrAbortHandler) }
	q := archive.Query{Keys: []archive.Key{{Tag: 0x00100010, Value: "Secret^Name"}}}
	if err := client.Find(context.Background(), q, nil); err == nil || strings.Contains(err.Error(), "Secret") {
		t.Error(err)
	}
}

// Credentials reach the archive and nobody else, are not printed, and go over
// TLS with the given authority alone.
func TestCredentials(t *testing.T) {
	ctx := context.Background()
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Error("a redirection was followed, with", r.Header)
	}))
	defer thief.Close()
	f := &fake{}
	s := httptest.NewTLSServer(f)
	defer s.Close()
	s.Config.ErrorLog = nil
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Credentials = Credentials{Token: "t0ken"}
	c, err := New(s.URL, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Echo(ctx); err == nil || archive.IsTemporary(err) {
		t.Error("an unknown authority:", err)
	}
	cfg.CAFile = authority
	for _, a := range []struct {
		Credentials
		want string
	}{{Credentials{Token: "t0ken"}, "Bearer t0ken"}, {Credentials{User: "u", Password: "p"}, "Basic dTpw"}, {Credentials{}, ""}} {
		cfg.Credentials = a.Credentials
		if c, err = New(s.URL, cfg); err != nil {
			t.Fatal(err)
		}
		if err := c.Echo(ctx); err != nil || f.auth[len(f.auth)-1] != a.want {
			t.Error(err, f.auth)
		}
	}
	f.trouble = func(w http.ResponseWriter, r *http.Request, n int) bool {
		http.Redirect(w, r, thief.URL, http.StatusFound)
		return true
	}
	if err := c.Echo(ctx); err == nil || archive.IsTemporary(err) {
		t.Error("redirected:", err)
	}
	cfg.Credentials = Credentials{Token: "t0ken", User: "me", Password: "secret"}
	shown := fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg)
	if strings.Contains(shown, "t0ken") || strings.Contains(shown, "secret") {
		t.Error("credentials are printed:", shown)
	}
	for _, bad := range []string{"http://archive.example/dicom-web", "https://me:secret@host/x", "ftp://host", "host/x", "https://host/x?y=1", "https://h:%zz/"} {
		if c, err := New(bad, cfg); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v %v", bad, c, err)
		}
	}
	cfg.CAFile = filepath.Join(t.TempDir(), "none")
	if _, err := New("https://h", cfg); err == nil {
		t.Error("no authority")
	}
}

// An archive that stops talking is given up, and tried again.
func TestSilence(t *testing.T) {
	f, c := serve(t, nil)
	cfg := DefaultConfig()
	cfg.Timeout = 50 * time.Millisecond
	c, err := New(c.root.String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.trouble = func(w http.ResponseWriter, r *http.Request, n int) bool {
		time.Sleep(200 * time.Millisecond)
		return true
	}
	if err := c.Echo(context.Background()); !archive.IsTemporary(err) {
		t.Error(err)
	}
}

// No JSON makes the reader of matches panic, and what it takes it can show.
func FuzzResult(f *testing.F) {
	f.Add([]byte(`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B","Phonetic":"C"}]},"00280010":{"vr":"US","Value":[32,null]}}`))
	f.Add([]byte(`{"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}}]},"00081198":{"vr":"SQ","Value":[{}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		stored(b)
		var set map[string]attribute
		if json.Unmarshal(b, &set) != nil {
			return
		}
		if r, err := result(set); err == nil {
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		}
	})
}
