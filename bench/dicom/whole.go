package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"gonum.org/v1/gonum/spatial/r3"

	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/imaging/format"
)

// whole times what commands do with a series of our own making: convert beside
// dcm2niix, where it is installed, load, and scan.
func whole(self, dir string, n, runs int) error {
	series := filepath.Join(dir, "series")
	// In a process of its own: a child's peak memory starts with its parent's.
	if err := exec.Command(self, "-ours", series, "-how", "make", "-slices", fmt.Sprint(n)).Run(); err != nil {
		return err
	}
	fmt.Printf("\n| %d slices, native | CPU, s | peak MiB |\n|---|---|---|\n", n)
	show := func(what string, r result) { fmt.Printf("| %s | %.2f | %.0f |\n", what, r.CPU, r.Peak) }
	for _, how := range []string{"convert", "load"} {
		best := result{CPU: 1e9}
		for range runs {
			var err error
			if best, err = least(best, self, "-ours", series, "-how", how, "-slices", fmt.Sprint(n)); err != nil {
				return err
			}
		}
		show("ours, "+how, best)
	}
	if _, err := exec.LookPath("dcm2niix"); err == nil {
		best, err := timed(dir, runs, "dcm2niix", "-z", "n", "-b", "n", "-f", "peer", "-o", dir, series)
		if err != nil {
			return err
		}
		show("dcm2niix -z n", best)
	}
	perSecond, err := headers(series)
	if err != nil {
		return err
	}
	if peer := filepath.Join(dir, "peer.nii"); present(peer) {
		if err := sameVoxels(peer, synthetic(n)); err != nil {
			return err
		}
		fmt.Println("\nAll voxels of both are equal.")
	}
	fmt.Printf("\nHeaders read and series made of them: %.0f files in a second of processor time (at least 8000 are asked for).\n", perSecond)
	return nil
}

func present(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// synthetic returns a volume of n slices with noise.
func synthetic(n int) *imaging.Volume {
	v := imaging.NewVolume(imaging.NewGrid([3]int{512, 512, n}, [3]float64{0.4, 0.4, 0.5}, r3.Vec{}))
	for i := range v.Values {
		v.Values[i] = float32(math.Round(200*math.Sin(float64(i%512)/40)*math.Cos(float64(i/512%512)/30))) + float32(i*2654435761>>16&31)
	}
	return v
}

// makeFolder writes it as a series.
func makeFolder(folder string, n int) (r result, err error) {
	return r, dicom.Write(context.Background(), folder, synthetic(n), dicom.DefaultMeta())
}

// timed runs a program that measures nothing itself.
func timed(dir string, runs int, name string, arg ...string) (result, error) {
	best := result{CPU: 1e9}
	for range runs {
		os.Remove(filepath.Join(dir, "peer.nii"))
		cmd := exec.Command(name, arg...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return best, fmt.Errorf("%s: %w: %s", name, err, out)
		}
		u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if t := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(); t < best.CPU {
			best = result{CPU: t, Peak: float64(u.Maxrss) / 1024}
		}
	}
	return best, nil
}

// sameVoxels compares an image of the same voxels in any order of axes.
func sameVoxels(path string, v *imaging.Volume) error {
	w, err := format.ReadVolume(path)
	if err != nil {
		return err
	}
	for n := range v.Values {
		i, j, k := v.Coords(n)
		a, b, c := w.Index(v.Point(float64(i), float64(j), float64(k)))
		ia, ib, ic := int(math.Round(a)), int(math.Round(b)), int(math.Round(c))
		if !w.Inside(ia, ib, ic) || w.At(ia, ib, ic) != float64(v.Values[n]) {
			return fmt.Errorf("%s: another value at (%d, %d, %d)", path, i, j, k)
		}
	}
	return nil
}

// pick returns the only series of a folder.
func pick(folder string) (*dicom.Series, error) {
	x, err := dicom.Scan(context.Background(), folder)
	if err != nil {
		return nil, err
	}
	return x.Choose("", "")
}

// convertFolder does what plaquerisk dicom convert does.
func convertFolder(folder string, _ int) (r result, err error) {
	s, err := pick(folder)
	if err != nil {
		return r, err
	}
	out, err := os.CreateTemp("", "bench-dicom*.nii")
	if err != nil {
		return r, err
	}
	defer os.Remove(out.Name())
	err = format.WriteSlices(out, "ct.nii", &s.Grid, true, func(write func([]float32) error) error {
		return s.Slicewise(context.Background(), func(_ int, hu []float32) error { return write(hu) })
	})
	return result{CPU: cpu(), Peak: peak(syscall.RUSAGE_SELF)}, errors.Join(err, out.Close())
}

// loadFolder loads the volume.
func loadFolder(folder string, _ int) (r result, err error) {
	s, err := pick(folder)
	if err != nil {
		return r, err
	}
	_, err = dicom.Load(context.Background(), s, dicom.DefaultConfig())
	return result{CPU: cpu(), Peak: peak(syscall.RUSAGE_SELF)}, err
}

// headers scans a folder for about a second of processor time and returns how
// many files it read in one.
func headers(folder string) (float64, error) {
	n, start := 0, cpu()
	for cpu()-start < 1 {
		x, err := dicom.Scan(context.Background(), folder)
		if err != nil {
			return 0, err
		}
		n += x.Files
	}
	return float64(n) / (cpu() - start), nil
}
