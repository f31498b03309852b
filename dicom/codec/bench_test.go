package codec

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/plaquerisk/plaquerisk/dicom/codec/internal/sample"
)

// BenchmarkDecode times all frames of the folders that PLAQUERISK_DICOM_BENCH
// holds, one per transfer syntax (bench/dicom makes them).
func BenchmarkDecode(b *testing.B) {
	root := os.Getenv("PLAQUERISK_DICOM_BENCH")
	if root == "" {
		b.Skip("PLAQUERISK_DICOM_BENCH is not set")
	}
	folders, err := os.ReadDir(root)
	if err != nil {
		b.Fatal(err)
	}
	for _, folder := range folders {
		files, _ := filepath.Glob(filepath.Join(root, folder.Name(), "*.dcm"))
		if len(files) == 0 {
			continue
		}
		b.Run(folder.Name(), func(b *testing.B) {
			var all []*sample.File
			var n int64
			for _, f := range files {
				e := sample.Read(b, f)
				all = append(all, e)
				n += int64(e.Image.Size())
			}
			b.SetBytes(n)
			b.ReportAllocs()
			for b.Loop() {
				for _, e := range all {
					if _, err := decode(e); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
