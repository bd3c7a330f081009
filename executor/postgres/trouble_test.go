package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// TestRemedies has the server raise what it raises in trouble.
func TestRemedies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table made(n int)")
	for state, c := range map[string]struct{ sql, hint string }{
		"53100": {"do $$ begin raise exception 'could not extend file' using errcode = '53100', hint = 'Check free disk space.'; end $$", "Check free disk space; the server's disk is full"},
		"53200": {"do $$ begin raise exception 'out of shared memory' using errcode = '53200'; end $$", "max_locks_per_transaction"},
		"25006": {"set transaction read only; create table x()", "SET TRANSACTION READ ONLY"},
		"57014": {"set local statement_timeout = '1ms'; select pg_sleep(10)", "statement_timeout"},
		"42P07": {"create table made()", "shipsql migrate baseline --to 1"},
		"25001": {"reindex schema public", ""}, // runs alone
		"23514": {"alter table made add check (false) not valid; insert into made values (1)", ""},
	} {
		_, err := b.ApplyFiles(map[string]string{"1_a.sql": "select 1;\n" + c.sql})
		var failure *executor.Failure
		if c.hint == "" && err == nil {
			b.Exec("drop schema shipsql cascade")
			continue
		}
		if !errors.As(err, &failure) || failure.SQLState != state || failure.Line != 2 || failure.Code != fault.SQLError || !strings.Contains(failure.Hint, c.hint) {
			t.Errorf("%s: %v, hint %q", state, err, failure.Hint)
		}
	}
}

func TestAStatementThatSomebodyEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for function, want := range map[string]struct {
		code  fault.Code
		state string
		hint  string
	}{
		"pg_cancel_backend":    {fault.SQLError, "57014", "somebody cancelled the statement"},
		"pg_terminate_backend": {fault.Unreachable, "57P01", "trying again is safe"},
	} {
		_, err := b.Apply(t.Context(), executor.Run{
			Migrations: load(t, map[string]string{"1_a.sql": "create table a();\nselect pg_sleep(600)"}),
			Progress: func(e executor.Event) {
				if e.Statement == 2 && e.State == executor.EventRunning {
					// The server ignores who wants it to stop between two messages: again, until it heard.
					began := false
					eventually(t, "the statement ran and was ended", func() bool {
						runs := b.Query("select count(*) filter (where "+function+"(pid)) from pg_stat_activity where query like '%pg_sleep(600)%' and state = 'active' and pid <> pg_backend_pid() and datname = current_database()") != "0"
						began = began || runs
						return began && !runs
					})
				}
			},
		})
		var failure *executor.Failure
		if !errors.As(err, &failure) || failure.Code != want.code || failure.SQLState != want.state || failure.Line != 2 || !strings.Contains(failure.Hint, want.hint) {
			t.Errorf("%s: %v", function, err)
		}
		b.Want("select to_regclass('a') is null", "true")
	}
}

func TestABrokenMeta(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil, says string
		code        fault.Code
	}{
		"two rows":         {"drop index shipsql.meta_one_row; insert into shipsql.meta values (1, 7)", "has 2 rows instead of one", fault.Conflict},
		"no migrations":    {"drop table shipsql.migrations", "the ledger isn't as ShipSQL left it", fault.Conflict},
		"no key":           {"alter table shipsql.steps drop constraint steps_pkey", "the ledger isn't as ShipSQL left it", fault.Conflict},
		"another's column": {"alter table shipsql.migrations add column x int not null default 1; alter table shipsql.migrations alter x drop default", "the ledger isn't as ShipSQL left it", fault.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.MustApply(map[string]string{"1_a.sql": "create table a()"})
			b.Exec(c.spoil)
			if _, err := b.ApplyFiles(map[string]string{"2_b.sql": "-- shipsql: transaction=off\ncreate table b()"}); fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v", err)
			}
			b.Want("select to_regclass('b') is null", "true")
		})
	}
}

func TestConnectionsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	role, limited := b.Login()
	b.Exec("alter role " + role + " connection limit 0")
	run := executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "select 1"})}
	if err := b.run(limited, run); fault.CodeOf(err) != fault.Unreachable || !strings.Contains(err.Error(), "no connection left") {
		t.Errorf("too many connections: %v", err)
	}
	starting := serverThatSays(t, &pgproto3.ErrorResponse{Severity: "FATAL", Code: "57P03", Message: "the database system is starting up"})
	if err := b.run(starting, run); fault.CodeOf(err) != fault.Unreachable || !strings.Contains(err.Error(), "starting up, shutting down or recovering") {
		t.Errorf("starting: %v", err)
	}
	closed := serverThatSays(t, &pgproto3.ErrorResponse{Severity: "FATAL", Code: "55000", Message: `database "x" is not currently accepting connections`})
	if err := b.run(closed, run); fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "takes no connections") {
		t.Errorf("closed: %v", err)
	}
}

