package main

import (
	"log/slog"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/cmd/shipsql/serve"
)

type serveCmd struct {
	Config string `help:"Configuration file." default:"shipsql.yaml" type:"path"`
	Role   string `help:"What this process does: ${enum}." enum:"all,web,worker" default:"all"`
}

// Run serves until SIGTERM or SIGINT. The log goes to standard error, as JSON.
func (c *serveCmd) Run(t *terminal) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return exit{exitUsage, err}
	}
	return serve.Run(t.ctx, serve.Options{
		Config:  cfg,
		Role:    serve.Role(c.Role),
		Version: version,
		Log:     slog.New(slog.NewJSONHandler(t.err, nil)),
	})
}
