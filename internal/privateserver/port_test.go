package privateserver_test

import (
	"context"
	"net"
	"net/url"
	"testing"

	"github.com/shipsql/shipsql/internal/privateserver"
)

func TestATakenPortIsGivenUpForAnother(t *testing.T) {
	postgres := privateserver.OwnPostgres(t, privateserver.Options{})
	mariadb := privateserver.OwnMariaDB(t, privateserver.MariaDBOptions{Relaxed: true})
	redis := privateserver.OwnRedis(t)
	for name, server := range map[string]struct {
		kill  func() error
		start func(context.Context) error
		url   func() string
	}{
		"PostgreSQL": {postgres.Kill, postgres.Start, func() string { return postgres.URL("postgres") }},
		"MariaDB":    {mariadb.Kill, mariadb.Start, func() string { return mariadb.URL("") }},
		"Redis":      {redis.Kill, redis.Start, redis.URL},
	} {
		t.Run(name, func(t *testing.T) {
			if err := server.kill(); err != nil {
				t.Fatal(err)
			}
			before := server.url()
			take(t, before)
			if err := server.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if now := server.url(); now == before {
				t.Errorf("the server is still at %s", now)
			}
		})
	}
	mustExec(t, connect(t, postgres.URL("postgres")), "SELECT 1")
	mustExecMariaDB(t, openMariaDB(t, mariadb.URL("")), "SELECT 1")
	if err := redisClient(t, redis.URL()).Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

// take listens where a URL points to, until the test ends, and turns clients away.
func take(t *testing.T, at string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for client, err := l.Accept(); err == nil; client, err = l.Accept() {
			_ = client.Close()
		}
	}()
}
