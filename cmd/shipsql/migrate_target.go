package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/mysql"
	mysqlsyntax "github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// opened is a database that the command line named.
type opened struct {
	executor.Target

	engine  executor.Engine
	dialect script.Dialect
	close   func()
}

// openTarget picks the engine by the URL's scheme. Nothing is connected yet; the
// caller closes it.
func openTarget(database string) (opened, error) {
	source := secret.Parse(database, ".")
	url, err := source.Read()
	if err != nil {
		return opened{}, err
	}
	scheme, _, found := strings.Cut(url, "://")
	switch {
	case !found || scheme == "postgres" || scheme == "postgresql": // without a scheme: key=value
		parser := syntax.NewParser(syntax.Options{Workers: 1}) // each is a process; this one is kept small
		engine := postgres.New(parser)
		return opened{engine.Open(source), engine, script.Postgres, func() { _ = parser.Close() }}, nil
	case scheme == mysql.MySQL || scheme == mysql.MariaDB:
		engine := mysql.New(mysqlsyntax.Flavour(scheme))
		return opened{engine.Open(source), engine, script.MySQL, func() {}}, nil
	}
	return opened{}, fault.New(fault.Unsupported, "there is no engine for %s://", scheme).Then("use postgres://, mysql:// or mariadb://")
}

// migration is what a command works on.
type migration struct {
	engine  executor.Engine
	target  executor.Target
	dialect script.Dialect
	layout  layout.Folder
	folder  []executor.Migration // of the layout, what goes to this database
	files   []executor.File

	format  string
	printed bool // the report is out, errors included
}

// print writes the command's report.
func (m *migration) print(t *terminal, r report) error {
	m.printed = true
	return t.print(m.format, r)
}

// use opens the target and reads the folder, runs f, and gives its error the
// exit code of the contract. With --format json an error is JSON, too.
func (m *migrateTarget) use(t *terminal, f func(*migration) error) error {
	on := &migration{format: m.Format}
	err := m.open(on, func() error { return coded(f(on)) })
	if err != nil && m.Format == "json" && !on.printed {
		return errors.Join(t.print("json", failedReport{Version: 1, Error: describe(err)}), err)
	}
	return err
}

func (m *migrateTarget) open(on *migration, f func() error) error {
	options, err := layout.Parse(m.Layout)
	if err != nil {
		return exit{exitUsage, err}
	}
	target, err := openTarget(m.Database)
	if err != nil {
		return exit{exitUsage, err}
	}
	defer target.close()
	on.engine, on.target, on.dialect = target.engine, target.Target, target.dialect
	if on.files, err = m.files(); err != nil {
		return exit{exitUsage, err}
	}
	options.Dialect, options.Dir = target.dialect, filepath.ToSlash(m.Dir)
	if on.layout, err = layout.Load(on.files, options); err != nil {
		return exit{exitFail, err}
	}
	if on.folder, err = m.bound(on.layout.Migrations); err != nil {
		return exit{exitUsage, err}
	}
	return f()
}

// files reads the folder; paths are as the user would write them.
func (m *migrateTarget) files() ([]executor.File, error) {
	files, err := layout.ReadDir(os.DirFS(m.Dir), ".")
	for i := range files {
		files[i].Path = filepath.ToSlash(filepath.Join(m.Dir, files[i].Path))
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "can't read the folder of the migrations").At(m.Dir).Because(errors.Unwrap(err)).Then("name it with --dir")
	}
	return files, nil
}

// bound leaves out migrations whose path sends them elsewhere. A folder that
// says where its files go needs to be told where it is.
func (m *migrateTarget) bound(all []executor.Migration) ([]executor.Migration, error) {
	for _, x := range all {
		if x.Target.Environment != "" && m.Environment == "" || x.Target.Database != "" && m.Name == "" {
			return nil, fault.New(fault.Invalid, "the path says where the file goes, and not where this database is").At(x.Path).
				Then("say so with --environment and --name")
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(x executor.Migration) bool {
		return elsewhere(x.Target.Environment, m.Environment) || elsewhere(x.Target.Database, m.Name)
	}), nil
}

func elsewhere(wanted, here string) bool { return wanted != "" && !strings.EqualFold(wanted, here) }

// upTo returns the folder up to a version, which must be one of it; "" is all.
// What has no version of its own comes along only with all of it.
func (m *migration) upTo(version string) ([]executor.Migration, error) {
	if version == "" {
		return m.folder, nil
	}
	i, err := m.index(version)
	if err != nil {
		return nil, err
	}
	return m.folder[:i+1], nil
}

// index is where a version stands in the folder.
func (m *migration) index(version string) (int, error) {
	i := slices.IndexFunc(m.folder, func(x executor.Migration) bool { return executor.VersionKey(x.Version) == executor.VersionKey(version) })
	if i < 0 {
		return 0, exit{exitUsage, fault.New(fault.NotFound, "the folder has no version %s", version)}
	}
	return i, nil
}
