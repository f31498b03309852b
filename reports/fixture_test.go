package reports

import (
	"fmt"
	"math"
	"strings"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/risk"
)

// The fixtures are drawn from formulas; no number in them comes from a scan.

func bump(s, at, width float64) float64 { return math.Exp(-(s - at) * (s - at) / (2 * width * width)) }

// testArtery is an artery with narrowings at the given places.
func testArtery(name coronary.Artery, length float64, dir [3]float64, bend float64, at ...float64) risk.Artery {
	p := &risk.Profile{}
	for s := 0.0; s <= length; s += 0.5 {
		p.S = append(p.S, s)
		u := s / length
		p.Center = append(p.Center, [3]float64{
			dir[0]*s + bend*math.Sin(math.Pi*u), dir[1]*s + bend*math.Sin(2*math.Pi*u)/2, dir[2]*s + bend*math.Sin(1.5*math.Pi*u),
		})
		lumen, wall, low, ff, fib, cal, st := 9-4*u, 13-5*u, 0.0, 0.0, 0.0, 0.0, 40+10*math.Sin(s/3)
		for n, a := range at {
			b := bump(s, a, 4)
			lumen -= 3.2 * b
			if b > 0.05 {
				low += 1.6 * bump(s, a, 2)
				ff += 1.2 * b
				fib += 1.4 * b
				if n%2 == 1 {
					cal += 1.5 * bump(s, a+3, 1.5)
				}
			}
			st += 110 * b
		}
		p.LumenArea, p.WallArea = append(p.LumenArea, risk.Number(lumen)), append(p.WallArea, risk.Number(wall))
		p.LowAttenuation, p.FibroFatty = append(p.LowAttenuation, risk.Number(low)), append(p.FibroFatty, risk.Number(ff))
		p.Fibrous, p.Calcified = append(p.Fibrous, risk.Number(fib)), append(p.Calcified, risk.Number(cal))
		q95, qmax := risk.Number(st), risk.Number(st*1.7+8*math.Abs(math.Sin(s*2)))
		if s > length-6 {
			q95, qmax = risk.NaN(), risk.NaN()
		}
		p.StressP95, p.StressMax = append(p.StressP95, q95), append(p.StressMax, qmax)
	}
	x := risk.Artery{Name: name, Profile: p, Measures: risk.Measures{
		LengthMM: risk.Number(length), PlaqueMM3: 212.43, LowAttenuation: 24.1, FibroFatty: 60.2, Fibrous: 90.4, Calcified: 37.7, PercentAtheroma: 41.23,
		DiameterStenosis: 48.2, AreaStenosis: 71.3, MinLumenArea: 2.61, MinLumenDiameter: 1.72, Remodelling: 1.13, PlaqueBurden: 68.4, CapMM: 0.62}}
	if len(at) == 0 {
		x.Measures = risk.Measures{LengthMM: risk.Number(length), DiameterStenosis: risk.NaN(), AreaStenosis: risk.NaN(), MinLumenArea: 8.9, MinLumenDiameter: 3.4,
			Remodelling: risk.NaN(), PlaqueBurden: risk.NaN(), CapMM: risk.NaN()}
	}
	x.Stress = &risk.StressSummary{P50KPa: 62.3, P95KPa: 148.7, MaxKPa: 266.3, CapPeakKPa: 190.2, CapP95KPa: 160.4, StrainP95: 6.2, Above300MM3: 0, Elements: 18432, MinJacobian: 0.61, Converged: true}
	x.Pictures = testPictures(length, at)
	return x
}

