package architecture_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/shipsql/shipsql/"

// below lists, for every room, the rooms it may import. Leaves under internal/
// are open to all; a room may import its own folders.
var below = map[string][]string{
	"cmd":       {"handlers", "bot", "reviewer", "deploy", "providers", "executor", "queue", "store"},
	"handlers":  {"bot", "reviewer", "deploy", "providers", "executor", "queue", "store"},
	"bot":       {"reviewer", "deploy", "providers", "executor", "queue", "store"},
	"reviewer":  {"executor"},
	"deploy":    {"executor", "queue", "store"},
	"providers": {},
	"executor":  {},
	"queue":     {"store"},
	"store":     {},
	"internal":  {},
	"scripts":   {},
}

// forbidden lists libraries that are isolated: only the folders named may import
// them, so that a successor is a change in one place.
var forbidden = map[string][]string{
	"github.com/google/go-github/":       {"providers/github", "providers/miniforge"},
	"github.com/bradleyfalzon/":          {"providers/github", "providers/miniforge"},
	"github.com/redis/go-redis/":         {"queue/redisbell", "queue/belltest", "internal/privateserver"},
	"github.com/labstack/echo/":          {"handlers"},
	"github.com/jackc/pgx/":              {"executor/postgres", "scripts/compare", "internal/privateserver", "internal/faultproxy", "store", "cmd/shipsql"},
	"go.opentelemetry.io/otel/sdk":       {"cmd/shipsql/serve"},
	"go.opentelemetry.io/otel/exporters": {"cmd/shipsql/serve"},
	"modernc.org/sqlite":                 {"store"},
	"github.com/pganalyze/pg_query_go/":  {"executor/postgres", "reviewer/postgres"},
	"github.com/go-sql-driver/mysql":     {"executor/mysql", "scripts/compare", "internal/privateserver"},
	"github.com/pingcap/":                {"executor/mysql/syntax"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var p pkg
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		all = append(all, p)
	}
	return all
}

func room(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

func TestArrowsRunDownwardsOnly(t *testing.T) {
	for _, p := range packages(t) {
		allowed, known := below[room(p.ImportPath)]
		if !known && p.ImportPath != strings.TrimSuffix(module, "/") {
			t.Errorf("%s is in no room of docs/architecture.md", p.ImportPath)
		}
		for _, imported := range p.Imports {
			other, ours := strings.CutPrefix(imported, module)
			if !ours || room(other) == room(p.ImportPath) || room(other) == "internal" {
				continue
			}
			if !slices.Contains(allowed, room(other)) {
				t.Errorf("%s imports %s: an upward arrow", p.ImportPath, other)
			}
		}
	}
}

func TestIsolatedLibrariesStayIsolated(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			for library, homes := range forbidden {
				if strings.HasPrefix(imported, library) && !slices.ContainsFunc(homes, func(home string) bool {
					return strings.HasPrefix(p.ImportPath, home)
				}) {
					t.Errorf("%s imports %s; only %s may", p.ImportPath, imported, strings.Join(homes, ", "))
				}
			}
		}
	}
}
