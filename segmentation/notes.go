package segmentation

import (
	"fmt"

	"github.com/plaquerisk/plaquerisk/risk"
)

// NoteCodes documents the notes of this package.
var NoteCodes = []risk.Code{
	{Code: "PLQ-201", Title: "segments were not recognised", Help: "Their names mean nothing to the program, so they were left out. Name them in a label map (--labels)."},
	{Code: "PLQ-202", Title: "a mask is empty", Help: "The segment exists but holds no voxel, or lost all of them to the border of the CT."},
	{Code: "PLQ-203", Title: "the label map names what is not there", Help: "An entry of --labels fits no segment. Check the spelling and the label values."},
	{Code: "PLQ-204", Title: "a mask without a name was taken for plaque", Help: "The file has one label, 1, and no names. Use a label map if it is something else."},
	{Code: "PLQ-205", Title: "a mask lies on another grid", Help: "It was resampled onto the voxels of the CT (linear partial volume of one half), which moves borders by up to half a voxel."},
	{Code: "PLQ-206", Title: "a mask leaves the CT", Help: "The part outside the CT was cut off; lengths and volumes there are missing."},
	{Code: "PLQ-207", Title: "masks overlap", Help: "Structures that exclude each other share voxels. Lumen comes before plaque, plaque before wall."},
	{Code: "PLQ-210", Title: "a lumen has loose parts", Help: "Only the largest connected part was traced. Check for a gap in the segmentation."},
	{Code: "PLQ-211", Title: "a vessel could not be traced", Help: "Centre-line, stenosis, burden and mechanics are missing for it; volumes and radiomics are not affected."},
	{Code: "PLQ-212", Title: "no outer wall was given", Help: "Burden, remodelling and mechanics need the outer border of the wall."},
	{Code: "PLQ-213", Title: "cross-sections are incomplete", Help: "A border was not found all round, as at a branch or where the mask ends. Those sections are left out."},
	{Code: "PLQ-214", Title: "the direction of a vessel was guessed", Help: "Which end is the ostium follows from the lumen's width. Distances from the ostium may be reversed."},
	{Code: "PLQ-215", Title: "the wall is not outside the lumen", Help: "The outer border was moved outwards to the least wall thickness. The masks contradict each other."},
	{Code: "PLQ-216", Title: "the lumen touches the border of the CT", Help: "The vessel goes on outside the image; its length is that of the part inside."},
	{Code: "PLQ-220", Title: "only plaque was given", Help: "Without lumen and wall there is no centre-line: stenosis, burden, remodelling, cap and mechanics are missing. Radiomics and volumes are computed."},
	{Code: "PLQ-221", Title: "small plaque", Help: "Connected parts below the least plaque volume count as noise and are dropped; a numbered plaque is kept, but so few voxels tell little."},
	{Code: "PLQ-222", Title: "plaque was derived from the wall", Help: "No plaque was segmented; stretches of thick wall with a high burden are taken for plaque."},
	{Code: "PLQ-223", Title: "a plaque was given to the nearest artery", Help: "Its segment names no artery."},
	{Code: "PLQ-224", Title: "a plaque lies away from its vessel", Help: "Its artery may be named wrongly, or its part of the lumen was not traced. Volume and radiomics stand; stenosis and stress are not computed for it."},
	{Code: "PLQ-225", Title: "a lumen was repaired", Help: "Holes were filled, loops opened and spurs left out, so that it is a tree. Check the segmentation where it says."},
	{Code: "PLQ-226", Title: "a side branch was left out", Help: "It is too short for a centre-line."},
	{Code: "PLQ-227", Title: "side branches", Help: "They set the borders of the segments; stenosis and stress are computed for the stem alone."},
	{Code: "PLQ-228", Title: "arteries were named by rule", Help: "One lumen held the whole tree; it was divided by its shape and place. Name the lumen of each artery if the names are wrong."},
	{Code: "PLQ-230", Title: "the outer wall was estimated", Help: "No mask of the wall was given. It was found in the CT around the lumen by the scanner's blur and the usual CT numbers of wall and fat; its uncertainty stands in the note and in the sections. Where fat does not surround the artery it is less certain than that. Look at it, or give a mask of the wall."},
	{Code: "PLQ-231", Title: "lumen and wall were found in the CT", Help: "A semi-automatic segmentation from seed points or a centre-line. It is a proposal: correct it in a viewer before numbers are taken from it. Where calcium or a branch hides the lumen its border follows from the neighbourhood."},
}

func note(code string, severity risk.Severity, where, format string, args ...any) risk.Note {
	return risk.Note{Code: code, Severity: severity, Where: where, Text: fmt.Sprintf(format, args...)}
}
