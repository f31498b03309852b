// Command dicom times our decoders of compressed pixels beside pydicom with
// GDCM: processor time on one thread, equal values required. README.md has the
// protocol.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/plaquerisk/plaquerisk/dicom/codec"
	"github.com/plaquerisk/plaquerisk/dicom/codec/frame"
)

// syntaxes are the folders that are timed, and what ours may cost of the
// peer's time (issue 7).
var syntaxes = []struct {
	folder, uid string
	limit       float64
}{
	{"rle", "1.2.840.10008.1.2.5", 0.2},
	{"jpegll", "1.2.840.10008.1.2.4.70", 0.5},
	{"jpegls", "1.2.840.10008.1.2.4.80", 1.1},
	{"j2k", "1.2.840.10008.1.2.4.90", 1.4},
}

func main() {
	series := flag.String("series", "", "`folder` of one CT series of 512×512 (JPEG lossless or native)")
	python := flag.String("python", "python3", "`interpreter` with pydicom and python-gdcm")
	slices := flag.Int("slices", 300, "slices to decode; the series is repeated")
	runs := flag.Int("runs", 3, "processes of each program; the least time counts")
	ours := flag.String("ours", "", "decode this `folder` and print the result (used by the program itself)")
	flag.Parse()
	if err := run(*series, *python, *ours, *slices, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench/dicom:", err)
		os.Exit(1)
	}
}

// result is what one process prints.
type result struct {
	CPU  float64 `json:"cpu_s"`
	Peak float64 `json:"peak_mib"`
	Hash string  `json:"hash"` // of all stored values, slice after slice
}

func run(series, python, ours string, slices, runs int) error {
	if ours != "" {
		r, err := decodeFolder(ours, slices)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	dir, err := os.MkdirTemp("", "bench-dicom")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := convert(series, dir); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	n := fmt.Sprint(slices)
	fmt.Printf("%d slices of 512×512, one thread, processor time, least of %d processes; %s, %s/%s.\n\n", slices, runs, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Println("| syntax | ours, s | pydicom + GDCM, s | ratio | limit | ours, peak MiB | values equal |\n|---|---|---|---|---|---|---|")
	for _, s := range syntaxes {
		folder := filepath.Join(dir, s.folder)
		a, b := result{CPU: 1e9}, result{CPU: 1e9}
		for range runs { // in turn, so that both see the same machine
			if a, err = least(a, self, "-ours", folder, "-slices", n); err != nil {
				return err
			}
			if b, err = least(b, python, "bench/dicom/peer.py", folder, n); err != nil {
				return err
			}
		}
		fmt.Printf("| %s | %.2f | %.2f | **%.2f** | %.2f | %.0f | %v |\n", s.folder, a.CPU, b.CPU, a.CPU/b.CPU, s.limit, a.Peak, a.Hash == b.Hash)
		if a.Hash != b.Hash {
			return fmt.Errorf("%s: values differ", s.folder)
		}
	}
	return nil
}

// least starts a process and returns its result, or best if that is faster.
func least(best result, name string, arg ...string) (result, error) {
	cmd := exec.Command(name, arg...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "OMP_NUM_THREADS=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return best, fmt.Errorf("%s %s: %w", name, strings.Join(arg, " "), err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		return best, fmt.Errorf("%s: %w", name, err)
	}
	if r.CPU < best.CPU {
		return r, nil
	}
	return best, nil
}

// convert writes the series in all syntaxes with gdcmconv and dcmcjpls.
func convert(series, dir string) error {
	files, err := filepath.Glob(filepath.Join(series, "*.dcm"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("-series %s: no *.dcm", series)
	}
	raw := filepath.Join(dir, "raw.dcm")
	for _, s := range syntaxes {
		if err := os.Mkdir(filepath.Join(dir, s.folder), 0o755); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := exec.Command("gdcmconv", "--raw", f, raw).Run(); err != nil {
			return fmt.Errorf("gdcmconv --raw %s: %w", f, err)
		}
		for _, s := range syntaxes {
			out := filepath.Join(dir, s.folder, filepath.Base(f))
			cmd := exec.Command("gdcmconv", map[string]string{"rle": "--rle", "jpegll": "--jpeg", "j2k": "--j2k"}[s.folder], raw, out)
			if s.folder == "jpegls" {
				cmd = exec.Command("dcmcjpls", raw, out)
			}
			if msg, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w: %s", cmd, err, msg)
			}
		}
	}
	return os.Remove(raw)
}

// decodeFolder decodes the files of a folder, again and again until there are
// n slices, into one volume.
func decodeFolder(folder string, n int) (result, error) {
	i := slices.IndexFunc(syntaxes, func(s struct {
		folder, uid string
		limit       float64
	}) bool {
		return s.folder == filepath.Base(folder)
	})
	if i < 0 {
		return result{}, fmt.Errorf("folder %s is none of ours", folder)
	}
	syntax, _ := codec.Lookup(syntaxes[i].uid)
	files, err := filepath.Glob(filepath.Join(folder, "*.dcm"))
	if err != nil || len(files) == 0 {
		return result{}, fmt.Errorf("%s: no files", folder)
	}
	slices.Sort(files)
	image := frame.Image{Rows: 512, Columns: 512, Samples: 1, BitsAllocated: 16, BitsStored: 16}
	size := image.Size()
	start := cpu()
	volume := make([]byte, n*size)
	for i := range n {
		b, err := os.ReadFile(files[i%len(files)])
		if err != nil {
			return result{}, err
		}
		f, err := fragment(b)
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", files[i%len(files)], err)
		}
		if err := syntax.Decode(volume[i*size:(i+1)*size], f, image); err != nil {
			return result{}, fmt.Errorf("%s: %w", files[i%len(files)], err)
		}
	}
	r := result{CPU: cpu() - start}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return r, err
	}
	r.Peak = float64(usage.Maxrss) / 1024
	sum := sha256.Sum256(volume)
	r.Hash = hex.EncodeToString(sum[:8])
	return r, nil
}

// fragment returns the only fragment of a file.
func fragment(b []byte) ([]byte, error) {
	at := bytes.LastIndex(b, []byte("\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff"))
	if at < 0 {
		return nil, fmt.Errorf("no encapsulated pixel data")
	}
	b = b[at+12:]
	for range 2 { // offset table, fragment
		if len(b) < 8 || int64(len(b)-8) < int64(binary.LittleEndian.Uint32(b[4:])) {
			return nil, fmt.Errorf("fragments end early")
		}
		n := binary.LittleEndian.Uint32(b[4:])
		if v := b[8 : 8+n]; len(v) > 4 {
			return v, nil
		}
		b = b[8+n:]
	}
	return nil, fmt.Errorf("no fragment")
}

// cpu returns the processor time of this process, user and system, in s.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("bench/dicom: " + err.Error())
	}
	return (time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano())).Seconds()
}
