package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
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

func (c checker) servers() {
	if c.Server.PublicURL != "" {
		c.webAddress(c.Server.PublicURL, "server.public_url")
	}
	if _, _, err := net.SplitHostPort(c.Server.Listen); c.Server.Listen != "" && err != nil {
		c.fail("server.listen", `write host:port, e.g. ":8080"`, "not an address to listen on")
	}
	if text, ok := read(c.Store); ok {
		c.store(text)
	}
	if text, ok := read(c.Redis); ok && !c.Redis.IsZero() {
		c.redis(text)
	}
	for _, list := range []struct {
		path  string
		empty bool
	}{
		{"providers.github", len(c.Providers.GitHub) == 0}, {"databases", len(c.Databases) == 0},
		{"environments", len(c.Environments) == 0}, {"projects", len(c.Projects) == 0},
	} {
		if list.empty && c.places[list.path] != nil && len(c.places[list.path].Content) == 0 && c.places[list.path].Value == "" {
			c.fail(list.path, "give at least one", "the list is empty")
		}
	}
}

func (c checker) store(text string) {
	const forms = "use sqlite:PATH, or postgres://host:5432/database"
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case scheme == "sqlite" && rest != "":
	case slices.Contains([]string{"postgres", "postgresql"}, scheme) && strings.HasPrefix(rest, "//"):
	default:
		c.fail("store", forms, "not a store")
	}
}

// redisSchemes are the forms of a Redis address; what follows each, the client
// checks at the start.
var redisSchemes = []string{"redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"}

func (c checker) redis(text string) {
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case !ok || !slices.Contains(redisSchemes, scheme):
		c.fail("redis", "start it with "+strings.Join(redisSchemes, "://, ")+"://", "not a URL of a scheme that fits")
	case strings.HasSuffix(scheme, "sentinel") && len(sentinelMaster.FindString(rest)) == 0:
		c.fail("redis", "write it like "+scheme+"://sentinel-1:26379,sentinel-2:26379/MASTER/0", "the name of the master is missing")
	}
}

// sentinelMaster finds hosts and the master's name after the scheme.
var sentinelMaster = regexp.MustCompile(`^[^/?#]+/[^/?#]+`)

// webAddress checks for an http(s) URL with a host and nothing that would get
// lost when paths are added to it.
func (c checker) webAddress(text, path string) {
	parsed, err := url.Parse(text)
	switch {
	case err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http":
		c.fail(path, "write it like https://shipsql.example.com", "not an http or https address")
	case parsed.User != nil:
		c.fail(path, "remove it", "must not hold a user or password")
	case parsed.RawQuery != "" || parsed.Fragment != "":
		c.fail(path, "remove it", "must not hold a query or fragment")
	}
}

func (c checker) gitHub(p gitHub, path string) {
	c.name(p.Name, path+".name")
	c.webAddress(p.BaseURL, path+".base_url")
	if p.APIURL != "" {
		c.webAddress(p.APIURL, path+".api_url")
	}
	c.webhookSecrets(p.WebhookSecret, path+".webhook_secret")
	if c.places[path+".private_key"] != nil && p.PrivateKey.IsZero() {
		c.fail(path+".private_key", "generate one on the GitHub App's page", "must not be empty")
	}
}

// maxWebhookSecrets are the old one and the new one.
const maxWebhookSecrets = 2

func (c checker) webhookSecrets(secrets []secret.Source, path string) {
	const why = "anybody could send webhooks: set one here and in the GitHub App"
	switch {
	case c.places[path] == nil:
	case len(secrets) == 0:
		c.fail(path, why, "must not be empty")
	case len(secrets) > maxWebhookSecrets:
		c.fail(path, "keep the old one and the new one", "more than %d secrets", maxWebhookSecrets)
	case len(secrets) == maxWebhookSecrets && c.identity(secrets[0]) == c.identity(secrets[1]):
		c.fail(path+"[1]", "give the new one, or one alone", "the same as the first")
	}
	for i, s := range secrets {
		place := fmt.Sprintf("%s[%d]", path, i)
		if c.places[place] == nil { // it was not given as a list
			place = path
		}
		if s.IsZero() {
			c.fail(place, why, "must not be empty")
		}
	}
}

var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// name checks a name that people type in commands and that stands in URLs.
func (c checker) name(text, path string) {
	if text != "" && !validName.MatchString(text) {
		c.fail(path, "use letters, digits, dots, dashes and underscores, at most 63", "%q can't be typed in a command", text)
	}
}

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

// family is one name for engines that speak one dialect.
func family(engine string) string {
	if engine == "mariadb" {
		return "mysql"
	}
	return engine
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

func (c checker) environmentNames() []string {
	names := map[string]bool{}
	for _, e := range c.Environments {
		names[e.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func (c checker) providerNames() []string {
	var names []string
	for _, p := range c.Providers.GitHub {
		names = append(names, p.Name)
	}
	return names
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
