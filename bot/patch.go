package bot

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // git names contents by it; no secret depends on it
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/providers"
)

// contentOf is a new file's content as its patch tells it, which saves a call
// per file. The blob's hash proves it; false when the patch was cut, left out or
// shows less than the whole file.
func contentOf(f providers.ChangedFile) ([]byte, bool) {
	if f.Status != providers.Added || f.Patch == "" || !strings.HasPrefix(f.Patch, "@@ -0,0 ") {
		return nil, false
	}
	_, body, _ := strings.Cut(f.Patch, "\n")
	var content bytes.Buffer
	for line := range strings.SplitSeq(strings.TrimSuffix(body, "\n"), "\n") {
		if strings.HasPrefix(line, `\`) { // "\ No newline at end of file"
			content.Truncate(max(0, content.Len()-1))
			continue
		}
		text, ok := strings.CutPrefix(line, "+")
		if !ok {
			return nil, false
		}
		content.WriteString(text + "\n")
	}
	return content.Bytes(), blobID(content.Bytes()) == f.Blob
}

// blobID is git's name of a content.
func blobID(content []byte) string {
	h := sha1.New() //nolint:gosec // see the import
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}