func testPictures(length float64, at []float64) *risk.Pictures {
	pic := &risk.Pictures{}
	for turn := range 2 {
		r := risk.Raster{Cols: int(length / 0.5), Rows: 33, X0: 0.25, Y0: 8, DX: 0.5, DY: -0.5, AxisUnit: "mm", Unit: "HU"}
		for j := range r.Rows {
			for i := range r.Cols {
				y, s := r.Y0+float64(j)*r.DY, r.X0+float64(i)*r.DX
				radius := 1.7 - 0.6*s/length
				hu := -80.0
				for _, a := range at {
					radius -= 0.7 * bump(s, a, 4)
				}
				switch d := math.Abs(y); {
				case d < radius:
					hu = 420
				case d < 2.4-0.6*s/length:
					hu = 90
					for n, a := range at {
						if math.Abs(s-a) < 5 {
							hu = 30
							if (n+turn)%2 == 1 && y > 0 {
								hu = 800
							}
						}
					}
				}
				r.Values = append(r.Values, float32(hu+25*math.Sin(float64(i*7+j*13))))
			}
		}
		pic.MPR = append(pic.MPR, r)
	}
	st := &risk.Raster{Cols: int(length), Rows: 36, X0: 0.5, Y0: 5, DX: 1, DY: 10, AxisUnit: "mm", YUnit: "degree", Unit: "kPa"}
	for j := range st.Rows {
		for i := range st.Cols {
			v := 50.0
			for _, a := range at {
				v += 180 * bump(float64(i), a, 4) * (1 + math.Cos((float64(j)*10-120)*math.Pi/180)) / 2
			}
			if float64(i) > length-6 {
				v = math.NaN()
			}
			st.Values = append(st.Values, float32(v))
		}
	}
	pic.Stress = st
	for n, title := range []string{"proximal reference", "start of the plaque", "smallest lumen", "largest stress", "distal reference"} {
		q := risk.SectionPicture{Title: title, S: float64(10 + 7*n)}
		img := risk.Raster{Cols: 41, Rows: 41, X0: -6, Y0: 6, DX: 0.3, DY: -0.3, AxisUnit: "mm", Unit: "HU"}
		tis := img
		tis.Unit = "tissue"
		a := 1.8 - 0.2*float64(n)
		for j := range img.Rows {
			for i := range img.Cols {
				x, y := img.X0+float64(i)*img.DX, img.Y0+float64(j)*img.DY
				d := math.Hypot(x, y)
				t, hu := imaging.Background, -90.0
				switch {
				case math.Hypot(x-0.4, y) < a:
					t, hu = imaging.Lumen, 410
				case d < 2.9:
					t, hu = imaging.Wall, 80
					switch th := math.Atan2(y, x); {
					case th > 2.2 && d > 1.9 && d < 2.6:
						t, hu = imaging.LowAttenuation, 10
					case th > 1.4:
						t, hu = imaging.FibroFatty, 90
					case th > 0.3:
						t, hu = imaging.Fibrous, 200
					case th < -2.3 && d > 2:
						t, hu = imaging.Calcified, 900
					}
				}
				img.Values = append(img.Values, float32(hu+20*math.Sin(float64(3*i+5*j))))
				tis.Values = append(tis.Values, float32(t))
			}
		}
		for k := range 48 {
			sin, cos := math.Sincos(float64(k) * math.Pi / 24)
			q.Lumen = append(q.Lumen, [2]float64{0.4 + a*cos, a * sin})
			q.Wall = append(q.Wall, [2]float64{2.9 * cos, 2.9 * sin})
		}
		q.Image, q.Tissue = img, &tis
		pic.Sections = append(pic.Sections, q)
	}
	return pic
}

func testPrediction(p float64) *risk.Prediction {
	q := &risk.Prediction{Probability: p, Low: p * 0.6, High: min(p*1.5, 0.97), Base: -1.2}
	names := []string{"principal_stress.plaque.p95", "original.glcm.joint_entropy.3d_merged", "anatomy.lumen.diameter_stenosis", "laws_l5e5e5.firstorder.mean",
		"original.shape.mesh_volume", "principal_strain.cap.p99", "original.firstorder.skewness", "laws_e5s5l5_energy_7mm.ivh.volume_fraction_difference_between_10_and_90_percent",
		"original.histogram.entropy", "principal_stress.cap.p99", "original.glcm.contrast.3d_merged", "original.firstorder.mean"}
	units := []string{"kPa", "1", "%", "HU", "mm³", "%", "1", "1", "bit", "kPa", "1", "HU"}
	for n, name := range names {
		v := risk.Number(0.00123 * math.Pow(7.7, float64(n)))
		if n == 9 {
			v = risk.NaN()
		}
		q.Contributions = append(q.Contributions, risk.Contribution{Feature: name, Unit: units[n], Value: v, LogOdds: math.Pow(-0.8, float64(n)), Percentile: risk.Number(97 - 8*n)})
	}
	q.Contributions = append(q.Contributions, risk.Contribution{Feature: "all other features", Value: risk.NaN(), LogOdds: -0.21, Percentile: risk.NaN()})
	return q
}

