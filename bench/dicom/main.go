// Command dicom times our reading of stored values, native and compressed,
// beside pydicom with GDCM: processor time on one thread, equal values
// required; converting and loading a series, beside dcm2niix; and how many
// headers we read in a second. README.md has the protocol.
package main

import (
	"context"
	"crypto/sha256"
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

	"github.com/plaquerisk/plaquerisk/dicom/part10"
	"github.com/plaquerisk/plaquerisk/dicom/pixel"
)

// syntaxes are the folders that are timed, and what ours may cost of the
// peer's time (issue 7).
var syntaxes = []struct {
	folder string
	limit  float64
}{
	{"native", 0.22},
	{"rle", 0.2},
	{"jpegll", 0.5},
	{"jpegls", 1.1},
	{"j2k", 1.4},
}

func main() {
	series := flag.String("series", "", "`folder` of one CT series of 512×512 (JPEG lossless or native)")
	python := flag.String("python", "python3", "`interpreter` with pydicom and python-gdcm")
	slices := flag.Int("slices", 300, "slices to decode; the series is repeated")
	runs := flag.Int("runs", 3, "processes of each program; the least time counts")
	ours := flag.String("ours", "", "read this `folder` and print the result (used by the program itself)")
	how := flag.String("how", "values", "what to do with it: values, convert or load")
	flag.Parse()
	if err := run(*series, *python, *ours, *how, *slices, *runs); err != nil {
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

func run(series, python, ours, how string, slices, runs int) error {
	if ours != "" {
		r, err := map[string]func(string, int) (result, error){"values": readFolder, "convert": convertFolder, "make": makeFolder, "load": loadFolder}[how](ours, slices)
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
	return whole(self, filepath.Join(dir, "whole"), slices, runs)
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
	s, err := pick(series) // without localizers
	if err != nil {
		return fmt.Errorf("-series: %w", err)
	}
	raw := filepath.Join(dir, "raw.dcm")
	for _, s := range syntaxes {
		if err := os.Mkdir(filepath.Join(dir, s.folder), 0o755); err != nil {
			return err
		}
	}
	for n := range s.Slices {
		f := filepath.Join(series, filepath.FromSlash(s.Slices[n].Path))
		if err := exec.Command("gdcmconv", "--raw", f, raw).Run(); err != nil {
			return fmt.Errorf("gdcmconv --raw %s: %w", f, err)
		}
		for _, s := range syntaxes {
			out := filepath.Join(dir, s.folder, filepath.Base(f))
			cmd := exec.Command("gdcmconv", map[string]string{"native": "--raw", "rle": "--rle", "jpegll": "--jpeg", "j2k": "--j2k"}[s.folder], raw, out)
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

// readFolder reads the files of a folder, again and again until there are n
// slices, into one volume.
func readFolder(folder string, n int) (result, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.dcm"))
	if err != nil || len(files) == 0 {
		return result{}, fmt.Errorf("%s: no files", folder)
	}
	slices.Sort(files)
	const size = 2 * 512 * 512
	start := cpu()
	volume := make([]byte, n*size)
	for i := range n {
		if err := readFile(volume[i*size:(i+1)*size], files[i%len(files)]); err != nil {
			return result{}, fmt.Errorf("%s: %w", files[i%len(files)], err)
		}
	}
	r := result{CPU: cpu() - start}
	r.Peak = peak(syscall.RUSAGE_SELF)
	sum := sha256.Sum256(volume)
	r.Hash = hex.EncodeToString(sum[:8])
	return r, nil
}

// readFile stores the values of one file.
func readFile(dst []byte, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	d, err := part10.Open(f, info.Size(), part10.DefaultLimits())
	if err != nil {
		return err
	}
	p, err := pixel.Open(d)
	if err != nil {
		return err
	}
	if p.Size() != len(dst) {
		return fmt.Errorf("%d×%d pixels of %d bits", p.Columns, p.Rows, p.BitsAllocated)
	}
	return p.Read(context.Background(), dst, 0)
}

// peak returns the largest memory of this process, or of its children, MiB.
func peak(who int) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		panic("bench/dicom: " + err.Error())
	}
	return float64(u.Maxrss) / 1024
}

// cpu returns the processor time of this process, user and system, in s.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("bench/dicom: " + err.Error())
	}
	return (time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano())).Seconds()
}
