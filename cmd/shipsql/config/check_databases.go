package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

func (c checker) environment(e environment, path string) {
	c.name(e.Name, path+".name")
	if c.places[path+".lock_timeout"] != nil && e.LockTimeout == 0 {
		c.fail(path+".lock_timeout", "write it like 2s", "0 would let a migration stall the application without end")
	}
	a, given := e.Approvals, c.places[path+".approvals"] != nil
	switch {
	case e.Rollout == "auto" && given:
		c.fail(path+".approvals", "say rollout: manual, or remove them", "an auto rollout asks nobody")
	case e.Rollout == "manual" && len(a.Users)+len(a.Teams) == 0:
		c.fail(path+".approvals", "name users or teams", "nobody may approve, so this gate could never open")
	case e.Rollout == "manual" && len(a.Teams) == 0 && a.Count > len(slices.Compact(slices.Sorted(slices.Values(a.Users)))):
		c.fail(path+".approvals.count", "name more users or a team, or ask for fewer", "more approvals than people who may give them")
	}
	for i, team := range a.Teams {
		if org, slug, ok := strings.Cut(team, "/"); !ok || org == "" || slug == "" || strings.Contains(slug, "/") {
			c.fail(fmt.Sprintf("%s.approvals.teams[%d]", path, i), "write it like acme/dba", "not a team")
		}
	}
}

func (c checker) database(d database, path string) {
	c.name(d.Name, path+".name")
	if d.Name == "failed" {
		c.fail(path+".name", "choose another", "the command retry means something else by %q", d.Name)
	}
	if d.Environment != "" && !slices.ContainsFunc(c.Environments, func(e environment) bool { return e.Name == d.Environment }) {
		c.fail(path+".environment", c.oneOf(d.Environment, c.environmentNames()), "there is no environment %q", d.Environment)
	}
	c.name(d.Worker, path+".worker")
	if d.Worker == DefaultPool {
		c.fail(path+".worker", "leave the key out", "is how --pool names the pool of databases without a worker key")
	}
	c.engine(d, path)
	if engine := cmp.Or(d.Engine, engineOf(c.resolvedURL(d))); d.SetRole != "" && family(engine) == "mysql" {
		c.fail(path+".set_role", "leave it out", "is PostgreSQL's, and the engine is %s", engine)
	}
	if text, ok := read(d.ReviewURL); ok && !d.ReviewURL.IsZero() && family(engineOf(text)) != family(engineOf(c.resolvedURL(d))) {
		c.fail(path+".review_url", "", "is of another engine than url")
	}
}

func (c checker) environmentNames() []string {
	names := map[string]bool{}
	for _, e := range c.Environments {
		names[e.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// engine checks that the URL and the engine agree. A URL that can't be read
// here (a worker's secret) needs the engine to be said.
func (c checker) engine(d database, path string) {
	text, readable := read(d.URL)
	switch found := engineOf(text); {
	case d.URL.IsZero() && c.places[path+".url"] != nil:
		c.fail(path+".url", "write it like env:NAME, postgres://… or mysql://…", "must not be empty")
	case d.URL.IsZero() || c.places[path+".engine"] != nil && d.Engine == "":
	case !readable && d.Engine == "":
		c.fail(path+".engine", "say engine: postgres, mysql or mariadb", "needed, because %s can't be read here", d.URL)
	case !readable:
	case found == "":
		c.fail(path+".url", "use postgres://user:password@host:5432/db, mysql:// or mariadb://", "not a database URL")
	case d.Engine != "" && family(d.Engine) != family(found):
		c.fail(path+".url", "", "is of %s, but engine says %s", found, d.Engine)
	}
}

func (c checker) resolvedURL(d database) string {
	if text, ok := read(d.URL); ok {
		return text
	}
	return d.Engine + "://"
}

// engineOf is the engine a database URL's scheme names; "" for none.
func engineOf(text string) string {
	parsed, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return map[string]string{"postgres": "postgres", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mariadb"}[parsed.Scheme]
}

// family is one name for engines that speak one dialect.
func family(engine string) string {
	if engine == "mariadb" {
		return "mysql"
	}
	return engine
}