func testLesion(name string, a coronary.Artery, from, to float64, p float64) risk.Lesion {
	return risk.Lesion{Name: name, Artery: a, FromMM: risk.Number(from), ToMM: risk.Number(to), Voxels: 1834, MeanHU: 142.7,
		Level: risk.Level{Prediction: testPrediction(p)},
		Measures: risk.Measures{LengthMM: risk.Number(to - from), PlaqueMM3: 88.21, LowAttenuation: 12.3, FibroFatty: 30.1, Fibrous: 36.6, Calcified: 9.2, PercentAtheroma: 52.1,
			DiameterStenosis: 48.2, AreaStenosis: 71.3, MinLumenArea: 2.61, MinLumenDiameter: 1.72, Remodelling: 1.13, PlaqueBurden: 68.4, CapMM: 0.31, CapBelowVoxel: true},
		Intervals: &risk.Intervals{OffsetMM: 0.1, DiameterStenosis: [2]risk.Number{38, 57}, MinLumenArea: [2]risk.Number{2.1, 3.2}, MinLumenDiameter: [2]risk.Number{1.6, 2},
			Remodelling: [2]risk.Number{risk.NaN(), risk.NaN()}, PlaqueBurden: [2]risk.Number{61, 75}, PlaqueMM3: [2]risk.Number{71, 105}, CapMM: [2]risk.Number{0.21, 0.41}},
		Stress:   &risk.StressSummary{P50KPa: 71.2, P95KPa: 161.7, MaxKPa: 266.3, CapPeakKPa: 190.2, CapP95KPa: 160.4, StrainP95: 6.21, Above300MM3: 0.31, Elements: 5120, MinJacobian: 0.6, Converged: true, CapUncertain: true},
		Features: []risk.Feature{{Column: feature.Column{Name: "original.firstorder.mean", Unit: "HU"}, Value: 142.7}}}
}

