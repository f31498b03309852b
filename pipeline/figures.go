package pipeline

import (
	"context"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/risk"
)

// Figures traces the arteries of a scan and makes their pictures, with a montage
// of cross-sections every so many mm. The assessment that it returns holds
// anatomy and pictures only.
func (p *Pipeline) Figures(ctx context.Context, in Input, every float64) (*risk.Assessment, error) {
	a := p.start(in)
	a.every = every
	for _, step := range []func(context.Context) error{a.anatomy, a.places, a.arteries} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return a.out, nil
}

// places lists the plaques with where they lie and their measures.
func (a *assessment) places(context.Context) error {
	for n := range a.plaques {
		q := &a.plaques[n]
		v := a.vessel(q.Artery)
		m := coronary.Measure(v, a.tissue[q.Artery], q)
		a.out.Lesions = append(a.out.Lesions, risk.Lesion{Name: q.Name, Artery: q.Artery,
			FromMM: risk.Number(q.From), ToMM: risk.Number(q.To), Measures: measures(&m)})
	}
	return nil
}
