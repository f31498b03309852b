package pipeline

import (
	"context"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/imaging"
	"github.com/plaquerisk/plaquerisk/internal/par"
	"github.com/plaquerisk/plaquerisk/risk"
)

// pericoronary measures the fat around every artery for which the literature
// gives a stretch, side by side. Voxels of any mask are left out, so that the
// blurred border of another artery is not taken for fat.
func (a *assessment) pericoronary(ctx context.Context) error {
	masks := imaging.NewMask(a.Volume.Grid)
	for _, m := range a.Masks {
		visit(a.Volume, m.Mask, func(i, j, k int, _ float64) { masks.In[masks.Offset(i, j, k)] = true })
	}
	fats := make([]*coronary.Fat, len(a.vessels))
	if err := par.For(ctx, len(a.vessels), func(n int) {
		v := &a.vessels[n]
		if from, to, ok := coronary.FatSpan(v.Artery); ok {
			f := coronary.PericoronaryFat(a.Volume, v, from, to, masks, float64(a.Image.KVp))
			fats[n] = &f
		}
	}); err != nil {
		return err
	}
	for n, f := range fats {
		if f != nil {
			a.fat[a.vessels[n].Artery] = f
		}
	}
	return nil
}

// fatOf converts the fat around an artery to its place in the contract.
func fatOf(f *coronary.Fat) *risk.Fat {
	if f == nil {
		return nil
	}
	out := &risk.Fat{
		FromMM: risk.Number(f.From), ToMM: risk.Number(f.To), DiameterMM: risk.Number(f.Diameter),
		MeanHU: risk.Number(f.MeanHU), SDHU: risk.Number(f.SDHU), Mean120HU: risk.Number(f.Mean120HU),
		MM3: risk.Number(f.Volume), SharePercent: risk.Number(f.Share), FromLumen: f.FromLumen, Profile: []risk.FatShell{},
	}
	for _, s := range f.Profile {
		out.Profile = append(out.Profile, risk.FatShell{FromMM: s.From, ToMM: s.To, MeanHU: risk.Number(s.MeanHU), Voxels: s.Voxels})
	}
	return out
}
