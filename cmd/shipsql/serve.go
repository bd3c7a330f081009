package main

import (
	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/serve"
)

type serveCmd struct {
	Config string   `help:"Configuration file." default:"shipsql.yaml" type:"path"`
	Role   string   `help:"What this process does: ${enum}." enum:"all,web,worker" default:"all"`
	Pool   []string `sep:"none" placeholder:"NAME" help:"Run the jobs of this pool only; repeatable; \"default\" is the pool of databases without a worker key. Without it, a worker runs the default pool and role all runs every pool."`
}

// Run serves until SIGTERM or SIGINT. The log goes to standard error: JSON, or on
// a terminal, lines for people.
func (c *serveCmd) Run(t *terminal) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return exit{exitUsage, err}
	}
	return serve.Run(t.ctx, serve.Options{
		Config:  cfg,
		Role:    config.Role(c.Role),
		Pools:   c.Pool,
		Version: version,
		Log:     serve.NewLog(t.err, t.errIsTTY),
	})
}
