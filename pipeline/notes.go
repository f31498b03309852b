package pipeline

import "github.com/plaquerisk/plaquerisk/risk"

// NoteCodes documents the codes of this package, of cohort and of the commands.
var NoteCodes = []risk.Code{
	{Code: "PLQ-600", Title: "internal error", Help: "A bug. Please report it with run.json and, if you may, the input."},
	{Code: "PLQ-601", Title: "CT cannot be read", Help: "The message names the file and tag. plaquerisk inspect DIR lists what is there."},
	{Code: "PLQ-602", Title: "segmentation cannot be used", Help: "The message names the file. Masks may lie on a grid of their own but must overlap the CT in mm."},
	{Code: "PLQ-603", Title: "settings are wrong", Help: "The message names line and key. plaquerisk config check FILE repeats the check; config show prints what is in force."},
	{Code: "PLQ-604", Title: "vessels or plaques cannot be derived", Help: "The message names the artery and the place in mm. Look at the masks there."},
	{Code: "PLQ-605", Title: "nothing to score", Help: "The segmentation can be read but holds no artery and no plaque, or no segment whose name is recognised. Say what its segments are in a label map, --labels FILE.yaml."},
	{Code: "PLQ-606", Title: "output cannot be written", Help: "Choose a folder that is new or empty, or use --overwrite."},
	{Code: "PLQ-607", Title: "lumen is not enhanced", Help: "The scan is not an arterial phase, or the lumen mask is displaced. The limit is quality.min_lumen_mean_hu."},
	{Code: "PLQ-608", Title: "no wall mechanics", Help: "Every attempt to compute wall stress failed. The notes of the report say why for each artery; all else was computed."},
	{Code: "PLQ-609", Title: "result file cannot be read", Help: "The file is no assessment or evaluation of this version. Score or evaluate again."},
	{Code: "PLQ-610", Title: "no outer wall", Help: "Wall stress needs lumen and outer wall. Add a wall mask to the segmentation."},
	{Code: "PLQ-611", Title: "wall stress was not computed", Help: "The solver refused or did not converge in this artery; its lesions are not scored."},
	{Code: "PLQ-612", Title: "radiomic features were not computed", Help: "Most often the plaque has too few voxels after resampling."},
	{Code: "PLQ-613", Title: "biomechanical features are undefined", Help: "No wall stress was computed at this lesion, so a model that needs it cannot score the lesion."},
	{Code: "PLQ-614", Title: "noisy image", Help: "Composition by HU thresholds and texture depend on noise. The limit is quality.warn_noise_hu."},
	{Code: "PLQ-615", Title: "CT is not DICOM", Help: "Attributes that quality control needs are unknown. Prefer the DICOM series."},
	{Code: "PLQ-616", Title: "lesion is not scored", Help: "A feature that the model needs could not be computed. The reason stands beside the lesion."},
	{Code: "PLQ-617", Title: "model cannot be read", Help: "The file is no model of this program, or is damaged. plaquerisk train writes one."},
	{Code: "PLQ-618", Title: "file could not be read", Help: "A file of the folder looks like DICOM but is damaged or of a kind that is not read. If it belongs to the series, a slice is missing."},
	{Code: "PLQ-619", Title: "uncertainty was not computed", Help: "Wall stress is there, but a solve with changed inputs failed, so that its markers have no bands. The message says which."},
	{Code: "PLQ-620", Title: "wrong command line", Help: "plaquerisk help COMMAND shows the flags with examples."},
	{Code: "PLQ-621", Title: "table cannot be used", Help: "The message names line and column. batch run writes tables that train and evaluate read."},
	{Code: "PLQ-622", Title: "manifest is wrong", Help: "The message names every line. The columns are case,patient,ct,seg,labels,artery,outcome, and blood_pressure_mmhg where it is known."},
	{Code: "PLQ-623", Title: "reference data cannot be read", Help: "repro wants the reference data in their own layout: folders ibsi1, ibsi2 and ibsi_validation. The message names the file."},
	{Code: "PLQ-624", Title: "values differ from the reference", Help: "This build, on this machine, computes other values than the standard asks for. Please report the lines marked MISS with plaquerisk version --json."},
	{Code: "PLQ-630", Title: "mesh or problem file cannot be read", Help: "The message names the file."},
	{Code: "PLQ-631", Title: "problem cannot be solved as it stands", Help: "The message names the line of the problem file, the set or the element and its place in mm. A body needs a material for each element and must be held against the loads."},
	{Code: "PLQ-640", Title: "another frame of reference", Help: "Segmentation and CT name different frames of reference, so nothing but the coordinates says that they belong together. Look at a picture, or take the CT on which the segmentation was drawn."},
	{Code: "PLQ-641", Title: "contours off the slices", Help: "Points, open curves and contours of one or two points enclose nothing. Contours between slices, or oblique to them, fill slabs halfway to their neighbours."},
	{Code: "PLQ-642", Title: "thin region", Help: "The contours enclose another volume than the voxels whose centres lie within them: the region is only a voxel or two wide. Draw it on a finer image, or take volumes from the contours."},
	{Code: "PLQ-652", Title: "some cases failed", Help: "They are named with codes, by batch run in failures.csv, by extract radiomics on stderr and with --failures in a file; the others are done."},
	{Code: "PLQ-651", Title: "case set aside", Help: "Several runs ended while they worked on it. plaquerisk batch resume --retry-failed tries again."},
}
