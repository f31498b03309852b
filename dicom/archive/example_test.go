package archive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/plaquerisk/plaquerisk/dicom/archive"
	"github.com/plaquerisk/plaquerisk/dicom/dimse"
	"github.com/plaquerisk/plaquerisk/dicom/web"
)

// The CT studies of a year, by DICOMweb, as lines of JSON.
func ExampleArchive() {
	c, err := web.New("https://pacs.example/dicom-web", web.DefaultConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	q := archive.Query{Level: archive.Study, Keys: []archive.Key{
		{Tag: 0x00080061, Value: "CT"}, {Tag: 0x00080020, Value: "20250101-20251231"}, {Tag: archive.TagStudy},
	}}
	if err := c.Find(context.Background(), q, func(r archive.Result) error { return json.NewEncoder(os.Stdout).Encode(r) }); err != nil {
		fmt.Println(err)
	}
}

// A study by C-GET. Called again after a break, it fetches what is missing.
func ExampleRetrieve() {
	c := &dimse.Client{Peer: dimse.Peer{AET: "PACS", Address: "pacs.example:104"}, Config: dimse.DefaultConfig()}
	report, err := archive.Retrieve(context.Background(), c, archive.Name{Study: "1.2.840.1"}, archive.NewFolder("study"),
		archive.Transfer{Retry: archive.DefaultRetry()})
	fmt.Println(report.Transferred, "objects are new", err)
}

// Attributes go by their DICOM keywords.
func ExampleParseKey() {
	k, err := archive.ParseKey("StudyDate=20250101-20251231")
	fmt.Println(k.Tag, k.Value, err)
	// Output: (0008,0020) 20250101-20251231 <nil>
}
