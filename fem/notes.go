package fem

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/risk"
)

// NoteCodes documents the notes of this package.
var NoteCodes = []risk.Code{
	{Code: "PLQ-401", Title: "the mesh is shorter than asked for", Help: "Lumen or outer wall are missing in some sections; mechanics cover the longest complete part only. Complete the segmentation to cover the rest."},
	{Code: "PLQ-402", Title: "thin wall thickened", Help: "The lumen came too close to the outer wall, or crossed it; the outer wall was moved outwards there. Stress at such places is a model's value, not a measurement."},
	{Code: "PLQ-403", Title: "elements relaxed at a bend", Help: "Cross-sections come too close on the inside of a bend; nodes were moved to unfold the elements. The geometry there is slightly smoothed."},
	{Code: "PLQ-404", Title: "section is not star-shaped", Help: "A ray from the lumen's centre meets a contour more than once, as at a bifurcation; the farthest crossing was used."},
	{Code: "PLQ-405", Title: "low mesh quality", Help: "The most distorted element is close to folding; stress next to it is uncertain."},
	{Code: "PLQ-406", Title: "few elements across the cap", Help: "Fewer than three elements lie across the thinnest cap, so that its peak stress is a model's value. Raise mechanics.elements_through, or read the mean and the 95th percentile."},
	{Code: "PLQ-407", Title: "coarse mesh", Help: "The stress jumps between elements so much that a finer mesh would change it; percentiles change less than this estimate in the energy norm. Raise mechanics.elements_around and elements_through, or lower element_length_mm."},
}

// coarse is the estimated error in the energy norm above which a note is due.
const coarse = 0.25

// notes collects what a reader of the result must know.
func (r *Result) notes() []risk.Note {
	m := r.Mesh
	var notes []risk.Note
	add := func(code string, severity risk.Severity, format string, args ...any) {
		notes = append(notes, risk.Note{Code: code, Severity: severity, Where: string(r.Artery), Text: fmt.Sprintf(format, args...)})
	}
	const slack = 0.5 // mm; a section more or less is no news
	if lo, hi := m.S[0], m.S[m.Along]; lo > r.From+slack || hi < r.To-slack {
		add("PLQ-401", risk.Warning, "Wall mechanics cover s = %.1f to %.1f mm instead of %.1f to %.1f mm, because lumen or outer wall are missing beyond.", lo, hi, r.From, r.To)
	}
	if m.Thin > 0 {
		add("PLQ-402", risk.Warning, "The wall is thinner than %.2f mm on %d of %d rays, most at s = %.1f mm; it was thickened outwards to that for the mesh.",
			r.Conditions.MinWall, m.Thin, m.Around*(m.Along+1), m.ThinAt)
	}
	if m.Relaxed > 0 {
		add("PLQ-403", risk.Info, "%d mesh nodes were moved by at most %.2f mm to unfold elements at a bend.", m.Relaxed, m.MaxShift)
	}
	if m.NotStar > 0 {
		add("PLQ-404", risk.Info, "%d sections, the first at s = %.1f mm, are not star-shaped; the farthest border along each ray was used.", m.NotStar, m.NotStarAt)
	}
	if q := m.Quality; q.MinScaledJacobian < 0.1 {
		add("PLQ-405", risk.Warning, "The most distorted element has a scaled Jacobian of %.3f at (%.1f, %.1f, %.1f) mm; stress there is uncertain.", q.MinScaledJacobian, q.At.X, q.At.Y, q.At.Z)
	}
	if c := r.Cap(m.S[0], m.S[m.Along]); c.Layers < 3 {
		add("PLQ-406", risk.Info, "%.1f elements lie across the thinnest cap (%.2f mm in the mesh, at s = %.1f mm, %.0f°).", c.Layers, c.Thickness, c.S, c.Angle)
	}
	whole := r.window(m.S[0], m.S[m.Along])
	plain, smooth := r.stresses(whole)
	if e := r.energyError(whole, inWall, plain, smooth); e > coarse {
		add("PLQ-407", risk.Info, "The estimated error of the mesh is %.0f %% of the stress in the energy norm.", 100*e)
	}
	return notes
}
