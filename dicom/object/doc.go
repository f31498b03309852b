// Package object is what segmentations, structure sets, reports and maps of
// DICOM have in common: looking into data sets that are read, and making new
// ones that belong to the patient, the study and the frame of reference of a
// source series.
package object
