package radiomics

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/plaquerisk/plaquerisk/internal/strictyaml"
)

//go:embed presets/*.yaml
var presets embed.FS

// Presets returns the names of the settings of IBSI's reference data, which
// [Preset] returns.
func Presets() []string {
	entries, err := presets.ReadDir("presets")
	if err != nil {
		panic("radiomics: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Preset returns the settings of a configuration of IBSI's reference data, as
// "ibsi1_a", over those of [IBSIConfig]; and the text of its parameter file.
func Preset(name string) (Config, []byte, error) {
	file := path.Join("presets", name+".yaml")
	text, err := presets.ReadFile(file)
	if err != nil {
		return Config{}, nil, fmt.Errorf("radiomics: no preset %q: want one of %s", name, strings.Join(Presets(), ", "))
	}
	c := IBSIConfig()
	if err := strictyaml.DecodeBytes(file, text, &c); err != nil {
		return Config{}, nil, fmt.Errorf("radiomics: %w", err)
	}
	return c, text, c.Validate()
}
