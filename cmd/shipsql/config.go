package main

import (
	"errors"
	"fmt"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
)

// configCmd is `shipsql config`: the configuration file by itself.
type configCmd struct {
	Validate configValidateCmd `cmd:"" help:"Check a configuration: every problem at once, with line and column."`
	Schema   configSchemaCmd   `cmd:"" help:"Print the JSON Schema of shipsql.yaml, for editors."`
}

type configValidateCmd struct {
	File    string   `arg:"" optional:"" default:"shipsql.yaml" help:"The file to check (${default})."`
	Secrets bool     `help:"Also read every secret that a process with this role and these pools uses."`
	Role    string   `help:"The role to check for: ${enum}." enum:"all,web,worker" default:"all"`
	Pool    []string `sep:"none" placeholder:"NAME" help:"The pools to check for; repeatable."`
}

// Run exits 0 for a valid file, 1 for an invalid one and 2 for one that can't
// be read; all problems go to standard error, one a line.
func (c configValidateCmd) Run(t *terminal) error {
	file, err := config.Load(c.File)
	if invalid := new(config.Invalid); errors.As(err, &invalid) {
		fmt.Fprintln(t.err, invalid)
		return exit{code: exitFail}
	} else if err != nil {
		return exit{exitUsage, err}
	}
	if err := c.readSecrets(file); err != nil {
		fmt.Fprintln(t.err, err)
		return exit{code: exitFail}
	}
	fmt.Fprintf(t.out, "%s is valid: %d databases, %d environments, %d projects\n",
		c.File, len(file.Deploy.Databases), len(file.Deploy.Environments), len(file.Deploy.Projects))
	return nil
}

// readSecrets checks the role and pools, and reads their secrets if asked to.
func (c configValidateCmd) readSecrets(file *config.File) error {
	if !c.Secrets && c.Role == string(config.RoleAll) && len(c.Pool) == 0 {
		return nil
	}
	part, err := file.Part(config.Role(c.Role), c.Pool)
	if err != nil || !c.Secrets {
		return err
	}
	return file.ReadSecrets(part)
}

type configSchemaCmd struct{}

// Run prints the schema to standard output.
func (configSchemaCmd) Run(t *terminal) error {
	schema, err := config.Schema()
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%s\n", schema)
	return nil
}
