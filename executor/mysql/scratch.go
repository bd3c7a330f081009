package mysql

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// Scratch implements executor.Scratcher.
func (e engine) Scratch(ctx context.Context, server secret.Source) (executor.Scratch, error) {
	from, err := server.Read()
	if err != nil {
		return executor.Scratch{}, err
	}
	// No _ in the name: in GRANT it would stand for any letter.
	name, password := "shipsqlscratch"+strings.ToLower(rand.Text()[:12]), rand.Text()
	u, err := url.Parse(from)
	if err != nil {
		return executor.Scratch{}, invalidURL("can't read the scratch server's URL")
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/information_schema" // a login has to begin somewhere
	}
	admin := &target{url: secret.Literal(u.String()), flavour: e.flavour}
	u.User, u.Path = url.UserPassword(name, password), "/"+name
	s := executor.Scratch{
		URL: secret.Literal(u.String()),
		Drop: func(ctx context.Context) error {
			return admin.statements(ctx, "DROP DATABASE IF EXISTS "+name, fmt.Sprintf("DROP USER IF EXISTS '%s'@'%%'", name))
		},
	}
	err = admin.statements(ctx,
		"CREATE DATABASE "+name,
		fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY '%s'", name, password),
		fmt.Sprintf("GRANT ALL ON %s.* TO '%[1]s'@'%%'", name))
	if err != nil {
		_ = s.Drop(context.WithoutCancel(ctx)) // what was made so far
		return executor.Scratch{}, fault.New(fault.CodeOf(err), "no scratch database could be made").Because(err).
			Then("give --scratch a login with CREATE, DROP, CREATE USER and GRANT OPTION on a server that may be thrown away")
	}
	return s, nil
}

// statements runs them in order, up to the first error.
func (t *target) statements(ctx context.Context, all ...string) error {
	c, err := t.connect(ctx, "scratch")
	if err != nil {
		return err
	}
	defer c.close()
	for _, sql := range all {
		if _, err := c.ExecContext(ctx, sql); err != nil {
			return c.explained(err)
		}
	}
	return nil
}
