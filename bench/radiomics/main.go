//go:build unix

// Command radiomics times the features of this program beside PyRadiomics on
// the same regions and writes RESULTS.md: see README.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func main() {
	python := flag.String("python", "python3", "interpreter that has PyRadiomics")
	mirp := flag.String("mirp", "", "interpreter that has MIRP; none: without it")
	twice := flag.Bool("two", false, "measure two threads beside one too: wants a machine with two idle processors")
	processes := flag.Int("processes", 3, "processes of each program")
	out := flag.String("out", "bench/radiomics/RESULTS.md", "where the table goes")
	child := flag.Bool("measure", false, "measure this program and print JSON (used by itself)")
	threads := flag.Bool("measure-two", false, "measure one thread and two of this program and print JSON (used by itself)")
	only := flag.String("only", "", "with -measure-two: the task to measure, as 107 features/blob_100; none: all")
	memory := flag.Bool("memory", false, "measure memory only and renew its table")
	flag.Parse()
	if *memory {
		if err := renewMemory(context.Background(), *out); err != nil {
			fatal(err)
		}
		return
	}
	if *threads {
		if err := json.NewEncoder(os.Stdout).Encode(both(context.Background(), *only)); err != nil {
			fatal(err)
		}
		return
	}
	if *child {
		if err := json.NewEncoder(os.Stdout).Encode(ours()); err != nil {
			fatal(err)
		}
		return
	}
	if err := run(*python, *mirp, *twice, *processes, *out); err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "bench/radiomics:", err)
	os.Exit(1)
}

// run measures both programs in turn and writes the table. It fails if a value
// differs.
func run(python, mirp string, twice bool, processes int, out string) error {
	dir, err := os.MkdirTemp("", "radiomics-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := write(dir); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var ours, peer, third []map[string]result
	var two []map[string]pair
	type process struct {
		to      *[]map[string]result
		threads string
		command []string
	}
	script := func(name string) string { return filepath.Join("bench", "radiomics", name) }
	round := []process{
		{&ours, "1", []string{self, "-measure"}},
		{&peer, "1", []string{python, script("peer.py"), dir}},
	}
	if mirp != "" {
		round = append(round, process{&third, "1", []string{mirp, script("peer_mirp.py"), dir}})
	}
	wrong := 0
	for n := range processes {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", n+1, processes)
		for _, p := range round {
			m, err := measure[result](p.command, p.threads)
			if err != nil {
				return err
			}
			*p.to = append(*p.to, m)
		}
		if twice {
			m, err := measure[pair]([]string{self, "-measure-two"}, "2")
			if err != nil {
				return err
			}
			two = append(two, m)
		}
		var text string
		text, wrong = table(ours, two, peer, third)
		if err := os.WriteFile(out, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d values differ: see %s", wrong, out)
	}
	return nil
}

// measure runs a command on so many threads and reads what it prints.
func measure[T any](command []string, threads string) (map[string]T, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+threads, "OMP_NUM_THREADS="+threads, "OPENBLAS_NUM_THREADS="+threads,
		"MKL_NUM_THREADS="+threads, "NUMBA_NUM_THREADS="+threads, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS="+threads)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	var m map[string]T
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return m, nil
}

// spread returns least and median of a time over processes.
func spread(ms []map[string]result, task string, of func(r result) float64) (least, median float64) {
	var x []float64
	for _, m := range ms {
		x = append(x, of(m[task]))
	}
	slices.Sort(x)
	return x[0], x[len(x)/2]
}

// table writes the results and counts values that differ.
func table(ours []map[string]result, two []map[string]pair, peer, mirp []map[string]result) (text string, wrong int) {
	var b strings.Builder
	cpu := func(r result) float64 { return r.MS }
	fmt.Fprintf(&b, "# Speed beside PyRadiomics and MIRP\n\nMade by `go run ./bench/radiomics` (README.md says how): %d processes of each program in turn, one thread each, "+
		"processor time; least (median) of the processes. %s, %s/%s.\n", len(ours), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	count := map[string]int{}
	for _, r := range regions() {
		count[r.name] = r.mask.Count()
	}
	for _, other := range []struct {
		name string
		ms   []map[string]result
	}{{"PyRadiomics", peer}, {"MIRP", mirp}} {
		if len(other.ms) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n| task | voxels | ours, ms | %s, ms | times faster | values equal |\n|---|---|---|---|---|---|\n", other.name)
		for _, name := range slices.Sorted(maps.Keys(other.ms[0])) {
			o, om := spread(ours, name, cpu)
			p, pm := spread(other.ms, name, cpu)
			equal, off := compare(ours[0][name].Values, other.ms[0][name].Values)
			wrong += len(off)
			verdict := fmt.Sprintf("%d of %d", equal, equal+len(off))
			if len(off) > 0 {
				verdict += ": " + strings.Join(off, ", ")
			}
			_, r, _ := strings.Cut(name, "/")
			fmt.Fprintf(&b, "| %s | %d | %.3g (%.3g) | %.4g (%.4g) | **%.0f** | %s |\n", name, count[r], o, om, p, pm, p/o, verdict)
		}
	}
	fmt.Fprintf(&b, "\nFilters: 8 bands of coif1 and 5 LoG of a box of 150³ with first-order features of the region.\n")
	fmt.Fprintf(&b, "\n## What PyRadiomics does not have\n\n| task | size | ours, ms |\n|---|---|---|\n")
	for _, t := range []struct{ name, size string }{
		{"Moran and Geary/cube_100", "%d voxels, with the morphological family"}, {"RIA-type set/plaque_0.3mm", "%d columns"},
		{"filter bank/bank", "%d filters (8 wavelet bands, 5 LoG, Laws energy, Gabor) on 150³ voxels with 19 statistics each"},
	} {
		o, om := spread(ours, t.name, cpu)
		fmt.Fprintf(&b, "| %s | "+t.size+" | %.3g (%.3g) |\n", t.name, ours[0][t.name].Count, o, om)
	}
	b.WriteString("\n" + memoryTable(context.Background()))
	if len(two) == 0 {
		return b.String(), wrong
	}
	fmt.Fprintf(&b, "\n## Two threads\n\nCalls on one thread and on two in turn, in one process: the least wall time of a call, and the processor time of all on two threads "+
		"by that on one. A region of fewer than 20 000 voxels starts no goroutine, but for sums over millions of pairs.\n\n"+
		"| task | voxels | one thread, ms | two threads, ms | times faster | processor time |\n|---|---|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(two[0])) {
		best := two[0][name]
		for _, m := range two[1:] {
			for n := range 2 {
				best.Wall[n] = min(best.Wall[n], m[name].Wall[n])
			}
			best.Work = min(best.Work, m[name].Work)
		}
		fmt.Fprintf(&b, "| %s | %d | %.3g | %.3g | %.2f | %.2f |\n", name, best.Size, best.Wall[0], best.Wall[1], best.Wall[0]/best.Wall[1], best.Work)
	}
	return b.String(), wrong
}

// compare counts the values of PyRadiomics that ours equal to 1e-6, or to
// 1e-8 where means of wavelets cancel, and names the others.
func compare(ours, peer map[string]float64) (equal int, off []string) {
	for name, want := range peer {
		got, ok := ours[name]
		if !ok {
			off = append(off, name+" missing")
		} else if math.Abs(got-want) > 1e-6*math.Abs(want)+1e-8 {
			off = append(off, fmt.Sprintf("%s %.9g, not %.9g", name, got, want))
		} else {
			equal++
		}
	}
	slices.Sort(off)
	return equal, off
}
