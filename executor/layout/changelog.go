package layout

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// maxChangelog bounds a changelog that only names other files.
const maxChangelog = 1 << 20

var changelogName = regexp.MustCompile(`(?i)changelog[^/]*\.(?:xml|ya?ml|json)$`)

// isChangelog says that a file may be a changelog of Liquibase that isn't SQL.
func isChangelog(file string) bool { return changelogName.MatchString(file) }

// include is an entry of a changelog.
type include struct {
	line     int
	what     string // include, includeAll, or what is not supported
	file     string // or the path of includeAll
	relative bool
	more     string // an attribute that is not supported
}

// changelogOrder is the order in which the SQL files run: the root changelog's,
// or that of their paths where there is none.
func (l *loader) changelogOrder(files []executor.File) []executor.File {
	o := order{loader: l, files: files, seen: map[string]bool{}}
	var logs []executor.File
	for _, f := range files {
		switch {
		case IsSQL(f.Path):
			o.sql = append(o.sql, f)
		case isChangelog(f.Path) && !f.Unread:
			logs = append(logs, f)
		}
	}
	root, ok := o.root(logs)
	if !ok {
		return o.sql
	}
	o.follow(root)
	for _, f := range o.sql {
		if !o.seen[f.Path] && liquibaseHead.Match(f.Content) {
			l.refuse(fault.New(fault.Invalid, "no changelog includes the file, so Liquibase does not run it").
				Then("include it in %s, or move it out of the migrations folder", root.Path), f.Path)
		}
	}
	return o.ordered
}

// order follows changelogs.
type order struct {
	*loader

	files   []executor.File
	sql     []executor.File // by path
	ordered []executor.File
	seen    map[string]bool
}

// root is the one changelog that no other includes.
func (o *order) root(logs []executor.File) (executor.File, bool) {
	included := map[string]bool{}
	for _, f := range logs {
		entries, _ := parseChangelog(f)
		for _, e := range entries {
			for _, target := range o.targets(f, e) {
				included[target.Path] = true
			}
		}
	}
	roots := slices.DeleteFunc(slices.Clone(logs), func(f executor.File) bool { return included[f.Path] })
	switch {
	case len(roots) == 1:
		return roots[0], true
	case len(roots) > 1:
		o.loader.refuse(fault.New(fault.Invalid, "no other changelog includes it, nor %s: which is the root?", roots[0].Path).
			Then("keep one root changelog in the folder"), roots[1].Path)
	case len(logs) > 0:
		o.loader.refuse(fault.New(fault.Invalid, "the changelogs include each other").Then("keep one root changelog in the folder"), logs[0].Path)
	}
	return executor.File{}, false
}

// follow appends what a changelog includes.
func (o *order) follow(f executor.File) {
	o.seen[f.Path] = true
	entries, err := parseChangelog(f)
	if err != nil {
		o.loader.refuse(err, f.Path)
		return
	}
	for _, e := range entries {
		found := o.targets(f, e)
		switch {
		case e.what != "include" && e.what != "includeAll":
			o.refuseLine(fault.New(fault.Unsupported, "%s in a changelog is not supported", e.what).
				Then("write it as formatted SQL, and include that"), f.Path, e.line)
		case e.more != "":
			o.refuseLine(fault.New(fault.Unsupported, "the attribute %s of %s is not supported", e.more, e.what).Then("take it out"), f.Path, e.line)
		case len(found) == 0 || e.what == "include" && len(found) > 1:
			o.refuseLine(fault.New(fault.Invalid, "%d files of the folder are called %s", len(found), e.file).
				Then("write the path of one below the migrations folder"), f.Path, e.line)
		}
		for _, target := range found {
			o.take(target)
		}
	}
}

func (o *order) take(f executor.File) {
	switch {
	case o.seen[f.Path]: // Liquibase takes what is included twice once
	case IsSQL(f.Path):
		o.seen[f.Path] = true
		o.ordered = append(o.ordered, f)
	default:
		o.follow(f)
	}
}

// targets are the files that an entry names. Where Liquibase looks for them is
// its search path, which the folder does not tell: a path that ends like theirs
// will do.
func (o *order) targets(from executor.File, e include) []executor.File {
	if e.what != "include" && e.what != "includeAll" {
		return nil
	}
	name := strings.TrimPrefix(strings.TrimPrefix(e.file, "classpath:"), "/")
	if e.relative {
		name = path.Join(path.Dir(from.Path), name)
	}
	name = path.Clean(name)
	var found []executor.File
	for _, f := range o.files {
		of := f.Path
		if e.what == "includeAll" {
			of = path.Dir(of)
			if (IsSQL(f.Path) || isChangelog(f.Path)) && f.Path != from.Path && (within(of, name) || strings.Contains("/"+of+"/", "/"+name+"/")) {
				found = append(found, f)
			}
		} else if of == name || !e.relative && strings.HasSuffix(of, "/"+name) {
			found = append(found, f)
		}
	}
	return found
}

func within(dir, folder string) bool {
	return folder == "." || dir == folder || strings.HasPrefix(dir, folder+"/")
}

// parseChangelog reads the entries of an XML, YAML or JSON changelog.
func parseChangelog(f executor.File) ([]include, *fault.Error) {
	switch {
	case len(f.Content) > maxChangelog:
		return nil, fault.New(fault.Invalid, "the changelog has %d bytes, and the limit is %d", len(f.Content), maxChangelog).Then("split it")
	case strings.EqualFold(path.Ext(f.Path), ".xml"):
		return parseXMLChangelog(f.Content)
	}
	return parseYAMLChangelog(f.Content)
}

// parseXMLChangelog reads the children of databaseChangeLog.
func parseXMLChangelog(content []byte) (entries []include, bad *fault.Error) {
	decoder := xml.NewDecoder(bytes.NewReader(content))
	for depth := 0; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		n, _ := decoder.InputPos()
		if err != nil {
			return entries, fault.New(fault.Invalid, "the changelog is no XML").Because(err).At(strconv.Itoa(n))
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth == 2 {
				e := include{line: n, what: t.Name.Local}
				for _, a := range t.Attr {
					e.set(a.Name.Local, a.Value)
				}
				entries = append(entries, e)
			}
		case xml.EndElement:
			depth--
		}
	}
}

// set takes an attribute.
func (e *include) set(key, value string) {
	switch {
	case key == "file" || key == "path":
		e.file = value
	case key == "relativeToChangelogFile":
		e.relative = strings.EqualFold(value, "true")
	case key == "errorIfMissingOrEmpty" && strings.EqualFold(value, "true"):
	default:
		e.more = key
	}
}

// parseYAMLChangelog reads the list under databaseChangeLog.
func parseYAMLChangelog(content []byte) (entries []include, bad *fault.Error) {
	var document struct {
		Entries []yaml.Node `yaml:"databaseChangeLog"`
	}
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, fault.New(fault.Invalid, "the changelog is no YAML or JSON").Because(err)
	}
	for _, n := range document.Entries {
		if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
			entries = append(entries, include{line: n.Line, what: "such an entry"})
			continue
		}
		e := include{line: n.Line, what: n.Content[0].Value}
		for i, attrs := 0, n.Content[1].Content; n.Content[1].Kind == yaml.MappingNode && i+1 < len(attrs); i += 2 {
			e.set(attrs[i].Value, attrs[i+1].Value)
		}
		entries = append(entries, e)
	}
	return entries, nil
}