// testFull is a scan for which everything was computed.
func testFull() *risk.Assessment {
	a := &risk.Assessment{Format: risk.Format, Version: risk.Version, Case: "TEST-0001"}
	a.Image = risk.Image{Series: "CTA 0.6 Bv40 BestDiast 75 % (made up for a test)", Number: "7", Modality: "CT", Manufacturer: "Test maker", Scanner: "Formula 1", Kernel: "Bv40d",
		KVp: 100, Phase: "75 %", SliceThicknessMM: 0.6, SpacingMM: [3]float64{0.35, 0.35, 0.4}, Size: [3]int{512, 512, 320}, LumenMeanHU: 418.4, LumenSDHU: 31.2, NoiseHU: 24.4,
		SegmentationKind: "Slicer segmentation (.seg.nrrd), lumen, wall and components", SegmentationNames: []string{"LAD_lumen", "LAD_wall", "LAD_plaque_1", "RCA_lumen", "RCA_wall", "RCA_plaque_1"}}
	a.Patient.Prediction = testPrediction(0.34)
	lm := testArtery(coronary.LM, 12, [3]float64{0.9, -0.3, 0.1}, 1)
	lad := testArtery(coronary.LAD, 110, [3]float64{0.35, -0.45, -0.62}, 14, 22, 46)
	lcx := testArtery(coronary.LCX, 62, [3]float64{0.6, 0.5, -0.4}, 12, 30)
	rca := testArtery(coronary.RCA, 124, [3]float64{-0.25, -0.2, -0.6}, -26, 40)
	for _, x := range []*risk.Artery{&lad, &lcx, &rca} {
		for n := range x.Profile.Center {
			x.Profile.Center[n][0] += 11
		}
		x.Prediction = testPrediction(0.27)
	}
	for n := range rca.Profile.Center {
		rca.Profile.Center[n][0] -= 32
	}
	lm.Reason = "no plaque"
	lad.Lesions, lcx.Lesions, rca.Lesions = []string{"LAD-1", "LAD-2"}, []string{"LCX-1"}, []string{"RCA-1"}
	a.Arteries = []risk.Artery{lm, lad, lcx, rca}
	a.Lesions = []risk.Lesion{testLesion("LAD-1", coronary.LAD, 14, 30, 0.24), testLesion("LAD-2", coronary.LAD, 38, 56, 0.12),
		testLesion("LCX-1", coronary.LCX, 22, 38, 0.07), testLesion("RCA-1", coronary.RCA, 32, 49, 0.18)}
	a.Lesions[2].Measures.CapMM, a.Lesions[2].Measures.CapBelowVoxel = risk.NaN(), false
	a.Lesions[2].Stress.CapPeakKPa, a.Lesions[2].Stress.CapP95KPa = risk.NaN(), risk.NaN()
	a.Lesions[3].Notes = []risk.Note{{Code: "PLQ-402", Severity: risk.Warning, Where: "RCA-1", Text: "the cap is thinner than a voxel: its stress depends on the resolution of the image"}}
	yes, no := true, false
	for n, in := range [][]string{{"pLAD", "mLAD"}, {"mLAD", "dLAD"}, {"LCx"}, {"mRCA"}} {
		a.Lesions[n].Segments = in
		a.Lesions[n].Signs = &risk.Signs{LowAttenuation: &yes, PositiveRemodelling: &yes, SpottyCalcium: &no, NapkinRing: &no, Count: 2, HighRisk: true, LowMM3: 12.3, NapkinMM: 0, Unknown: []string{}}
	}
	a.Lesions[3].Signs = &risk.Signs{LowAttenuation: &yes, SpottyCalcium: &yes, Spots: 2, Count: 2, HighRisk: true, LowMM3: 0.4, NapkinMM: risk.NaN(), Unknown: []string{"positive remodelling: no remodelling index", "napkin ring: no cross-sections"}}
	for n, x := range a.Arteries[1:] {
		a.Arteries[n+1].Fat = &risk.Fat{FromMM: 0, ToMM: 40, DiameterMM: 4.1, MeanHU: -78.2, SDHU: 31, Mean120HU: -72.4, MM3: 812, SharePercent: 61, FromLumen: x.Name == coronary.LCX}
	}
	a.Grade = &risk.Grade{Text: "CAD-RADS N/P3/HRP", Category: "N", Modifiers: []string{"N", "HRP"}, SIS: 5, SSS: 5, BySegments: "P3", NotAssessed: []string{"RCA-1: its stenosis could not be measured"}}
	for n, x := range []struct {
		name   string
		number int
		artery coronary.Artery
	}{{"pRCA", 1, coronary.RCA}, {"mRCA", 2, coronary.RCA}, {"dRCA", 3, coronary.RCA}, {"LM", 5, coronary.LM}, {"pLAD", 6, coronary.LAD}, {"mLAD", 7, coronary.LAD}, {"dLAD", 8, coronary.LAD}, {"pLCx", 11, coronary.LCX}, {"LCx", 13, coronary.LCX}} {
		state := risk.SegmentState{Segment: x.name, Number: x.number, Artery: x.artery, Plaque: n > 3 && n != 7 || n == 1}
		switch {
		case n == 1:
			state.DiameterStenosis = risk.NaN()
		case state.Plaque:
			state.DiameterStenosis = 48.2
		}
		a.Grade.Segments = append(a.Grade.Segments, state)
	}
	a.Mechanics = &risk.Mechanics{PressureMMHg: 100, PressureKPa: 13.3, PressureSource: "default of the program, not measured in this patient", Ends: "both ends slide in their planes",
		Formulation: "small strain, linear elastic, 8-node bricks with mean dilatation (B-bar)",
		Materials: []risk.Material{{Tissue: "wall", YoungKPa: 600, Poisson: 0.49, Source: "made up for a test"}, {Tissue: "low_attenuation", YoungKPa: 20, Poisson: 0.49, Source: "made up for a test"},
			{Tissue: "fibro_fatty", YoungKPa: 250, Poisson: 0.49, Source: "made up for a test"}, {Tissue: "fibrous", YoungKPa: 1000, Poisson: 0.49, Source: "made up for a test"},
			{Tissue: "calcified", YoungKPa: 10000, Poisson: 0.49, Source: "made up for a test"}}}
	for _, x := range []coronary.Artery{coronary.LAD, coronary.LCX, coronary.RCA} {
		v := risk.Solve{Artery: x, FromMM: 4, ToMM: 70, Nodes: 24320, Elements: 18432, Unknowns: 71040, Iterations: 24, Residual: 8.1e-9, MinJacobian: 0.61, Converged: true, StressBinKPa: 20,
			MinJacobianWhere: "s = 31.20 mm, 84° around, layer 1 of 6 from the lumen", CapElements: 1.5, ErrorPercent: 18,
			Composition: []risk.MeshShare{{Tissue: "wall", MeshMM3: 412.3, MaskMM3: 409.1}, {Tissue: "low_attenuation", MeshMM3: 21.7, MaskMM3: 22.4}}}
		for t, name := range []string{"wall", "low_attenuation", "fibro_fatty", "fibrous", "calcified"} {
			h := risk.TissueHistogram{Tissue: name, MM3: 40 + 30*float64(t)}
			total := 0.0
			for k := range 30 {
				w := bump(float64(k), 2+2*float64(t), 1.2+0.5*float64(t))
				h.Share = append(h.Share, w)
				total += w
			}
			for k := range h.Share {
				h.Share[k] /= total
			}
			v.Histogram = append(v.Histogram, h)
		}
		a.Mechanics.Solves = append(a.Mechanics.Solves, v)
	}
	a.Model = &risk.Model{Name: "plaquerisk-default 0.1", Label: "synthetic cohort, for demonstration", Trained: "made up for a test: 120 phantom patients", Outcome: "planted rule of the phantom cohort",
		SHA256: strings.Repeat("0123456789abcdef", 4), Patients: 120, Arteries: 360, Positives: 74, Columns: 412, ArteryAUC: [3]risk.Number{0.81, 0.74, 0.87}, PatientAUC: [3]risk.Number{0.83, 0.75, 0.9},
		OutOfRange: []string{"original.shape.mesh_volume", "principal_stress.plaque.max"}}
	a.Notes = []risk.Note{
		{Code: "PLQ-104", Severity: risk.Info, Text: "one slice is stored twice with identical content; the second copy was ignored"},
		{Code: "PLQ-402", Severity: risk.Warning, Where: "RCA-1", Text: "the cap is thinner than a voxel: its stress depends on the resolution of the image"},
	}
	a.Provenance = risk.Provenance{Program: "plaquerisk", Version: "0.1.0", Settings: testSettings(70), SettingsSHA256: strings.Repeat("ab", 32), Seed: 20260101,
		Inputs: []risk.Input{{Role: "ct", Files: 320, SHA256: strings.Repeat("12", 32)}, {Role: "segmentation", Files: 1, SHA256: strings.Repeat("34", 32)}}, ModelSHA256: strings.Repeat("0123456789abcdef", 4)}
	return a
}

