package layout

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/nearest"
)

// Auto is the name that has the layout detected.
const Auto = "auto"

// The names of the layouts.
const (
	Native        = "native"
	Flyway        = "flyway"
	GolangMigrate = "golang-migrate"
	Goose         = "goose"
	Dbmate        = "dbmate"
	Liquibase     = "liquibase-sql"
	Atlas         = "atlas"
	Prisma        = "prisma"
	SQLx          = "sqlx"
	Bytebase      = "bytebase"
)

// Options say how a folder is read. The zero Options detect the layout and read
// PostgreSQL.
type Options struct {
	Name    string         // one of Names; "" is Auto
	Dialect script.Dialect // "" is script.Postgres
	// Template is the path of Bytebase's files below the folder, e.g.
	// "{{ENV_ID}}/{{DB_NAME}}##{{VERSION}}##{{TYPE}}##{{DESCRIPTION}}.sql"; "" is
	// today's naming. Other layouts have none.
	Template string
	// Dir is the folder's own path, which the files' paths begin with. Templates,
	// and versions that hold a path, leave it out.
	Dir string
}

// below is a file's path below the folder.
func (o Options) below(file string) string {
	dir := path.Clean(o.Dir)
	return strings.TrimPrefix(strings.TrimPrefix(path.Clean(file), dir+"/"), "/")
}

// Folder is what was read.
type Folder struct {
	Layout     string               // the layout's name, never Auto
	Why        string               // what it was detected by; "" when Options named it
	Migrations []executor.Migration // in the order in which they run
}

// Names are the names that Options.Name may have, sorted, Auto first.
func Names() []string {
	names := []string{Auto}
	for _, a := range adapters {
		names = append(names, a.name)
	}
	slices.Sort(names[1:])
	return names
}

// Check refuses options that no folder can be read with: an unknown name, a
// template that can't be understood.
func (o Options) Check() error {
	_, err := o.choose(nil)
	return err
}

// Parse makes options of a configuration's one word: a layout's name, or
// Bytebase's path template.
func Parse(word string) (Options, error) {
	o := Options{Name: word}
	if strings.Contains(word, "{{") {
		o = Options{Name: Bytebase, Template: word}
	}
	return o, o.Check()
}

// Load makes migrations of a folder's files. Files that no layout knows (a
// README) are no concern of it. Each file that should be a migration and can't
// be is a fault with its place: all of them at once, joined, with the good
// migrations returned beside them. Faults about the folder as a whole have no
// place, or that of a file beside the migrations (atlas.sum). Of files whose text
// is unread only the names count. It is pure, safe for concurrent use, and takes time linear in the
// files but for sorting.
func Load(files []executor.File, o Options) (Folder, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b executor.File) int { return cmp.Compare(a.Path, b.Path) })
	chosen, err := o.choose(files)
	if err != nil {
		return Folder{}, err
	}
	l := &loader{options: o, layout: chosen.adapter, migrations: make([]executor.Migration, 0, len(files)), taken: make(map[key]string, len(files))}
	l.foreign(files)
	chosen.read(l, files)
	l.sort()
	return Folder{Layout: chosen.name, Why: chosen.why, Migrations: l.migrations}, errors.Join(l.errs...)
}

// Detect says which layout the files have, and by what one sees it, e.g. "goose:
// 11 of 12 files carry -- +goose Up". Unread files count by their names. Files that bear the signs of two layouts are a fault that names
// both and the setting that decides.
func Detect(files []executor.File) (name, why string, err error) {
	c, err := Options{}.choose(files)
	return c.name, c.why, err
}

// Identify reads what a migration's path says, without looking inside. Down files
// and files that are no migrations are not ok, nor are those of layouts whose
// paths say nothing. Of an undetected layout it is Native's word.
func (o Options) Identify(path string) (m executor.Migration, ok bool) {
	a, known := find(o.Name)
	if !known {
		a = native
	}
	n, ok := a.identify(o, path)
	if !ok || n.down {
		return m, false
	}
	return executor.Migration{
		Version: n.version, Name: n.name, Kind: cmp.Or(n.kind, executor.Versioned), Change: n.change, Path: path, Target: n.target,
	}, true
}

// adapter is one layout.
type adapter struct {
	name string
	// signs counts the files that bear the layout's signs.
	signs func(files []executor.File) signs
	// identify reads a path.
	identify func(o Options, path string) (fileName, bool)
	// read hands the files' migrations to the loader. They are sorted by path.
	read func(l *loader, files []executor.File)
	// ordered: the folder's order is the adapter's, not that of the versions.
	ordered bool
	// empty: the tool takes a file without statements for a migration.
	empty bool
}

// adapters is the closed table of layouts.
var adapters []adapter

func init() { //nolint:gochecknoinits // the table and the functions in it name each other
	adapters = []adapter{native, flyway, golangMigrate, goose, dbmate, liquibase, atlas, prisma, sqlx, bytebase}
}

func find(name string) (adapter, bool) {
	i := slices.IndexFunc(adapters, func(a adapter) bool { return a.name == name })
	if i < 0 {
		return adapter{}, false
	}
	return adapters[i], true
}

// choice is an adapter and why it was chosen.
type choice struct {
	adapter

	why string
}

// choose takes the adapter that the options name, or detects it.
func (o Options) choose(files []executor.File) (choice, error) {
	if o.Name == "" || o.Name == Auto {
		return detect(files)
	}
	a, ok := find(o.Name)
	if o.Template != "" && ok {
		if _, err := compileTemplate(o.Template); err != nil {
			return choice{}, err
		}
	}
	if !ok {
		next := "the layouts are " + strings.Join(Names(), ", ")
		if near, ok := nearest.Word(o.Name, Names()); ok {
			next = "did you mean " + near + "?"
		}
		return choice{}, fault.New(fault.Invalid, "unknown layout %q", o.Name).Then("%s", next)
	}
	return choice{adapter: a}, nil
}
