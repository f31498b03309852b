// Command classifier measures the processor time of growing boosted trees
// beside XGBoost, LightGBM and scikit-learn, on the same numbers and with the
// same settings, and writes RESULTS.md. See README.md.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/plaquerisk/plaquerisk/classifier/boost"
)

// problem is a table and the settings of the trees.
type problem struct {
	Name    string  `json:"name"`
	Rows    int     `json:"rows"`
	Columns int     `json:"columns"`
	Test    int     `json:"test"`
	Rounds  int     `json:"rounds"`
	Leaves  int     `json:"leaves"`
	Bins    int     `json:"bins"`
	Rate    float64 `json:"rate"`
	Threads int     `json:"threads"`
	Folder  string  `json:"folder"`
}

// result is what a process reports.
type result struct {
	CPU     float64 `json:"cpu_s"`
	LogLoss float64 `json:"logloss"`
	Row     float64 `json:"row_us"` // of predicting one row, ours alone
	Version string  `json:"version"`
}

func main() {
	python := flag.String("python", "", "interpreter with xgboost, lightgbm and scikit-learn")
	ours := flag.String("ours", "", "internal: measure one problem, given as JSON")
	repeats := flag.Int("repeats", 2, "processes of each program; the least time counts")
	threads := flag.Int("threads", 1, "threads of every program")
	out := flag.String("out", "bench/classifier/RESULTS.md", "file to write")
	flag.Parse()
	if *ours != "" {
		measure(*ours)
		return
	}
	if *python == "" {
		log.Fatal("name an interpreter with -python")
	}
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	programs := []string{"ours", "xgboost", "lightgbm", "sklearn"}
	var report strings.Builder
	fmt.Fprintf(&report, "# Speed beside XGBoost, LightGBM and scikit-learn\n\nMade by `go run ./bench/classifier` (README.md says how): "+
		"%d processes of each program in turn, %d thread(s) each, processor time of binning and growing, least of the processes. %s, %s/%s, %s.\n",
		*repeats, *threads, runtime.Version(), runtime.GOOS, runtime.GOARCH, time.Now().Format("2006-01-02"))
	for _, p := range []problem{
		{Name: "tall", Rows: 200000, Columns: 100, Test: 50000, Rounds: 100, Leaves: 31, Bins: 256, Rate: 0.1},
		{Name: "wide", Rows: 500, Columns: 1000, Test: 20000, Rounds: 200, Leaves: 8, Bins: 256, Rate: 0.1},
	} {
		p.Folder, p.Threads = folder, *threads
		generate(p)
		best := map[string]result{}
		for range *repeats {
			for _, program := range programs {
				r, err := run(program, *python, p)
				if err != nil {
					log.Fatalf("%s: %v", program, err)
				}
				if b, ok := best[program]; !ok || r.CPU < b.CPU {
					best[program] = r
				}
				log.Printf("%s, %s: %.2f s, log-loss %.5f", p.Name, program, r.CPU, r.LogLoss)
			}
		}
		fmt.Fprintf(&report, "\n## %d × %d, %d rounds, %d leaves, %d bins\n\n| program | processor time, s | ours takes | log-loss of %d other rows | difference from ours |\n|---|---|---|---|---|\n",
			p.Rows, p.Columns, p.Rounds, p.Leaves, p.Bins, p.Test)
		us := best["ours"]
		for _, program := range programs {
			b := best[program]
			fmt.Fprintf(&report, "| %s | %.2f | %.2f of it | %.5f | %+.2f %% |\n", b.Version, b.CPU, us.CPU/b.CPU, b.LogLoss, 100*(b.LogLoss/us.LogLoss-1))
		}
		fmt.Fprintf(&report, "\nOne row is predicted in %.2f µs of processor time, without allocating.\n", us.Row)
	}
	if err := os.WriteFile(*out, []byte(report.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}

// run starts one process and reads its report.
func run(program, python string, p problem) (result, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return result{}, err
	}
	cmd := exec.Command(python, "bench/classifier/peer.py", program, string(raw))
	if program == "ours" {
		self, err := os.Executable()
		if err != nil {
			return result{}, err
		}
		cmd = exec.Command(self, "-ours", string(raw))
	}
	cmd.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", p.Threads), fmt.Sprint("OMP_NUM_THREADS=", p.Threads), fmt.Sprint("OPENBLAS_NUM_THREADS=", p.Threads))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return result{}, err
	}
	var r result
	return r, json.Unmarshal(out, &r)
}

