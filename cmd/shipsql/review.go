package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/reviewer"
)

type reviewCmd struct {
	Engine        string   `help:"Engine of the target: postgres, or mysql or mariadb (parsed only: there are no rules yet)." enum:"postgres,mysql,mariadb" default:"postgres" placeholder:"NAME"`
	EngineVersion string   `help:"Version of the target, e.g. 15. Default: what --database says, else 15." placeholder:"V"`
	Schema        string   `help:"SQL file that describes what exists before the change." placeholder:"FILE" xor:"catalog"`
	Database      string   `help:"Read the catalog of this database: a URL, env:NAME or file:PATH." placeholder:"URL" xor:"catalog"`
	Rehearse      bool     `help:"Not supported yet."`
	Config        string   `help:"Policy. Default: .shipsql.yaml if there is one." placeholder:"FILE"`
	Layout        string   `help:"Naming of the files: ${layouts}." default:"auto" placeholder:"LAYOUT"`
	Format        string   `help:"text or json." enum:"text,json,sarif,github,gitlab" default:"text"`
	Paths         []string `arg:"" name:"path" help:"Migration files, or folders of them."`
}

// Help says what the exit codes mean.
func (*reviewCmd) Help() string {
	return "Exit code 0: nothing blocks; 1: blocking findings; 2: wrong usage or unreadable input."
}

const defaultPolicy = ".shipsql.yaml"

// Run reviews the files and prints the report.
func (c *reviewCmd) Run(t *terminal) error {
	input, err := c.input(t.ctx)
	if err != nil {
		return exit{exitUsage, err}
	}
	parser := syntax.NewParser(syntax.Options{})
	defer func() { _ = parser.Close() }()
	report, err := reviewer.New(parser).Review(t.ctx, input)
	if err != nil {
		return exit{exitUsage, err}
	}
	if err := c.print(t, report); err != nil {
		return exit{exitUsage, err}
	}
	if report.Blocking() {
		return exit{code: exitFail}
	}
	return nil
}

func (c *reviewCmd) print(t *terminal, report reviewer.Report) error {
	if c.Format == "text" {
		return report.WriteText(t.out, t.isTTY)
	}
	out := json.NewEncoder(t.out)
	out.SetEscapeHTML(false)
	return out.Encode(report)
}

// input gathers what the flags name.
func (c *reviewCmd) input(ctx context.Context) (in reviewer.Input, err error) {
	if err := c.supported(); err != nil {
		return in, err
	}
	in = reviewer.Input{Engine: c.Engine, EngineVersion: c.EngineVersion}
	if in.Policy, err = c.policy(); err != nil {
		return in, err
	}
	if in.Files, err = c.files(); err != nil {
		return in, err
	}
	if c.Schema != "" {
		in.Schema, err = readPaths([]string{c.Schema})
		in.Schema = onlySQL(in.Schema)
	}
	if c.Database != "" && err == nil {
		in.Catalog, err = postgres.New(nil).Open(secret.Parse(c.Database, ".")).Catalog(ctx)
	}
	return in, err
}

// wholeFiles are the layouts in which a file is what runs, from its first line to
// its last: there files are reviewed that the layout would not take, too.
var wholeFiles = []string{layout.Native, layout.GolangMigrate, layout.SQLx, layout.Bytebase}

// files are what is to be reviewed, in the order in which it runs.
func (c *reviewCmd) files() ([]executor.File, error) {
	files, err := readPaths(c.Paths)
	if err != nil {
		return nil, err
	}
	o, err := layout.Parse(c.Layout)
	if err != nil {
		return nil, err
	}
	if !reviewer.HasRules(c.Engine) {
		o.Dialect = script.MySQL
	}
	folder, err := layout.Load(files, o)
	if slices.Contains(wholeFiles, folder.Layout) && o.Template == "" {
		files = onlySQL(files)
		slices.SortStableFunc(files, byVersion) // a shell's * puts 10 before 9
		return files, nil
	}
	files = nil
	for _, m := range folder.Migrations {
		files = append(files, executor.File{Path: m.Path, Content: []byte(m.SQL), Form: m.Form})
	}
	return files, err
}

func onlySQL(files []executor.File) []executor.File {
	return slices.DeleteFunc(files, func(f executor.File) bool { return !layout.IsSQL(f.Path) })
}

func (c *reviewCmd) supported() error {
	switch {
	case c.Rehearse:
		return fault.New(fault.Unsupported, "--rehearse is not supported yet").Then("leave it out for the static review")
	case c.Format != "text" && c.Format != "json":
		return fault.New(fault.Unsupported, "--format %s is not supported yet", c.Format).Then("use text or json")
	case !reviewer.HasRules(c.Engine) && (c.Schema != "" || c.Database != ""):
		return fault.New(fault.Unsupported, "--schema and --database change nothing for %s: there are no rules yet", c.Engine).Then("leave them out")
	}
	return nil
}

func (c *reviewCmd) policy() (reviewer.Policy, error) {
	path := c.Config
	if path == "" {
		path = defaultPolicy
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.Config == "":
		return reviewer.Policy{}, nil
	case err != nil:
		return reviewer.Policy{}, fault.New(fault.Invalid, "the policy can't be read").Because(err)
	}
	policy, err := reviewer.LoadPolicy(text)
	if err != nil {
		return policy, fault.New(fault.Invalid, "the policy is wrong").At(path).Because(err)
	}
	return policy, nil
}

// readPaths reads the files, and the migrations in the folders.
func readPaths(paths []string) ([]executor.File, error) {
	var files []executor.File
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fault.New(fault.Invalid, "there is nothing to review").Because(err)
		}
		if !info.IsDir() {
			content, err := os.ReadFile(path)
			if err != nil {
				return nil, fault.New(fault.Invalid, "the file can't be read").Because(err)
			}
			files = append(files, executor.File{Path: filepath.ToSlash(path), Content: content})
			continue
		}
		folder, err := readFolder(path)
		if err != nil {
			return nil, err
		}
		files = append(files, folder...)
	}
	return files, nil
}

// A down file undoes a migration; what it drops is meant to be dropped.
var downFile = regexp.MustCompile(`(?i)\.(down|undo)\.sql$`)

func readFolder(dir string) ([]executor.File, error) {
	files, err := layout.ReadDir(os.DirFS(dir), ".")
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(f executor.File) bool { return downFile.MatchString(f.Path) })
	if !slices.ContainsFunc(files, func(f executor.File) bool { return layout.IsSQL(f.Path) }) {
		return nil, fault.New(fault.Invalid, "the folder holds no .sql file").At(dir)
	}
	for i := range files {
		files[i].Path = filepath.ToSlash(filepath.Join(dir, files[i].Path))
	}
	return files, nil
}

// byVersion orders files as they run; those without a version come last.
func byVersion(a, b executor.File) int {
	x, okA := (layout.Options{}).Identify(a.Path)
	y, okB := (layout.Options{}).Identify(b.Path)
	switch {
	case okA && okB:
		return executor.CompareVersions(x.Version, y.Version)
	case okA:
		return -1
	case okB:
		return 1
	}
	return 0
}
