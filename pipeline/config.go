package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/plaquerisk/plaquerisk/classifier"
	"github.com/plaquerisk/plaquerisk/dicom"
	"github.com/plaquerisk/plaquerisk/feature"
	"github.com/plaquerisk/plaquerisk/fem"
	"github.com/plaquerisk/plaquerisk/internal/strictyaml"
	"github.com/plaquerisk/plaquerisk/radiomics"
	"github.com/plaquerisk/plaquerisk/reports"
	"github.com/plaquerisk/plaquerisk/segmentation"
)

// Config holds the settings of all stages. It stands under the key plaquerisk
// of the settings file.
type Config struct {
	// DICOM are the settings of reading and of quality control.
	DICOM dicom.Config `yaml:"dicom"`
	// Quality is what the enhanced lumen must look like.
	Quality Quality `yaml:"quality"`
	// Segmentation are the settings of vessels, sections and tissue classes.
	Segmentation segmentation.Config `yaml:"segmentation"`
	// Radiomics are the settings of texture and first-order features of plaques.
	Radiomics radiomics.Config `yaml:"radiomics"`
	// Mechanics are the settings of the wall stress solver.
	Mechanics fem.Config `yaml:"mechanics"`
	// StressTexture are the settings of features that look at stress as an image.
	StressTexture StressTexture `yaml:"stress_texture"`
	// Training are the settings of train and evaluate; they do not change how a model scores.
	Training classifier.Config `yaml:"training"`
	// Evaluation are the settings of cross-validation.
	Evaluation classifier.EvaluationConfig `yaml:"evaluation"`
	// Report are the settings of the PDF pages.
	Report reports.Config `yaml:"report"`
}

// Quality is what the enhanced lumen must look like.
type Quality struct {
	// MinLumenMeanHU refuses a scan whose lumen is darker on average: it is not an arterial phase.
	MinLumenMeanHU float64 `yaml:"min_lumen_mean_hu"`
	// WarnNoiseHU warns of noise above this standard deviation inside the lumen.
	WarnNoiseHU float64 `yaml:"warn_noise_hu"`
}

// DefaultConfig returns the settings behind the shipped model.
func DefaultConfig() Config {
	training := classifier.DefaultConfig()
	// The arm "both": anatomy is measured and shown, but a model that learnt from
	// stenosis as well could not be compared with the two arms.
	training.Modalities = []string{feature.Radiomics, feature.Biomechanics}
	return Config{
		DICOM:        dicom.DefaultConfig(),
		Quality:      Quality{MinLumenMeanHU: 180, WarnNoiseHU: 45},
		Segmentation: segmentation.DefaultConfig(),
		Radiomics:    radiomics.DefaultConfig(),
		Mechanics:    fem.DefaultConfig(),

		StressTexture: defaultStressTexture(),

		Training:   training,
		Evaluation: classifier.DefaultEvaluation(),
		Report:     reports.DefaultConfig(),
	}
}

// Validate reports everything that is wrong at once, in the words of the YAML
// file.
func (c Config) Validate() error {
	var errs []error
	for _, part := range []struct {
		name string
		err  error
	}{
		{"dicom", c.DICOM.Validate()},
		{"segmentation", c.Segmentation.Validate()},
		{"radiomics", c.Radiomics.Validate()},
		{"mechanics", c.Mechanics.Validate()},
		{"stress_texture", c.StressTexture.Validate()},
		{"training", c.Training.Validate()},
		{"evaluation", c.Evaluation.Validate()},
		{"report", c.Report.Validate()},
	} {
		if part.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part.name, part.err))
		}
	}
	if q := c.Quality; !(q.WarnNoiseHU > 0) {
		errs = append(errs, fmt.Errorf("quality: warn_noise_hu is %g, want more than 0", q.WarnNoiseHU))
	}
	return errors.Join(errs...)
}

// File is the root of a settings file. The sections of PyRadiomics parameter
// files (imageType, featureClass, setting) have their place beside ours.
type File struct {
	// Plaquerisk holds the settings of this program.
	Plaquerisk Config `yaml:"plaquerisk"`
}

// ConfigEnv names the environment variable that points at a settings file, and
// ProjectFile the file that is read from the working folder if neither a flag
// nor the variable says otherwise.
const (
	ConfigEnv   = "PLAQUERISK_CONFIG"
	ProjectFile = "plaquerisk.yaml"
)

// FindConfig returns the settings file to use and who named it: the flag, the
// environment, the project file, or nobody (an empty path: built-in settings).
func FindConfig(flag string) (path, origin string) {
	if flag != "" {
		return flag, "flag --config"
	}
	if env := os.Getenv(ConfigEnv); env != "" {
		return env, "environment " + ConfigEnv
	}
	if _, err := os.Stat(ProjectFile); err == nil {
		return ProjectFile, "project file " + ProjectFile
	}
	return "", "built-in"
}

// LoadConfig reads a settings file over the defaults and validates the result;
// an empty path gives the defaults.
func LoadConfig(path string) (Config, error) {
	if path == "" {
		return DefaultConfig(), nil
	}
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("settings file %s does not exist; plaquerisk config init writes one", path)
		}
		return Config{}, fail(BadConfig, "PLQ-603", err)
	}
	defer f.Close()
	file := File{Plaquerisk: DefaultConfig()}
	if err := strictyaml.Decode(path, f, &file); err != nil {
		return Config{}, fail(BadConfig, "PLQ-603", err)
	}
	if err := file.Plaquerisk.Validate(); err != nil {
		return Config{}, fail(BadConfig, "PLQ-603", fmt.Errorf("%s: %w", path, err))
	}
	return file.Plaquerisk, nil
}

// YAML returns the effective settings as a file that [LoadConfig] reads.
func (c Config) YAML() []byte {
	text, err := strictyaml.Encode(File{Plaquerisk: c})
	if err != nil {
		panic("pipeline: encode settings: " + err.Error()) // plain structs always encode
	}
	return text
}

// Fingerprint returns the SHA-256 of the effective settings, in hex.
func (c Config) Fingerprint() string {
	sum := sha256.Sum256(c.YAML())
	return hex.EncodeToString(sum[:])
}