// serverThatSays is the URL of a server that answers each login with an error.
func serverThatSays(t *testing.T, answer *pgproto3.ErrorResponse) string {
	t.Helper()
	listener := listen(t)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			b := pgproto3.NewBackend(client, client)
			if _, err := b.ReceiveStartupMessage(); err == nil {
				b.Send(answer)
				_ = b.Flush() // the client says what went wrong
			}
			_ = client.Close()
		}
	}()
	return fmt.Sprintf("postgres://u:p@%s/x?sslmode=disable", listener.Addr())
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// virtualAddress forwards to one server and can be moved to another, as the
// address of a cluster is.
type virtualAddress struct {
	mu               sync.Mutex
	to               string
	clients, servers []net.Conn
	silent           bool // servers aren't told that their clients are gone
}

// moveTo breaks what is open; who connects now gets the other server.
func (v *virtualAddress) moveTo(t *testing.T, serverURL string) {
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.to = u.Host
	closeAll(v.clients, v.servers)
}

// lose breaks what is open. A server hears of it when it answers.
func (v *virtualAddress) lose() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.silent = true
	closeAll(v.clients)
}

func closeAll(lists ...[]net.Conn) {
	for _, c := range slices.Concat(lists...) {
		_ = c.Close()
	}
}

// hangUp ends a link whose client is gone.
func (v *virtualAddress) hangUp(server net.Conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.silent {
		_ = server.Close()
	}
}

func (v *virtualAddress) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		v.mu.Lock()
		server, err := net.Dial("tcp", v.to)
		if err != nil {
			_ = client.Close()
		} else {
			v.clients, v.servers = append(v.clients, client), append(v.servers, server)
			go func() { _, _ = io.Copy(client, server); closeAll([]net.Conn{client, server}) }()
			go func() { _, _ = io.Copy(server, client); v.hangUp(server) }()
		}
		v.mu.Unlock()
	}
}

// behindAddress returns an address before the server of a URL, and the URL by way
// of it.
func behindAddress(t *testing.T, serverURL string) (v *virtualAddress, through string) {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	listener := listen(t)
	v = &virtualAddress{}
	v.moveTo(t, serverURL)
	go v.serve(listener)
	t.Cleanup(func() { v.moveTo(t, serverURL) }) // ends what is open
	u.Host = listener.Addr().String()
	return v, u.String()
}

func TestAFailoverStopsTheRun(t *testing.T) {
	t.Parallel()
	primary := privateserver.OwnPostgres(t, privateserver.Options{})
	standby := privateserver.OwnStandby(t, primary)
	stranger := privateserver.OwnPostgres(t, privateserver.Options{})
	before, after := benchAt(t, primary.URL("postgres")), benchAt(t, standby.URL("postgres"))
	name, plain := before.Login() // no more than a plain login is needed to see it
	before.Exec("grant create on database postgres to " + name)
	eventually(t, "the login is replicated", func() bool { return after.Query("select count(*) from pg_roles where rolname = '"+name+"'") == "1" })
	v, through := behindAddress(t, plain)

	apply := func(history string, move func()) error {
		_, err := openTarget(through).Apply(context.Background(), executor.Run{
			History: history, Migrations: load(t, map[string]string{"1_a.sql": "select 1", "2_b.sql": "select 2"}),
			Progress: func(e executor.Event) {
				if e.Version == "1" && e.State == executor.EventApplied {
					move()
				}
			},
		})
		return err
	}
	err := apply("replica", func() { v.moveTo(t, standby.URL("postgres")) })
	if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "replica") {
		t.Errorf("a replica: %v", err)
	}
	v.moveTo(t, primary.URL("postgres"))
	err = apply("promoted", func() {
		after.Want("select pg_promote()", "true")
		v.moveTo(t, standby.URL("postgres"))
	})
	if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "another server took over") {
		t.Errorf("promoted: %v", err)
	}
	v.moveTo(t, primary.URL("postgres"))
	err = apply("other", func() {
		b := benchAt(t, stranger.URL("postgres"))
		b.Exec("create role " + name + " login password 'made-up'; grant create on database postgres to " + name)
		v.moveTo(t, stranger.URL("postgres"))
	})
	if fault.CodeOf(err) != fault.Conflict || !strings.Contains(err.Error(), "another server") {
		t.Errorf("another server: %v", err)
	}
	before.Want("select string_agg(history || version, ' ' order by history, version) from shipsql.migrations", "other1 promoted1 replica1")
}
