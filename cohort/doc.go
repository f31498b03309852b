// Package cohort scores many cases on one machine. A run can be killed at any
// moment and resumed: every case is committed by one rename, the journal
// (ledger.jsonl) is on disk before a state is believed, and work is redone only
// if inputs, settings, model or version changed. The merged tables are the same
// bytes however often a run was cut and however many workers it had.
//
// A batch folder holds
//
//	batch.json              manifest, settings, version: what resume needs
//	ledger.jsonl            every change of state
//	results/case=<id>/      what score writes for one case
//	features_wide.csv, features_long.csv, risk.csv, failures.csv
//	run.json                times, host, workers
package cohort