// generate writes a table by columns in float32: 20 columns count, some of them
// bent or together.
func generate(p problem) {
	rng := rand.New(rand.NewPCG(1, uint64(p.Rows)))
	n := p.Rows + p.Test
	weight := make([]float64, 20)
	for i := range weight {
		weight[i] = rng.NormFloat64() / 2
	}
	x := make([][]float32, p.Columns)
	for c := range x {
		x[c] = make([]float32, n)
		for r := range x[c] {
			x[c][r] = float32(rng.NormFloat64())
		}
	}
	y := make([]float32, n)
	for r := range y {
		z := float64(x[0][r]*x[1][r]) + math.Sin(2*float64(x[2][r]))
		if x[3][r] > 0.5 {
			z++
		}
		for c, w := range weight {
			z += w * float64(x[c][r])
		}
		if rng.Float64() < 1/(1+math.Exp(-z)) {
			y[r] = 1
		}
	}
	write := func(name string, columns [][]float32, lo, hi int) {
		var b []byte
		for _, col := range columns {
			for _, v := range col[lo:hi] {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
		}
		if err := os.WriteFile(filepath.Join(p.Folder, p.Name+name), b, 0o644); err != nil {
			log.Fatal(err)
		}
	}
	write("-x", x, 0, p.Rows)
	write("-y", [][]float32{y}, 0, p.Rows)
	write("-test-x", x, p.Rows, n)
	write("-test-y", [][]float32{y}, p.Rows, n)
}

// load reads columns of n numbers.
func load(p problem, name string, n int) [][]float64 {
	raw, err := os.ReadFile(filepath.Join(p.Folder, p.Name+name))
	if err != nil {
		log.Fatal(err)
	}
	var columns [][]float64
	for part := range slices.Chunk(raw, 4*n) {
		col := make([]float64, n)
		for r := range col {
			col[r] = float64(math.Float32frombits(binary.LittleEndian.Uint32(part[4*r:])))
		}
		columns = append(columns, col)
	}
	return columns
}

// processor returns the time that this process has taken, s.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) * 1e-9
}

// measure grows and tests our model and reports.
func measure(raw string) {
	var p problem
	if err := json.Unmarshal([]byte(raw), &p); err != nil {
		log.Fatal(err)
	}
	d := &boost.Data{Y: load(p, "-y", p.Rows)[0]}
	for c, values := range load(p, "-x", p.Rows) {
		d.Columns = append(d.Columns, boost.Column{Name: fmt.Sprintf("x%04d", c), Values: values})
	}
	cfg := boost.DefaultConfig()
	cfg.Rounds, cfg.MaxLeaves, cfg.MaxBins, cfg.LearningRate = p.Rounds, p.Leaves, p.Bins, p.Rate
	start := processor()
	m, err := boost.Fit(context.Background(), d, cfg)
	if err != nil {
		log.Fatal(err)
	}
	r := result{CPU: processor() - start, Version: "plaquerisk"}
	x, y := load(p, "-test-x", p.Test), load(p, "-test-y", p.Test)[0]
	rows := make([][]float64, p.Test)
	for i := range rows {
		rows[i] = make([]float64, p.Columns)
		for c := range rows[i] {
			rows[i][c] = x[c][i]
		}
	}
	f := make([]float64, 1)
	start = processor()
	for i, row := range rows {
		m.Margin(f, row)
		z := f[0]
		if y[i] == 1 {
			z = -z
		}
		r.LogLoss += math.Log1p(math.Exp(z)) / float64(p.Test)
	}
	r.Row = (processor() - start) / float64(p.Test) * 1e6
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		log.Fatal(err)
	}
}
