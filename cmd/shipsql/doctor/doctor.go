package doctor

import (
	"context"
	"net/http"
	"strings"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/providers/github"
	"github.com/shipsql/shipsql/queue/redisbell"
)

// Site is what is looked at, and the hands to look with.
type Site struct {
	File    string       // of the configuration
	Config  *config.File // valid
	Part    config.Part  // what this process would do
	Engines map[string]executor.Engine
	Version string // ours, for the forge
}

// Checks are all checks of a site, in the order of their results.
func (s Site) Checks() []Check {
	checks := []Check{
		{"config", "", func(context.Context) []Result { return []Result{s.configuration()} }},
		{"secrets", "", func(context.Context) []Result { return s.secrets() }},
		{"store", "", s.store},
		{"queue", "", s.queue},
		{"redis", "", s.redis},
	}
	for _, cfg := range s.Config.GitHub {
		checks = append(checks, s.forge(cfg)...)
	}
	for _, d := range s.Config.Deploy.Databases {
		checks = append(checks, s.database(d))
	}
	return checks
}

func (s Site) configuration() Result {
	d := s.Config.Deploy
	return topic{"config", ""}.ok("%s is valid: %s, %s, %s", s.File,
		console.Count(len(d.Databases), "database"), console.Count(len(d.Environments), "environment"), console.Count(len(d.Projects), "project"))
}

// Invalid are the results for a configuration with problems: nothing else can be
// looked at.
func Invalid(invalid *config.Invalid) []Result {
	var results []Result
	for _, p := range invalid.Problems {
		place := config.Problem{Path: p.Path, Message: p.Message}
		r := topic{"config", ""}.failed("%s:%d:%d: %s", invalid.File, p.Line, p.Column, place).because("ShipSQL does not start with it")
		if p.Next != "" {
			r = r.fix(p.Next)
		}
		results = append(results, r)
	}
	return results
}

func (s Site) redis(ctx context.Context) []Result {
	if s.Config.Redis.IsZero() {
		return []Result{judgeNoRedis(s.splitStore())}
	}
	facts, err := redisbell.Inspect(ctx, s.Config.Redis)
	if err != nil {
		return []Result{topic{"redis", ""}.broken(err, "jobs are found by polling, seconds later, until it is back; nothing is lost")}
	}
	return judgeRedis(facts, plainRedis(s.Config.Redis))
}

// splitStore says that several processes may share the store.
func (s Site) splitStore() bool {
	_, sqlite, err := s.Config.SQLite()
	return err == nil && !sqlite
}

func (s Site) database(d deploy.Database) Check {
	t := topic{"database", d.Name}
	return Check{t.check, t.subject, func(ctx context.Context) []Result {
		if !s.Part.Runs(d) {
			return []Result{t.notChecked("not from here: only workers of the pool %s reach it", poolName(d.Worker))}
		}
		engine, ok := s.Engines[d.Engine].(executor.Inspector)
		if !ok {
			return []Result{t.notChecked("databases of the engine %s can't be looked at", d.Engine)}
		}
		results := t.inspected(ctx, engine, d.URL, judgeDatabase)
		if !d.ReviewURL.IsZero() {
			results = append(results, t.inspected(ctx, engine, d.ReviewURL, judgeReader)...)
		}
		return results
	}}
}

func (t topic) inspected(ctx context.Context, engine executor.Inspector, url secret.Source, judge func(topic, executor.Inspection) []Result) []Result {
	facts, err := engine.Inspect(ctx, url)
	if err != nil {
		return []Result{t.broken(err, "nothing can be reviewed against it, or applied to it")}
	}
	return judge(t, facts)
}

// poolName is a pool as the command line names it.
func poolName(pool string) string {
	if pool == "" {
		return config.DefaultPool
	}
	return pool
}

// forge looks at one provider: the app, the way of its webhooks, and each
// repository.
func (s Site) forge(cfg github.Config) []Check {
	p, err := github.New(cfg, github.Options{Version: s.Version})
	if err != nil {
		t := topic{"forge", cfg.Name}
		return []Check{{t.check, t.subject, func(context.Context) []Result {
			return []Result{t.broken(err, "nothing works with this forge")}
		}}}
	}
	checks := []Check{
		{"forge", cfg.Name, func(ctx context.Context) []Result { return access(ctx, p, s.webhookURL(p)) }},
		{"webhook", cfg.Name, func(ctx context.Context) []Result {
			return roundTrip(ctx, http.DefaultClient, ping{cfg.Name, s.webhookURL(p), cfg.WebhookSecrets})
		}},
	}
	for _, project := range s.Config.Deploy.Projects {
		if name, here := strings.CutPrefix(project.Repository, cfg.Name+"/"); here {
			checks = append(checks, Check{"forge", project.Repository, func(ctx context.Context) []Result {
				return repository(ctx, p, project, name)
			}})
		}
	}
	return checks
}

func (s Site) webhookURL(p providers.Provider) string {
	return s.Config.Server.PublicURL + "/webhooks/" + p.Name()
}
