package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fromEmpty applies a folder to an empty database, and then finds nothing to do.
func (s site) fromEmpty(flags string) {
	s.Helper()
	first := s.run("up "+flags, exitOK, " applied, ", "")
	if strings.Contains(first, "\n0 applied") {
		s.Errorf("nothing was applied: %s", first)
	}
	s.run("up "+flags, exitOK, "0 applied, ", "")
	s.run("up --dry-run "+flags, exitOK, "0 applied, ", "")
	if out := s.run("status --format json "+flags, exitOK, `"summary":{`, ""); strings.Contains(out, `"pending"`) || strings.Contains(out, `"changed"`) {
		s.Errorf("after all was applied: %s", out)
	}
}

// TestGoldenRepositories applies the golden repository of each layout, which are
// PostgreSQL's.
func TestGoldenRepositories(t *testing.T) {
	const template = "{{ENV_ID}}/{{DB_NAME}}##{{VERSION}}##{{TYPE}}##{{DESCRIPTION}}.sql"
	for name, flags := range map[string]string{
		"native": "", "flyway": "", "golang-migrate": "", "goose": "", "dbmate": "", "liquibase-sql": "", "atlas": "", "prisma": "", "sqlx": "",
		"bytebase": "--layout bytebase", "bytebase-template": "--environment test --name orders --layout " + template,
	} {
		t.Run(name, func(t *testing.T) {
			s := site{t, products["postgres"](t), t.TempDir()}
			if err := os.CopyFS(s.dir, os.DirFS(filepath.Join("..", "..", "executor", "layout", "testdata", name))); err != nil {
				t.Fatal(err)
			}
			s.fromEmpty(flags)
		})
	}
}

// TestAdoptedFoldersFromEmpty applies the folders of TestAdoptHalfWay where the
// tool never was, on both products.
func TestAdoptedFoldersFromEmpty(t *testing.T) {
	for _, name := range []string{"flyway", "flyway-legacy", "golang-migrate", "goose", "dbmate", "atlas", "prisma", "sqlx", "liquibase-sql"} {
		both(t, name, func(t *testing.T, product string) {
			s := goldenFolder(t, product, name)
			layout, _, _ := strings.Cut(name, "-legacy")
			s.fromEmpty("--layout " + layout)
		})
	}
}

func TestATemplateAsksWhereTheDatabaseIs(t *testing.T) {
	s := site{t, products["postgres"](t), t.TempDir()}
	if err := os.CopyFS(s.dir, os.DirFS(filepath.Join("..", "..", "executor", "layout", "testdata", "bytebase-template"))); err != nil {
		t.Fatal(err)
	}
	const layout = "--layout {{ENV_ID}}/{{DB_NAME}}##{{VERSION}}##{{TYPE}}##{{DESCRIPTION}}.sql"
	s.run("up "+layout, exitUsage, "", "say so with --environment and --name")
	s.run("up --environment nowhere --name orders "+layout, exitOK, "0 applied, 0 already there", "")
	s.run("up --environment prod --name orders "+layout, exitOK, "2 applied, 0 already there", "")
}
