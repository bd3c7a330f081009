package message_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/bot/message"
)

var update = flag.Bool("update", false, "write docs/TEMPLATES.md")

const galleryFile = "../../docs/TEMPLATES.md"

func gallery() string {
	var b strings.Builder
	b.WriteString("# Every message ShipSQL posts\n\n" +
		"Written from the real templates by `go test ./bot/message -update`; do not edit.\n")
	for _, s := range samples() {
		b.WriteString("\n## " + s.title + "\n\n" + s.when + "\n\n" + message.Fence("markdown", s.text) + "\n")
	}
	return b.String()
}

func TestTheGalleryShowsTheRealTemplates(t *testing.T) {
	got := gallery()
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(galleryFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(galleryFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/TEMPLATES.md is stale (go test ./bot/message -update):\n%s", diff)
	}
}
