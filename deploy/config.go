package deploy

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// Defaults of an environment's limits.
const (
	DefaultLockTimeout  = 2 * time.Second
	DefaultLockRetryFor = 30 * time.Minute
	DefaultHistory      = "default"
	// ApprovalLifetime is how long an approval counts.
	ApprovalLifetime = 7 * 24 * time.Hour
)

// Config binds repositories to databases. Only the operator writes it.
type Config struct {
	Databases    []Database
	Environments []Environment // in the order a rollout takes
	Projects     []Project
}

// Database is one physical target.
type Database struct {
	Name        string
	Engine      string // key of Deps.Engines, e.g. "postgres"
	URL         secret.Source
	ReviewURL   secret.Source // read-only login for catalogs; zero: URL
	Environment string
	Labels      map[string]string
	SetRole     string // the role its migrations run as; "": the login
	Worker      string // pool of workers that reach it and hold its URL; "": the default pool
}

// Rollout modes of an environment.
const (
	RolloutAuto   = "auto"   // stages start as soon as their other gates are open
	RolloutManual = "manual" // stages also need approvals
)

// Environment is one stop on a rollout's way.
type Environment struct {
	Name             string
	Rollout          string // RolloutAuto (default) or RolloutManual
	Approvals        Approvals
	LockTimeout      time.Duration // longest wait of one statement for its lock; 0: DefaultLockTimeout
	LockRetryFor     time.Duration // how long to back off and try again; 0: DefaultLockRetryFor
	StatementTimeout time.Duration // 0: none
	Online           string        // "assert" as in executor.Limits, or ""
}

// Gated says whether stages of this environment need approvals.
func (e Environment) Gated() bool { return e.Rollout == RolloutManual }

// Approvals says who opens a manual environment's stages.
type Approvals struct {
	Count        int      // distinct people needed; 0 means 1
	Users        []string // forge logins
	Teams        []string // org/slug
	SelfApproval bool     // the change's own people count too
}

// Needed is the number of distinct approvers, at least 1.
func (a Approvals) Needed() int { return max(a.Count, 1) }

// Project is a repository path, a branch and a selector of databases.
type Project struct {
	Repository string // provider/owner/name
	Branch     string
	Path       string            // folder of the migrations, slashes
	Databases  map[string]string // label selector: every pair must match
	Layout     string            // of the folder: a name of layout.Names, Bytebase's path template, or "" to detect it
	OutOfOrder bool              // versions below the newest may be added
	History    string            // name in the ledgers; "" means DefaultHistory
	Compat     string            // the tool whose own history is written along: "goose", "golang-migrate", "" for none
}

// ID names the project everywhere: repository@branch:path.
func (p Project) ID() string { return p.Repository + "@" + p.Branch + ":" + p.Path }

// HistoryName is the project's name in the ledgers.
func (p Project) HistoryName() string {
	if p.History == "" {
		return DefaultHistory
	}
	return p.History
}

// Selects says whether the project's selector matches the database.
func (p Project) Selects(d Database) bool {
	for key, value := range p.Databases {
		if d.Labels[key] != value {
			return false
		}
	}
	return true
}

// Project finds a project by its ID.
func (c Config) Project(id string) (Project, bool) {
	i := slices.IndexFunc(c.Projects, func(p Project) bool { return p.ID() == id })
	if i < 0 {
		return Project{}, false
	}
	return c.Projects[i], true
}

// Environment finds an environment by its name.
func (c Config) Environment(name string) (Environment, bool) {
	i := slices.IndexFunc(c.Environments, func(e Environment) bool { return e.Name == name })
	if i < 0 {
		return Environment{}, false
	}
	return c.Environments[i], true
}

// Database finds a database by its name.
func (c Config) Database(name string) (Database, bool) {
	i := slices.IndexFunc(c.Databases, func(d Database) bool { return d.Name == name })
	if i < 0 {
		return Database{}, false
	}
	return c.Databases[i], true
}

