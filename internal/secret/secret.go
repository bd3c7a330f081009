package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
)

// Source says where a secret comes from: an environment variable, a file, or
// the literal text. It is read when used, so a rotated secret needs no restart.
// Printing, logging or marshalling a Source shows the reference, never a value.
type Source struct {
	scheme string // "env", "file", or "" for a literal
	value  string
}

// Literal is a secret given as it is.
func Literal(value string) Source { return Source{value: value} }

// Parse reads a configuration value: "env:NAME", "file:PATH" (relative to
// baseDir), or a literal.
func Parse(ref, baseDir string) Source {
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		return Source{scheme: "env", value: name}
	}
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		if !filepath.IsAbs(path) {
			path = filepath.Join(baseDir, path)
		}
		return Source{scheme: "file", value: path}
	}
	return Literal(ref)
}

// IsZero says that no secret was given at all.
func (s Source) IsZero() bool { return s == Source{} }

// Read returns the secret's value now. A file loses its trailing line end. An
// unset variable, an unreadable file and an empty value are errors.
func (s Source) Read() (string, error) {
	value := s.value
	switch s.scheme {
	case "env":
		value = os.Getenv(s.value)
	case "file":
		content, err := os.ReadFile(s.value)
		if err != nil {
			return "", fault.New(fault.Invalid, "can't read the secret").At(s.String()).Because(err)
		}
		value = strings.TrimRight(string(content), "\r\n")
	}
	if value == "" {
		return "", fault.New(fault.Invalid, "the secret is empty").At(s.String()).
			Then("set it, or point to another place with env:NAME or file:PATH")
	}
	return value, nil
}

// String is the reference, or a fixed mark for a literal.
func (s Source) String() string {
	if s.scheme == "" {
		if s.value == "" {
			return ""
		}
		return redacted
	}
	return s.scheme + ":" + s.value
}

// Format makes every verb of fmt print String.
func (s Source) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue makes slog print String.
func (s Source) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON writes String.
func (s Source) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText writes String, for YAML and others.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
