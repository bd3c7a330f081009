package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/shipsql/shipsql/internal/nearest"
	"github.com/shipsql/shipsql/internal/secret"
)

// checker finds what no single value shows: references to nothing, duplicates,
// gates that can never open. A value that is missing or of the wrong type was
// reported by the decoder and is left alone here.
type checker struct {
	*decoder
	*shape
}

func (c checker) check() {
	c.servers()
	for i, p := range c.Providers.GitHub {
		c.gitHub(p, fmt.Sprintf("providers.github[%d]", i))
	}
	unique(c, "providers.github", "name", c.Providers.GitHub, func(p gitHub) string { return p.Name })
	for i, e := range c.Environments {
		c.environment(e, fmt.Sprintf("environments[%d]", i))
	}
	unique(c, "environments", "name", c.Environments, func(e environment) string { return e.Name })
	for i, d := range c.Databases {
		c.database(d, fmt.Sprintf("databases[%d]", i))
	}
	unique(c, "databases", "name", c.Databases, func(d database) string { return d.Name })
	unique(c, "databases", "url", c.Databases, func(d database) string { return c.identity(d.URL) })
	for i, p := range c.Projects {
		c.project(p, fmt.Sprintf("projects[%d]", i))
	}
	c.overlaps()
}

// fail records a problem, unless what stands there was reported already.
func (c checker) fail(path, next, format string, args ...any) {
	for at := path; at != ""; at = parentOf(at) {
		if c.failed[at] {
			return
		}
	}
	c.decoder.fail(path, next, format, args...)
}

var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// name checks a name that people type in commands and that stands in URLs.
func (c checker) name(text, path string) {
	if text != "" && !validName.MatchString(text) {
		c.fail(path, "use letters, digits, dots, dashes and underscores, at most 63", "%q can't be typed in a command", text)
	}
}

func (c checker) oneOf(text string, names []string) string {
	if near, ok := nearest.Word(text, names); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "known: " + strings.Join(names, ", ")
}

// unique reports every item whose value an earlier item has as well.
func unique[T any](c checker, list, key string, items []T, value func(T) string) {
	first := map[string]int{}
	for i, item := range items {
		text := value(item)
		if earlier, twice := first[text]; twice && text != "" {
			c.fail(fmt.Sprintf("%s[%d].%s", list, i, key), "", "the same as %s[%d].%s", list, earlier, key)
			continue
		}
		first[text] = i
	}
}

// identity tells secrets apart without showing them.
func (c checker) identity(s secret.Source) string {
	if text, ok := read(s); ok {
		return text
	}
	return s.String()
}

// literal says whether s stands in the file itself.
func literal(s secret.Source) bool {
	return !strings.HasPrefix(s.String(), "env:") && !strings.HasPrefix(s.String(), "file:")
}

// read returns a secret's text where this process can see it.
func read(s secret.Source) (string, bool) {
	text, err := s.Read()
	return text, err == nil
}