// Targets are the project's databases in one environment, by name.
func (c Config) Targets(p Project, environment string) []Database {
	var found []Database
	for _, d := range c.Databases {
		if d.Environment == environment && p.Selects(d) {
			found = append(found, d)
		}
	}
	slices.SortFunc(found, func(a, b Database) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// Road is the project's environments that hold at least one of its databases,
// in rollout order.
func (c Config) Road(p Project) []Environment {
	var road []Environment
	for _, e := range c.Environments {
		if len(c.Targets(p, e.Name)) > 0 {
			road = append(road, e)
		}
	}
	return road
}

// Layout is how the project's folder is read.
func (c Config) Layout(p Project) layout.Options {
	o, _ := layout.Parse(p.Layout) // Validate told the error
	o.Dir = p.Path
	for _, d := range c.Databases {
		if p.Selects(d) {
			o.Dialect = dialectOf(d.Engine)
		}
	}
	return o
}

func dialectOf(engine string) script.Dialect {
	if engine == "mysql" || engine == "mariadb" {
		return script.MySQL
	}
	return script.Postgres
}

// withDefaults returns a copy whose zero limits are filled in.
func (c Config) withDefaults() Config {
	c.Environments = slices.Clone(c.Environments)
	for i := range c.Environments {
		e := &c.Environments[i]
		if e.Rollout == "" {
			e.Rollout = RolloutAuto
		}
		if e.LockTimeout == 0 {
			e.LockTimeout = DefaultLockTimeout
		}
		if e.LockRetryFor == 0 {
			e.LockRetryFor = DefaultLockRetryFor
		}
	}
	return c
}

// Validate reports every contradiction in the configuration, joined: a manual
// environment nobody could approve, names used twice, a database in an unknown
// environment, a project without any database.
func (c Config) Validate() error {
	var problems faults
	unique(&problems, "databases.", c.Databases, func(d Database) string { return d.Name })
	unique(&problems, "environments.", c.Environments, func(e Environment) string { return e.Name })
	unique(&problems, "projects.", c.Projects, Project.ID)
	for _, e := range c.Environments {
		problems.environment(e)
	}
	for _, d := range c.Databases {
		if _, ok := c.Environment(d.Environment); !ok {
			problems.add("databases."+d.Name, "environment %q is not configured", d.Environment)
		}
	}
	for _, p := range c.Projects {
		problems.layout(c, p)
		if len(c.Road(p)) == 0 {
			problems.add("projects."+p.ID(), "no database matches the selector %v", slices.Sorted(maps.Keys(p.Databases)))
		}
	}
	return problems.join()
}

type faults []error

func (f *faults) add(where, format string, args ...any) {
	*f = append(*f, fault.New(fault.Invalid, format, args...).At(where))
}

func (f *faults) environment(e Environment) {
	where := "environments." + e.Name
	switch e.Rollout {
	case "", RolloutAuto:
	case RolloutManual:
		if len(e.Approvals.Users)+len(e.Approvals.Teams) == 0 {
			f.add(where, "a manual rollout needs approvals.users or approvals.teams")
		}
	default:
		f.add(where, "rollout %q is not supported yet", e.Rollout)
	}
	if len(e.Approvals.Teams) == 0 && len(e.Approvals.Users) > 0 && e.Approvals.Needed() > len(e.Approvals.Users) {
		f.add(where, "%d approvals are needed but only %d people may approve", e.Approvals.Needed(), len(e.Approvals.Users))
	}
	if e.LockTimeout < 0 || e.LockRetryFor < 0 || e.StatementTimeout < 0 {
		f.add(where, "a time can't be negative")
	}
}

// layout reports a layout that nobody knows, and databases whose SQL differs so
// much that no folder can be for all of them.
func (f *faults) layout(c Config, p Project) {
	where := "projects." + p.ID()
	if _, err := layout.Parse(p.Layout); err != nil {
		f.add(where, "%s", err)
	}
	dialects := map[script.Dialect]bool{}
	for _, d := range c.Databases {
		if p.Selects(d) {
			dialects[dialectOf(d.Engine)] = true
		}
	}
	if len(dialects) > 1 {
		f.add(where, "its databases are of PostgreSQL and of MySQL or MariaDB, and no migration can be for both")
	}
}

func (f *faults) join() error { return errors.Join(*f...) }

// unique reports names that are empty or used twice.
func unique[T any](f *faults, kind string, items []T, name func(T) string) {
	seen := map[string]bool{}
	for _, item := range items {
		n := name(item)
		if n == "" || seen[n] {
			f.add(kind+n, "the name %q is empty or used twice", n)
		}
		seen[n] = true
	}
}
