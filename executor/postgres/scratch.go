package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

// Scratch implements executor.Scratcher.
func (e engine) Scratch(ctx context.Context, server secret.Source) (executor.Scratch, error) {
	admin := &target{url: server, parser: e.parser}
	name, password := "shipsql_scratch_"+strings.ToLower(rand.Text()[:12]), rand.Text()
	from, err := server.Read()
	if err != nil {
		return executor.Scratch{}, err
	}
	at, err := scratchURL(from, name, password)
	if err != nil {
		return executor.Scratch{}, err
	}
	s := executor.Scratch{
		URL:  secret.Literal(at),
		Drop: func(ctx context.Context) error { return admin.dropScratch(ctx, name) },
	}
	err = admin.statements(ctx,
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s' NOSUPERUSER NOCREATEDB NOCREATEROLE", name, password),
		fmt.Sprintf("GRANT %s TO CURRENT_USER", name), // so that a plain login may give the database away
		fmt.Sprintf("CREATE DATABASE %s OWNER %[1]s", name),
		fmt.Sprintf("REVOKE ALL ON DATABASE %s FROM PUBLIC", name))
	if err != nil {
		_ = s.Drop(context.WithoutCancel(ctx)) // what was made so far
		return executor.Scratch{}, fault.New(fault.CodeOf(err), "no scratch database could be made").Because(err).
			Then("give --scratch a login with CREATEDB and CREATEROLE on a server that may be thrown away")
	}
	return s, nil
}

func (t *target) dropScratch(ctx context.Context, name string) error {
	return t.statements(ctx, fmt.Sprintf("DROP DATABASE IF EXISTS %s", name), fmt.Sprintf("DROP ROLE IF EXISTS %s", name))
}

// statements runs them in order, up to the first error.
func (t *target) statements(ctx context.Context, all ...string) error {
	return t.reading(ctx, func(conn *pgx.Conn) error {
		for _, sql := range all {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

// scratchURL leads to another database of the server, as another login.
func scratchURL(server, name, password string) (string, error) {
	if !strings.Contains(server, "://") {
		return fmt.Sprintf("%s dbname=%s user=%[2]s password=%s", server, name, password), nil
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", fault.New(fault.Invalid, "can't read the scratch server's URL").Because(redacted(err, server))
	}
	query := u.Query()
	for _, key := range []string{"user", "password", "dbname"} {
		query.Del(key)
	}
	u.User, u.Path, u.RawQuery = url.UserPassword(name, password), "/"+name, query.Encode()
	return u.String(), nil
}