func testSettings(n int) string {
	var b strings.Builder
	b.WriteString("radiomics:\n")
	for k := range n {
		fmt.Fprintf(&b, "  setting_%02d_mm: %g\n", k, float64(k)/8)
	}
	return b.String()
}

// testMinimal has a plaque mask only: no vessel, no stress, no score.
func testMinimal() *risk.Assessment {
	a := testFull()
	l := testLesion("plaque-1", "", 0, 0, 0.1)
	nan := risk.NaN()
	l.FromMM, l.ToMM, l.Stress, l.Level = nan, nan, nil, risk.Level{Reason: "the model needs wall mechanics"}
	l.Measures = risk.Measures{LengthMM: nan, PlaqueMM3: 41.4, LowAttenuation: 2.3, FibroFatty: 14.2, Fibrous: 24.5, Calcified: 0.4, PercentAtheroma: nan, DiameterStenosis: nan, AreaStenosis: nan,
		MinLumenArea: nan, MinLumenDiameter: nan, Remodelling: nan, PlaqueBurden: nan, CapMM: nan}
	a.Case, a.Arteries, a.Lesions, a.Mechanics, a.Model, a.Grade = "TEST-0002", nil, []risk.Lesion{l}, nil, nil, nil
	a.Patient = risk.Level{Reason: "the segmentation holds a plaque only; without the vessel there are no mechanics, which the model needs"}
	a.Image.LumenMeanHU, a.Image.LumenSDHU, a.Image.NoiseHU, a.Image.KVp, a.Image.Kernel, a.Image.Phase = nan, nan, nan, nan, "", ""
	a.Image.SegmentationKind, a.Image.SegmentationNames = "binary mask", []string{"plaque"}
	a.Notes = []risk.Note{{Code: "PLQ-205", Severity: risk.Warning, Where: "segmentation", Text: "neither lumen nor wall was given: stenosis, remodelling, burden and wall mechanics are not computed"}}
	return a
}

