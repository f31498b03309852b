package dicom

import "fmt"

// tag is group << 16 | element.
type tag uint32

// The attributes that this package reads. Nothing else of a header is kept.
const (
	tTransferSyntax   tag = 0x00020010
	tImageType        tag = 0x00080008
	tSOPClass         tag = 0x00080016
	tSOPInstance      tag = 0x00080018
	tStudyDate        tag = 0x00080020
	tAcquisitionTime  tag = 0x00080032
	tContentTime      tag = 0x00080033
	tModality         tag = 0x00080060
	tManufacturer     tag = 0x00080070
	tSeriesDesc       tag = 0x0008103e
	tModel            tag = 0x00081090
	tPatientName      tag = 0x00100010
	tPatientID        tag = 0x00100020
	tContrastAgent    tag = 0x00180010
	tScanOptions      tag = 0x00180022
	tSliceThickness   tag = 0x00180050
	tKVP              tag = 0x00180060
	tTriggerTime      tag = 0x00181060
	tHeartRate        tag = 0x00181088
	tKernel           tag = 0x00181210
	tTriggerDelay     tag = 0x00209153
	tStudyUID         tag = 0x0020000d
	tSeriesUID        tag = 0x0020000e
	tSeriesNumber     tag = 0x00200011
	tAcquisitionNo    tag = 0x00200012
	tInstanceNumber   tag = 0x00200013
	tPosition         tag = 0x00200032
	tOrientation      tag = 0x00200037
	tFrameOfReference tag = 0x00200052
	tTemporalPosition tag = 0x00200100
	tImagesInAcq      tag = 0x00201002
	tImageComments    tag = 0x00204000
	tPhasePercent     tag = 0x00209241
	tSamplesPerPixel  tag = 0x00280002
	tPhotometric      tag = 0x00280004
	tFrames           tag = 0x00280008
	tRows             tag = 0x00280010
	tColumns          tag = 0x00280011
	tPixelSpacing     tag = 0x00280030
	tBitsAllocated    tag = 0x00280100
	tBitsStored       tag = 0x00280101
	tHighBit          tag = 0x00280102
	tPixelRep         tag = 0x00280103
	tPaddingValue     tag = 0x00280120
	tPaddingLimit     tag = 0x00280121
	tIntercept        tag = 0x00281052
	tSlope            tag = 0x00281053
	tRescaleType      tag = 0x00281054
	tLossy            tag = 0x00282110
	tModalityLUT      tag = 0x00283000
	tPixelData        tag = 0x7fe00010
)

// names are the keywords of the tags of PS3.6.
var names = map[tag]string{
	tTransferSyntax: "TransferSyntaxUID", tImageType: "ImageType",
	tSOPClass: "SOPClassUID", tSOPInstance: "SOPInstanceUID", tStudyDate: "StudyDate",
	tAcquisitionTime: "AcquisitionTime", tContentTime: "ContentTime", tModality: "Modality",
	tManufacturer: "Manufacturer", tSeriesDesc: "SeriesDescription", tModel: "ManufacturerModelName",
	tPatientName: "PatientName", tPatientID: "PatientID", tContrastAgent: "ContrastBolusAgent", tScanOptions: "ScanOptions",
	tSliceThickness: "SliceThickness", tKVP: "KVP", tTriggerTime: "TriggerTime", tHeartRate: "HeartRate",
	tKernel: "ConvolutionKernel", tTriggerDelay: "NominalCardiacTriggerDelayTime", tStudyUID: "StudyInstanceUID",
	tSeriesUID: "SeriesInstanceUID", tSeriesNumber: "SeriesNumber", tAcquisitionNo: "AcquisitionNumber",
	tInstanceNumber: "InstanceNumber", tPosition: "ImagePositionPatient", tOrientation: "ImageOrientationPatient",
	tFrameOfReference: "FrameOfReferenceUID", tTemporalPosition: "TemporalPositionIdentifier",
	tImagesInAcq: "ImagesInAcquisition", tImageComments: "ImageComments",
	tPhasePercent: "NominalPercentageOfCardiacPhase", tSamplesPerPixel: "SamplesPerPixel",
	tPhotometric: "PhotometricInterpretation", tFrames: "NumberOfFrames", tRows: "Rows", tColumns: "Columns",
	tPixelSpacing: "PixelSpacing", tBitsAllocated: "BitsAllocated", tBitsStored: "BitsStored",
	tHighBit: "HighBit", tPixelRep: "PixelRepresentation", tPaddingValue: "PixelPaddingValue",
	tPaddingLimit: "PixelPaddingRangeLimit", tIntercept: "RescaleIntercept", tSlope: "RescaleSlope",
	tRescaleType: "RescaleType", tLossy: "LossyImageCompression", tModalityLUT: "ModalityLUTSequence",
	tPixelData: "PixelData",
}

// String returns keyword and number, "Rows (0028,0010)".
func (t tag) String() string {
	n := fmt.Sprintf("(%04x,%04x)", uint32(t)>>16, uint32(t)&0xffff)
	if name := names[t]; name != "" {
		return name + " " + n
	}
	return n
}
