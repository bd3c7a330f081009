package config

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
)

func (c checker) project(p project, place string) {
	if _, err := layout.Parse(p.Layout); err != nil {
		if f, ok := errors.AsType[*fault.Error](err); ok {
			c.fail(place+".layout", f.Next, "%s", f.Message)
		}
	}
	c.repository(p.Repository, place+".repository")
	if p.Path != "" && (path.IsAbs(p.Path) || path.Clean(p.Path) != strings.TrimSuffix(p.Path, "/") || strings.HasPrefix(path.Clean(p.Path), "..")) {
		c.fail(place+".path", `write it from the repository's root, e.g. "migrations"`, "not a folder of the repository")
	}
	if p.History != "" {
		c.name(p.History, place+".history")
	}
	switch {
	case p.Databases == nil:
	case len(p.Databases) == 0:
		c.fail(place+".databases", "name at least one label", "an empty selector would match every database")
	case len(c.selected(p)) == 0:
		c.fail(place+".databases", "compare it with the labels of databases", "no database has these labels")
	case c.mixed(p):
		c.fail(place+".databases", "make two projects, each with a folder of its own", "selects PostgreSQL and MySQL or MariaDB: no file is SQL for both")
	}
}

func (c checker) repository(text, place string) {
	parts := strings.Split(text, "/")
	switch names := c.providerNames(); {
	case text == "":
	case len(parts) != 3 || slices.Contains(parts, ""):
		c.fail(place, "write it like github.com/acme/orders", "not a repository")
	case !slices.Contains(names, parts[0]):
		c.fail(place, c.oneOf(parts[0], names), "there is no provider %q", parts[0])
	}
}

func (c checker) providerNames() []string {
	var names []string
	for _, p := range c.Providers.GitHub {
		names = append(names, p.Name)
	}
	return names
}

// mixed says whether a project's databases speak two dialects.
func (c checker) mixed(p project) bool {
	families := map[string]bool{}
	selected := c.selected(p)
	for _, d := range c.Databases {
		if engine := cmp.Or(d.Engine, engineOf(c.resolvedURL(d))); engine != "" && slices.Contains(selected, d.Name) {
			families[family(engine)] = true
		}
	}
	return len(families) > 1
}

// overlaps finds projects that would release one file twice, or keep one
// ledger together.
func (c checker) overlaps() {
	for i, later := range c.Projects {
		for j, earlier := range c.Projects[:i] {
			place, other := fmt.Sprintf("projects[%d]", i), fmt.Sprintf("projects[%d]", j)
			if later.Repository == earlier.Repository && later.Branch == earlier.Branch && nested(later.Path, earlier.Path) {
				c.fail(place+".path", "give each project a folder of its own", "overlaps with the folder of %s", other)
			} else if shared := c.shared(later, earlier); shared != "" && later.History == earlier.History {
				c.fail(place, "give one of them another history", "%s has database %q and history %q too", other, shared, later.History)
			}
		}
	}
}

// nested says whether one folder is the other or lies in it.
func nested(a, b string) bool {
	a, b = path.Clean(a)+"/", path.Clean(b)+"/"
	return a == "./" || b == "./" || strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

func (c checker) shared(a, b project) string {
	others := c.selected(b)
	for _, name := range c.selected(a) {
		if slices.Contains(others, name) {
			return name
		}
	}
	return ""
}

// selected are the names of the databases that have all of the selector's labels.
func (c checker) selected(p project) []string {
	var names []string
	for _, d := range c.Databases {
		matches := len(p.Databases) > 0
		for label, value := range p.Databases {
			matches = matches && d.Labels[label] == value
		}
		if matches {
			names = append(names, d.Name)
		}
	}
	return names
}