// testEmpty has nothing at all.
func testEmpty() *risk.Assessment {
	return &risk.Assessment{Case: "TEST-0003", Patient: risk.Level{Reason: "no plaque in the segmentation"}}
}

// testExtreme has long names, many lesions and many notes.
func testExtreme() *risk.Assessment {
	a := testFull()
	a.Case = "A-very-long-research-identifier-of-a-multi-centre-study-with-site-0123456789-and-visit-0004-and-more"
	a.Lesions, a.Arteries[1].Lesions = nil, nil
	for n := range 12 {
		name := fmt.Sprintf("LAD-%d", n+1)
		if n == 5 {
			name = "LAD-6-named-by-a-reader-with-a-lot-to-say-about-it"
		}
		l := testLesion(name, coronary.LAD, float64(4+8*n), float64(9+8*n), 0.02*float64(n))
		l.Notes = []risk.Note{{Code: "PLQ-403", Severity: risk.Info, Where: name, Text: strings.Repeat("a long remark on the mesh of this lesion ", 4)}}
		a.Lesions = append(a.Lesions, l)
		a.Arteries[1].Lesions = append(a.Arteries[1].Lesions, name)
	}
	a.Lesions[3].Stress.Converged = false
	a.Arteries[2].Lesions, a.Arteries[3].Lesions = nil, nil
	a.Arteries[2].Measures.PlaqueMM3 = 123456.7
	for n := range 60 {
		a.Notes = append(a.Notes, risk.Note{Code: fmt.Sprintf("PLQ-%d", 200+n), Severity: risk.Warning, Where: fmt.Sprintf("slice at z = %.2f mm", 0.4*float64(n)),
			Text: strings.Repeat("something long was found in the data and is told here in full. ", 1+n%4)})
	}
	a.Notes = append(a.Notes, risk.Note{Code: "PLQ-101", Severity: risk.Refusal, Where: "日本語", Text: "characters that the fonts lack: 日本語 and \U0001F600, σ ³ ² ° ± ≥ – × µ θ"})
	for n := range 60 {
		a.Model.OutOfRange = append(a.Model.OutOfRange, fmt.Sprintf("laws_e5l5s5_%d.firstorder.robust_mean_absolute_deviation", n))
	}
	a.Image.SegmentationNames = nil
	for n := range 40 {
		a.Image.SegmentationNames = append(a.Image.SegmentationNames, fmt.Sprintf("Segment_%d_of_the_left_anterior_descending_artery", n))
	}
	a.Provenance.Settings = testSettings(600) + strings.Repeat(" ", 300) + strings.Repeat("x", 900) + "\n"
	return a
}
