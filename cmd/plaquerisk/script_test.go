package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
	"github.com/plaquerisk/plaquerisk/imaging/mha"
	"github.com/plaquerisk/plaquerisk/imaging/nifti"
	"github.com/plaquerisk/plaquerisk/imaging/nrrd"
	"github.com/plaquerisk/plaquerisk/pipeline"
)

// asProgram makes the test binary behave as the program.
const asProgram = "PLAQUERISK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	code := m.Run()
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// shared is what several tests read and none writes: a small phantom, its
// masks in part and displaced, its CT as NIfTI and MetaImage, and its result.
var shared struct {
	once sync.Once
	dir  string
	err  error
}

func sharedDir(t *testing.T) string {
	t.Helper()
	shared.once.Do(func() { shared.err = makeShared() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.dir
}

func makeShared() (err error) {
	if shared.dir, err = os.MkdirTemp("", "plaquerisk-test-"); err != nil {
		return err
	}
	at := func(name ...string) string { return filepath.Join(append([]string{shared.dir}, name...)...) }
	var stderr bytes.Buffer
	if s := run(context.Background(), []string{"phantom", "patient", "--seed", "7", "--out", at("patient")}, &stderr, &stderr); s != 0 {
		return errors.New(stderr.String())
	}
	ct, seg := at("patient", "ct"), at("patient", "segmentation.seg.nrrd")
	if s := run(context.Background(), []string{"score", "--ct", ct, "--seg", seg, "--out", at("result")}, &stderr, &stderr); s != 0 {
		return errors.New(stderr.String())
	}
	p, err := pipeline.New(pipeline.DefaultConfig(), nil)
	if err != nil {
		return err
	}
	in, err := p.ReadCT(context.Background(), pipeline.Files{CT: ct})
	if err != nil {
		return err
	}
	all, err := format.ReadSegmentation(seg)
	if err != nil {
		return err
	}
	plaques, walls, unnamed := *all, *all, *all
	plaques.Segments, walls.Segments, unnamed.Segments = nil, nil, slices.Clone(all.Segments)
	for n, s := range all.Segments {
		if strings.Contains(s.Name, "plaque") {
			plaques.Segments = append(plaques.Segments, s)
		}
		if strings.Contains(s.Name, "wall") {
			walls.Segments = append(walls.Segments, s)
		}
		unnamed.Segments[n].Name = "region " + strconv.Itoa(n+1)
	}
	shifted := plaques
	shifted.Origin.X += 0.2 // about half a voxel
	labels := imaging.Segmentation{Grid: all.Grid, Layers: [][]int32{make([]int32, all.Len())}}
	for n, s := range plaques.Segments {
		for o, v := range plaques.Layers[s.Layer] {
			if v == s.Value {
				labels.Layers[0][o] = int32(n + 1)
			}
		}
	}
	var b, meta, mask bytes.Buffer
	return errors.Join(
		nifti.WriteVolume(&b, in.Volume, true), os.WriteFile(at("ct.nii.gz"), b.Bytes(), 0o644),
		mha.WriteVolume(&meta, in.Volume, true), os.WriteFile(at("ct.mha"), meta.Bytes(), 0o644),
		mha.WriteSegmentation(&mask, &labels, true), os.WriteFile(at("plaques.mha"), mask.Bytes(), 0o644),
		writeSegments(at("shifted.seg.nrrd"), &shifted),
		writeSegments(at("plaques.seg.nrrd"), &plaques), writeSegments(at("walls.seg.nrrd"), &walls), writeSegments(at("unnamed.seg.nrrd"), &unnamed))
}

func writeSegments(path string, s *imaging.Segmentation) error {
	var b bytes.Buffer
	return errors.Join(nrrd.WriteSegmentation(&b, s, true), os.WriteFile(path, b.Bytes(), 0o644))
}

// program returns a command that runs this program as a process of its own.
func program(dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), asProgram+"=1", "PLAQUERISK_CONFIG="), env...)
	return cmd
}

// Every promise made to the user holds: each script is one.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := sharedDir(t)
			examples, err := filepath.Abs(filepath.Join(reference, "examples"))
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t, dir: t.TempDir(), env: map[string]string{"PHANTOM": filepath.Join(dir, "patient"), "SHARED": dir, "RESULT": filepath.Join(dir, "result"), "EXAMPLES": examples}}
			s.run(file, string(text))
		})
	}
}

// script is a run of a file in the syntax of testscript, of which it knows what
// the scripts here need, and these commands: "status N plaquerisk …" runs the
// program and wants exit status N, "schema NAME FILE" validates, "same A B"
// compares folders but for run.json, "spoil FILE OFFSET" changes a byte, "zip
// DIR FILE" packs a folder.
type script struct {
	t              *testing.T
	dir            string
	env            map[string]string
	process        []string
	stdout, stderr string
}

var (
	fileHead = regexp.MustCompile(`(?m)^-- (.+) --\n`)
	word     = regexp.MustCompile(`'[^']*'|\S+`)
)

