package nearest_test

import (
	"strings"
	"testing"

	"github.com/shipsql/shipsql/internal/nearest"
)

func TestWord(t *testing.T) {
	words := []string{"drop-table", "drop-column", "éclair"}
	for text, want := range map[string]string{
		"drop-tabel": "drop-table", "drop-colum": "drop-column", "drop-table": "drop-table", "eclair": "éclair",
		"truncate": "", "": "", strings.Repeat("x", 1000): "",
	} {
		if got, ok := nearest.Word(text, words); got != want || ok != (want != "") {
			t.Errorf("Word(%q) = %q, %v; want %q", text, got, ok, want)
		}
	}
}
