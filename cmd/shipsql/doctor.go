package main

import (
	"encoding/json"
	"errors"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/doctor"
	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/mysql"
	mysqlsyntax "github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

// doctorCmd is `shipsql doctor`: everything ShipSQL needs, looked at before it is
// needed.
type doctorCmd struct {
	Config string   `help:"Configuration file." default:"shipsql.yaml" type:"path"`
	Role   string   `help:"Look as a process of this role does: ${enum}." enum:"all,web,worker" default:"all"`
	Pool   []string `sep:"none" placeholder:"NAME" help:"Look as a process of this pool does; repeatable."`
	Format string   `help:"text or json." enum:"text,json" default:"text"`
}

// Help says what the exit codes mean.
func (doctorCmd) Help() string {
	return "Each result says what was found, why it matters and what to do. Nothing is changed; the store only notes the webhook that it sends to itself. Exit code 0: all good, perhaps with warnings; 1: something failed; 2: wrong usage."
}

// Run prints each result as soon as it is known.
func (c doctorCmd) Run(t *terminal) error {
	text := doctor.Text{Out: t.out, Fancy: t.isTTY}
	tell := func(r doctor.Result) {
		if c.Format == "text" {
			text.Result(r)
		}
	}
	results, err := c.results(t, tell)
	if err != nil {
		return exit{exitUsage, err}
	}
	report := doctor.NewReport(results)
	if c.Format == "text" {
		text.Summary(report)
	} else if err := c.json(t, report); err != nil {
		return err
	}
	if !report.Healthy() {
		return exit{code: exitFail}
	}
	return nil
}

func (c doctorCmd) results(t *terminal, tell func(doctor.Result)) ([]doctor.Result, error) {
	file, err := config.Load(c.Config)
	if invalid, ok := errors.AsType[*config.Invalid](err); ok {
		results := doctor.Invalid(invalid)
		for _, r := range results {
			tell(r)
		}
		return results, nil
	}
	if err != nil {
		return nil, err
	}
	part, err := file.Part(config.Role(c.Role), c.Pool)
	if err != nil {
		return nil, err
	}
	parser := syntax.NewParser(syntax.Options{})
	defer func() { _ = parser.Close() }()
	engines := map[string]executor.Engine{}
	for _, e := range []executor.Engine{postgres.New(parser), mysql.New(mysqlsyntax.MySQL), mysql.New(mysqlsyntax.MariaDB)} {
		engines[e.Name()] = e
	}
	site := doctor.Site{File: c.Config, Config: file, Part: part, Version: version, Engines: engines}
	return doctor.Run(t.ctx, site.Checks(), tell), nil
}

func (doctorCmd) json(t *terminal, report doctor.Report) error {
	out := json.NewEncoder(t.out)
	out.SetEscapeHTML(false)
	return out.Encode(report)
}