func (s *script) run(name, text string) {
	heads := fileHead.FindAllStringSubmatchIndex(text, -1)
	body := text
	for n, h := range heads {
		end := len(text)
		if n+1 < len(heads) {
			end = heads[n+1][0]
		}
		path := s.path(text[h[2]:h[3]])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text[h[1]:end]), 0o644)); err != nil {
			s.t.Fatal(err)
		}
	}
	if len(heads) > 0 {
		body = text[:heads[0][0]]
	}
	for n, line := range strings.Split(body, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "[short] "); ok {
			if !testing.Short() {
				continue
			}
			line = rest
		}
		var args []string
		for _, w := range word.FindAllString(line, -1) {
			if w[0] == '\'' {
				args = append(args, strings.Trim(w, "'"))
			} else {
				args = append(args, os.Expand(w, func(key string) string { return s.env[key] }))
			}
		}
		if args[0] == "skip" {
			s.t.Skip(strings.Join(args[1:], " "))
		}
		if err := s.do(args); err != nil {
			s.t.Fatalf("%s:%d: %s: %v\nstdout:\n%s\nstderr:\n%s", name, n+1, line, err, s.stdout, s.stderr)
		}
	}
}

// path returns where a name lies: relative ones in the folder of the script.
func (s *script) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.dir, filepath.FromSlash(name))
}

func (s *script) do(args []string) error {
	not := args[0] == "!"
	if not {
		args = args[1:]
	}
	match := func(text string, pattern string) error {
		re, err := regexp.Compile("(?m)" + pattern)
		if err != nil {
			return err
		}
		if re.MatchString(text) == not {
			return errors.New("found or not found against the wish")
		}
		return nil
	}
	switch cmd := args[0]; cmd {
	case "status":
		return s.program(args[1], args[3:])
	case "env":
		key, value, _ := strings.Cut(args[1], "=")
		s.env[key] = value
		s.process = append(s.process, args[1])
	case "stdout":
		return match(s.stdout, args[1])
	case "stderr":
		return match(s.stderr, args[1])
	case "grep":
		text, err := os.ReadFile(s.path(args[2]))
		return errors.Join(err, match(string(text), args[1]))
	case "exists":
		for _, name := range args[1:] {
			if _, err := os.Stat(s.path(name)); (err == nil) == not {
				return errors.New(name + ": exists or not against the wish")
			}
		}
	case "cmp":
		a, err := s.read(args[1])
		b, berr := s.read(args[2])
		if !bytes.Equal(a, b) {
			return errors.New("contents differ")
		}
		return errors.Join(err, berr)
	case "cp":
		if err := os.CopyFS(s.path(args[2]), os.DirFS(s.path(args[1]))); err == nil {
			return nil
		}
		text, err := os.ReadFile(s.path(args[1]))
		return errors.Join(err, os.WriteFile(s.path(args[2]), text, 0o644))
	case "rm":
		return os.RemoveAll(s.path(args[1]))
	case "mkdir":
		return os.MkdirAll(s.path(args[1]), 0o755)
	case "same":
		return sameTree(s.path(args[1]), s.path(args[2]))
	case "schema":
		text, err := s.read(args[2])
		if err == nil {
			checkAgainst(s.t, args[1], text)
		}
		return err
	case "zip":
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		return errors.Join(z.AddFS(os.DirFS(s.path(args[1]))), z.Close(), os.WriteFile(s.path(args[2]), b.Bytes(), 0o644))
	case "spoil":
		text, err := os.ReadFile(s.path(args[1]))
		offset, nerr := strconv.Atoi(args[2])
		if err = errors.Join(err, nerr); err != nil {
			return err
		}
		text[offset] ^= 1
		return os.WriteFile(s.path(args[1]), text, 0o644)
	default:
		return errors.New("unknown command of a script")
	}
	return nil
}

func (s *script) read(name string) ([]byte, error) {
	switch name {
	case "stdout":
		return []byte(s.stdout), nil
	case "stderr":
		return []byte(s.stderr), nil
	}
	return os.ReadFile(s.path(name))
}

func (s *script) program(want string, args []string) error {
	cmd := program(s.dir, s.process, args...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	s.stdout, s.stderr = stdout.String(), stderr.String()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != want {
		return errors.New("exit status " + got + ", want " + want)
	}
	return nil
}

// sameTree compares two folders of results but for run.json.
func sameTree(a, b string) error {
	list := func(dir string) (map[string]string, error) {
		all := map[string]string{}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == pipeline.RunFile {
				return err
			}
			text, err := os.ReadFile(path)
			rel, rerr := filepath.Rel(dir, path)
			all[rel] = string(text)
			return errors.Join(err, rerr)
		})
		return all, err
	}
	x, err := list(a)
	y, yerr := list(b)
	if err := errors.Join(err, yerr); err != nil {
		return err
	}
	if len(x) == 0 || len(x) != len(y) {
		return errors.New("folders hold different files")
	}
	for _, name := range sortedKeys(x) {
		if x[name] != y[name] {
			return errors.New(name + " differs")
		}
	}
	return nil
}

// A run that is ended by a signal says so by its exit status and leaves no
// result that looks finished.
func TestSignals(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and waits for them")
	}
	dir := sharedDir(t)
	for _, c := range []struct {
		signal os.Signal
		status int
	}{{syscall.SIGTERM, 75}, {os.Interrupt, 130}} {
		out := filepath.Join(t.TempDir(), "out")
		cmd := program(t.TempDir(), nil, "score", "--progress", "json", "--ct", filepath.Join(dir, "patient", "ct"),
			"--seg", filepath.Join(dir, "patient", "segmentation.seg.nrrd"), "--out", out)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 1) // the first line of progress: the handler is in place
		if _, err := stderr.Read(first); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		stop := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
		var rest bytes.Buffer
		rest.ReadFrom(stderr)
		cmd.Wait()
		stop.Stop()
		if got := cmd.ProcessState.ExitCode(); got != c.status {
			t.Errorf("%v: exit status %d, want %d:\n%s", c.signal, got, c.status, &rest)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: left %s", c.signal, out)
		}
	}
	signal.Reset()
}
