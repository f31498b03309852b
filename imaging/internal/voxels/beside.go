package voxels

import (
	"fmt"
	"os"
	"path/filepath"
)

// Beside opens the data file that the header at path names. It must lie in the
// header's folder or below it, also when it is a link: a header from elsewhere
// must not make us read other files.
func Beside(path, name string) (*os.File, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return nil, fmt.Errorf("%q: outside the folder of the header; put both into one folder", name)
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(local)
}
