package risk

// Provenance lets somebody repeat a run. Only what changes results stands here:
// run time, host, paths and the number of workers are in run.json.
type Provenance struct {
	Program        string  `json:"program"` // "plaquerisk"
	Version        string  `json:"version"`
	Settings       string  `json:"settings"` // effective YAML
	SettingsSHA256 string  `json:"settings_sha256"`
	Seed           uint64  `json:"seed"`
	Inputs         []Input `json:"inputs"`
	ModelSHA256    string  `json:"model_sha256,omitempty"`
}

// Input is one thing that was read.
type Input struct {
	Role   string `json:"role"` // "ct", "segmentation", "labels"
	Files  int    `json:"files"`
	SHA256 string `json:"sha256"` // over the content, independent of file names
}
