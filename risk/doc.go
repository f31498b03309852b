// Package risk is the contract between computing and reporting: an
// [Assessment] holds all that a report shows, so that a report computes
// nothing. It is written as versioned JSON.
//
// JSON has no NaN: [Number] writes an undefined value as null, and whoever
// reads it must say in words that it was not computed.
package risk
