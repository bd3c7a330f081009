package secret_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

func TestReadFollowsTheReference(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("from-file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SHIPSQL_SECRET_TEST", "from-env")
	for ref, want := range map[string]string{
		"env:SHIPSQL_SECRET_TEST": "from-env",
		"file:key":                "from-file",
		"literal":                 "literal",
	} {
		got, err := secret.Parse(ref, dir).Read()
		if err != nil || got != want {
			t.Errorf("Parse(%q).Read() = %q, %v; want %q", ref, got, err, want)
		}
	}
}

func TestReadRefusesAnEmptySecret(t *testing.T) {
	for _, ref := range []string{"env:SHIPSQL_NOT_SET", "file:missing", ""} {
		if _, err := secret.Parse(ref, t.TempDir()).Read(); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("Parse(%q).Read(): %v, want an invalid error", ref, err)
		}
	}
}

func TestASourceNeverShowsItsValue(t *testing.T) {
	const value = "hunter2-hunter2"
	s := secret.Literal(value)
	asJSON, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s), string(asJSON), log.String()} {
		if strings.Contains(shown, value) || strings.Contains(shown, fmt.Sprintf("%x", value)) {
			t.Errorf("shows the value: %s", shown)
		}
	}
}
