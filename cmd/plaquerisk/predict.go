package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plaquerisk/plaquerisk/classifier/levels"
	"github.com/plaquerisk/plaquerisk/classifier/steps"
)

// strangerFlags name a table that a model was not trained on.
type strangerFlags struct {
	table, out string
	overwrite  bool
	roles      steps.Roles
}

func (s *strangerFlags) add(f *pflag.FlagSet) {
	f.StringVar(&s.table, "table", "", "`FILE`.csv with the columns of the model, in any order; missing cells are empty")
	f.StringVar(&s.out, "out", "", "`FILE`.csv to write")
	f.BoolVar(&s.overwrite, "overwrite", false, "replace --out")
	f.StringVar(&s.roles.ID, "id", "", "`COLUMN` that names each row; else the one of the training table, or the row number")
	f.StringVar(&s.roles.Site, "site", "", "`COLUMN` of the hospital or scanner; else the one of the training table")
	f.StringSliceVar(&s.roles.Drop, "drop", nil, "`COLUMNS` that the model does not know")
}

// open reads model and table.
func (s *strangerFlags) open(a *app, command string, args []string) (*steps.Trained, *steps.File, error) {
	if s.table == "" || s.out == "" {
		return nil, nil, usageError("%s needs MODEL.json --table FILE.csv --out FILE.csv", command)
	}
	if err := errors.Join(fresh(s.overwrite, s.out), apart([]string{args[0], s.table}, s.out)); err != nil {
		return nil, nil, err
	}
	m, err := openTrained(args[0])
	if err != nil {
		return nil, nil, err
	}
	t, err := a.readFor(m, s.table, s.roles)
	return m, t, err
}

// unusual is the share of training patients as far away below which a row is
// flagged.
const unusual = 0.05

// predict writes the probabilities of the rows of a table.
func (a *app) predict() *cobra.Command {
	var flags strangerFlags
	var patients, rule string
	cmd := &cobra.Command{
		Use:   "predict MODEL.json --table FILE.csv --out FILE.csv",
		Short: "Predict the rows of any table by a model of train --table",
		Long: `Predict writes for each row of a table the probability of every class, the set
of classes that cannot be excluded at 90 %, and the share of training patients
that are at least as unusual as the row (empty where that is not known). With
--patients it also joins the rows of each patient to one calibrated probability.`,
		Example: "  plaquerisk train --table any.csv --target outcome --group patient --out model.json\n  plaquerisk predict model.json --table new.csv --out risks.csv --patients patients.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if patients != "" {
				if err := errors.Join(fresh(flags.overwrite, patients), apart([]string{args[0], flags.table}, flags.out, patients)); err != nil {
					return err
				}
			}
			m, t, err := flags.open(a, "predict", args)
			if err != nil {
				return err
			}
			p, err := m.Predict(&t.Table)
			if err != nil {
				return tableError(flags.table, err)
			}
			if err := a.writeFile(flags.out, func(w io.Writer) error { return writePredictions(w, t, p) }); err != nil {
				return err
			}
			if patients != "" {
				joined, err := m.Patients(&t.Table, p, levels.Rule(rule))
				if err != nil {
					return usageError("--patients: %v", err)
				}
				if err := a.writeFile(patients, func(w io.Writer) error { return writePatients(w, joined) }); err != nil {
					return err
				}
			}
			if !a.quiet {
				strange := 0
				for _, x := range p {
					if x.Outside < unusual {
						strange++
					}
				}
				fmt.Fprintf(a.stderr, "%d rows; %d of them are further from the training table than %.0f %% of its patients\n", len(p), strange, 100*(1-unusual))
				for _, warning := range m.Conformal.Warnings {
					fmt.Fprintf(a.stderr, "note: %s\n", warning)
				}
			}
			return nil
		},
	}
	flags.add(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&flags.roles.Group, "group", "", "`COLUMN` of the patient; else the one of the training table")
	f.StringVar(&patients, "patients", "", "`FILE`.csv of one line for each patient to write too")
	f.StringVar(&rule, "rule", string(levels.NoisyOr), "how rows make a patient: max, noisy_or, mean, top_2 or log_sum_exp")
	return cmd
}

// writePatients writes joined and calibrated probabilities.
func writePatients(w io.Writer, p []steps.PatientPrediction) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"patient", "rows", "p", "p_before_calibration"}); err != nil {
		return err
	}
	for _, x := range p {
		if err := out.Write([]string{x.Patient, strconv.Itoa(x.Rows), shortest(x.P), shortest(x.Joined)}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func writePredictions(w io.Writer, t *steps.File, p []steps.Prediction) error {
	out := csv.NewWriter(w)
	head := []string{t.IDName}
	for _, label := range t.Labels {
		head = append(head, "p"+label)
	}
	if err := out.Write(append(head, "set", "share_as_unusual")); err != nil {
		return err
	}
	for r, id := range t.ID {
		line := []string{id}
		for _, q := range p[r].P {
			line = append(line, shortest(q))
		}
		var set []string
		for _, k := range p[r].Set {
			set = append(set, t.Labels[k])
		}
		if err := out.Write(append(line, strings.Join(set, "|"), shortest(p[r].Outside))); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// shortest writes x so that it reads back as the same number, nothing for NaN.
func shortest(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
