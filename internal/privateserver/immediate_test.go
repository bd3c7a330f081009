package privateserver_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/privateserver"
)

func TestAnImmediateStopKeepsWhatWasCommitted(t *testing.T) {
	p := privateserver.OwnPostgres(t, privateserver.Options{})
	query := func(sql string, into any) error {
		conn, err := pgx.Connect(t.Context(), p.URL("postgres"))
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.Background()) }()
		return conn.QueryRow(t.Context(), sql).Scan(into)
	}
	var n int
	conn, err := pgx.Connect(t.Context(), p.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"CREATE TABLE kept AS SELECT 7 AS n", "BEGIN", "INSERT INTO kept VALUES (8)"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.StopImmediately(); err != nil {
		t.Fatal(err)
	}
	if conn.Ping(t.Context()) == nil {
		t.Error("a session lived on")
	}
	if err := query("SELECT sum(n) FROM kept", &n); err == nil {
		t.Error("the server answers")
	}
	if err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := query("SELECT sum(n) FROM kept", &n); err != nil || n != 7 {
		t.Errorf("kept holds %d, want 7: %v", n, err)
	}
}
