package phantom_test

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/coronary"
	"github.com/plaquerisk/plaquerisk/phantom"
)

func ExampleDemo() {
	p := phantom.Demo()
	for _, a := range p.Truth().Arteries {
		for _, q := range a.Plaques {
			fmt.Printf("%s: %.0f mm³, core %.0f %%, calcium %.0f %%, stenosis %.0f %%, remodelling %.2f\n", q.Name,
				q.Volume, 100*q.CoreShare, 100*q.CalciumShare, q.DiameterStenosis, q.Remodelling)
		}
	}
	// Output:
	// LAD-1: 140 mm³, core 28 %, calcium 2 %, stenosis 34 %, remodelling 1.19
	// LAD-2: 79 mm³, core 14 %, calcium 20 %, stenosis 45 %, remodelling 1.10
	// LCX-1: 60 mm³, core 0 %, calcium 0 %, stenosis 30 %, remodelling 1.04
	// RCA-1: 146 mm³, core 4 %, calcium 46 %, stenosis 40 %, remodelling 1.06
}

func ExamplePatient_Add() {
	p := phantom.Small(1)
	err := p.Add(coronary.LAD, &phantom.Plaque{Center: 3, Length: 10, Stenosis: 0.4, Remodelling: 1.1, Cap: 0.1, CoreLength: 0.5})
	fmt.Println(err != nil)
	// Output: true
}
