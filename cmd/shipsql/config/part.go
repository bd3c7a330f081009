package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/nearest"
	"github.com/shipsql/shipsql/internal/secret"
)

// Role says which part of the app a process is.
type Role string

// The roles.
const (
	RoleAll    Role = "all"    // everything in one process
	RoleWeb    Role = "web"    // the listener; runs no jobs, needs no database
	RoleWorker Role = "worker" // jobs; the listener serves health and metrics
)

// DefaultPool is how the pool of the databases without `worker:` is named on the
// command line.
const DefaultPool = "default"

// Part is what one process does: its role, and the pools whose jobs it runs.
type Part struct {
	Role  Role
	Pools []string // "" is the default pool; none: the process runs no jobs
}

// Runs says whether the process reaches a database, and so needs its URL.
func (p Part) Runs(d deploy.Database) bool { return slices.Contains(p.Pools, d.Worker) }

// Part works out what a process with this role and these --pool flags does. It
// refuses pools that no database names, pools of a process that runs no jobs, and
// a split of a store that only one process can use.
func (f *File) Part(role Role, pools []string) (Part, error) {
	if err := f.splittable(role, pools); err != nil {
		return Part{}, err
	}
	part := Part{Role: role}
	switch {
	case role == RoleWeb && len(pools) > 0:
		return Part{}, fault.New(fault.Invalid, "--pool is for processes that run jobs, and --role web runs none").
			Then("leave out --pool, or say --role worker")
	case role == RoleWeb:
	case len(pools) > 0:
		return part.named(pools, f.Pools())
	case role == RoleWorker:
		part.Pools = []string{""}
	default:
		part.Pools = f.Pools()
	}
	return part, nil
}

// named is the part with the pools of the flags, each once.
func (p Part) named(flags, known []string) (Part, error) {
	for _, name := range flags {
		pool := name
		if name == DefaultPool {
			pool = ""
		}
		if name == "" || !slices.Contains(known, pool) {
			return Part{}, unknownPool(name, known)
		}
		if !slices.Contains(p.Pools, pool) {
			p.Pools = append(p.Pools, pool)
		}
	}
	return p, nil
}

func unknownPool(name string, known []string) error {
	names := slices.Clone(known)
	names[slices.Index(names, "")] = DefaultPool
	next := "known: " + strings.Join(names, ", ")
	if near, ok := nearest.Word(name, names); ok {
		next = fmt.Sprintf("did you mean %q?", near)
	}
	return fault.New(fault.Invalid, "no database has worker: %s", name).At("--pool "+name).Then("%s", next)
}

// Pools are the default pool, "", and all that databases name.
func (f *File) Pools() []string {
	pools := []string{""}
	for _, d := range f.Deploy.Databases {
		if !slices.Contains(pools, d.Worker) {
			pools = append(pools, d.Worker)
		}
	}
	return pools
}

// splittable refuses to split the work on SQLite, which is for one process.
func (f *File) splittable(role Role, pools []string) error {
	path, sqlite, err := f.SQLite()
	if err != nil || !sqlite {
		return err
	}
	switch {
	case role != RoleAll:
		return fault.New(fault.Invalid, "--role %s needs a store that several processes share, and SQLite is for one", role).
			At("store " + path).Then("run with --role all, or set store: postgres://…")
	case len(pools) > 0:
		return fault.New(fault.Invalid, "with --pool other pools would never be served: SQLite is for one process").
			At("store " + path).Then("leave out --pool, or set store: postgres://…")
	}
	return nil
}

// SQLite is the path of the store's file, and whether the store is one.
func (f *File) SQLite() (path string, sqlite bool, err error) {
	text, err := f.Store.Read()
	if err != nil {
		return "", false, fmt.Errorf("store: %w", err)
	}
	path, sqlite = strings.CutPrefix(text, "sqlite:")
	return strings.TrimPrefix(path, "//"), sqlite, nil
}

// ReadSecrets reads every secret that a process with this part uses, without
// keeping any, and returns the errors of all that are missing, joined; each names
// its key. A process of role web uses no database's.
func (f *File) ReadSecrets(part Part) error {
	problems := []error{readable("store", f.Store)}
	if !f.Redis.IsZero() {
		problems = append(problems, readable("redis", f.Redis))
	}
	for _, g := range f.GitHub {
		problems = append(problems, readable("providers "+g.Name+": private_key", g.PrivateKey))
		for _, s := range g.WebhookSecrets {
			problems = append(problems, readable("providers "+g.Name+": webhook_secret", s))
		}
	}
	missing, _ := f.Unreadable(part)
	return errors.Join(append(problems, missing...)...)
}

// Unreadable are the errors of the databases that part runs jobs on and whose
// url or review_url can't be read by this process, each with its key, and how
// many of the databases have a url that can.
func (f *File) Unreadable(part Part) (missing []error, usable int) {
	for _, d := range f.Deploy.Databases {
		if !part.Runs(d) {
			continue
		}
		if err := readable("databases "+d.Name+": url", d.URL); err != nil {
			missing = append(missing, err)
		} else {
			usable++
		}
		if d.ReviewURL.IsZero() {
			continue
		}
		if err := readable("databases "+d.Name+": review_url", d.ReviewURL); err != nil {
			missing = append(missing, err)
		}
	}
	return missing, usable
}

func readable(key string, s secret.Source) error {
	if _, err := s.Read(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}
