package pyradiomics

import "strings"

// imageTypeNames are PyRadiomics' image types.
var imageTypeNames = []string{"Original", "LoG", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient", "LBP2D", "LBP3D"}

// class is a feature class of PyRadiomics with its features in the order in
// which PyRadiomics writes them.
type class struct {
	name       string
	features   []string // enabled unless a file names others
	deprecated []string // computed when a file names them
	gone       []string // accepted in a file, but no longer computed
}

// classes are in the order of PyRadiomics.
var classes = []class{
	{"firstorder", strings.Fields(`10Percentile 90Percentile Energy Entropy InterquartileRange Kurtosis Maximum
		MeanAbsoluteDeviation Mean Median Minimum Range RobustMeanAbsoluteDeviation RootMeanSquared Skewness TotalEnergy
		Uniformity Variance`), []string{"StandardDeviation"}, nil},
	{"glcm", strings.Fields(`Autocorrelation ClusterProminence ClusterShade ClusterTendency Contrast Correlation
		DifferenceAverage DifferenceEntropy DifferenceVariance Id Idm Idmn Idn Imc1 Imc2 InverseVariance JointAverage
		JointEnergy JointEntropy MCC MaximumProbability SumAverage SumEntropy SumSquares`), nil,
		[]string{"Dissimilarity", "Homogeneity1", "Homogeneity2", "SumVariance"}},
	{"gldm", strings.Fields(`DependenceEntropy DependenceNonUniformity DependenceNonUniformityNormalized
		DependenceVariance GrayLevelNonUniformity GrayLevelVariance HighGrayLevelEmphasis LargeDependenceEmphasis
		LargeDependenceHighGrayLevelEmphasis LargeDependenceLowGrayLevelEmphasis LowGrayLevelEmphasis
		SmallDependenceEmphasis SmallDependenceHighGrayLevelEmphasis SmallDependenceLowGrayLevelEmphasis`), nil,
		[]string{"DependencePercentage", "GrayLevelNonUniformityNormalized"}},
	{"glrlm", strings.Fields(`GrayLevelNonUniformity GrayLevelNonUniformityNormalized GrayLevelVariance
		HighGrayLevelRunEmphasis LongRunEmphasis LongRunHighGrayLevelEmphasis LongRunLowGrayLevelEmphasis
		LowGrayLevelRunEmphasis RunEntropy RunLengthNonUniformity RunLengthNonUniformityNormalized RunPercentage
		RunVariance ShortRunEmphasis ShortRunHighGrayLevelEmphasis ShortRunLowGrayLevelEmphasis`), nil, nil},
	{"glszm", strings.Fields(`GrayLevelNonUniformity GrayLevelNonUniformityNormalized GrayLevelVariance
		HighGrayLevelZoneEmphasis LargeAreaEmphasis LargeAreaHighGrayLevelEmphasis LargeAreaLowGrayLevelEmphasis
		LowGrayLevelZoneEmphasis SizeZoneNonUniformity SizeZoneNonUniformityNormalized SmallAreaEmphasis
		SmallAreaHighGrayLevelEmphasis SmallAreaLowGrayLevelEmphasis ZoneEntropy ZonePercentage ZoneVariance`), nil, nil},
	{"ngtdm", strings.Fields(`Busyness Coarseness Complexity Contrast Strength`), nil, nil},
	{"shape", strings.Fields(`Elongation Flatness LeastAxisLength MajorAxisLength Maximum2DDiameterColumn
		Maximum2DDiameterRow Maximum2DDiameterSlice Maximum3DDiameter MeshVolume MinorAxisLength Sphericity SurfaceArea
		SurfaceVolumeRatio VoxelVolume`), []string{"Compactness1", "Compactness2", "SphericalDisproportion"}, nil},
	{"shape2D", strings.Fields(`Elongation MajorAxisLength MaximumDiameter MeshSurface MinorAxisLength Perimeter
		PerimeterSurfaceRatio PixelSurface Sphericity`), []string{"SphericalDisproportion"}, nil},
}

// findClass returns the class called name, or nil.
func findClass(name string) *class {
	for n := range classes {
		if classes[n].name == name {
			return &classes[n]
		}
	}
	return nil
}

func classNames() []string {
	names := make([]string, len(classes))
	for n := range classes {
		names[n] = classes[n].name
	}
	return names
}
