package postgres_test

import (
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// pooler stands before a database as PgBouncer does: clients get a connection of
// its pool for one transaction, or for their session.
type pooler struct {
	url      string
	pool     chan *pgconn.HijackedConn
	session  bool
	dropping bool // it ignores start-up parameters
}

func startPooler(t *testing.T, p pooler, size int) string {
	t.Helper()
	p.pool = make(chan *pgconn.HijackedConn, 10)
	for range size {
		config, err := pgconn.ParseConfig(p.url)
		if err != nil {
			t.Fatal(err)
		}
		if !p.dropping {
			config.RuntimeParams["lock_timeout"] = "2000"
		}
		conn, err := pgconn.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		hijacked, err := conn.Hijack()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = hijacked.Conn.Close() })
		p.pool <- hijacked
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				_ = p.serve(client) // the client says what went wrong
			}()
		}
	}()
	u, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	return u.String()
}

func (p pooler) serve(client net.Conn) error {
	b := pgproto3.NewBackend(client, client)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return err
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
	b.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	b.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if err := b.Flush(); err != nil {
		return err
	}
	var server *pgconn.HijackedConn
	defer func() {
		if server != nil {
			p.pool <- server
		}
	}()
	for {
		message, err := b.Receive()
		if _, goodbye := message.(*pgproto3.Terminate); err != nil || goodbye {
			return err
		}
		if server == nil {
			server = <-p.pool
		}
		server.Frontend.Send(message)
		if err := server.Frontend.Flush(); err != nil {
			return err
		}
		idle, err := answer(b, server, message)
		if err != nil {
			return err
		}
		if idle && !p.session {
			p.pool <- server
			server = nil
		}
	}
}

// answer forwards what the server says to a message that has an answer, and says
// whether the transaction is over.
func answer(b *pgproto3.Backend, server *pgconn.HijackedConn, message pgproto3.FrontendMessage) (idle bool, err error) {
	switch message.(type) {
	default:
		return false, nil
	case *pgproto3.Query, *pgproto3.Sync:
	}
	for {
		m, err := server.Frontend.Receive()
		if err != nil {
			return false, err
		}
		b.Send(m)
		if err := b.Flush(); err != nil {
			return false, err
		}
		if ready, ok := m.(*pgproto3.ReadyForQuery); ok {
			return ready.TxStatus == 'I', nil
		}
	}
}

func TestPoolers(t *testing.T) {
	t.Parallel()
	files := map[string]string{"1_a.sql": "create table a()", "2_b.sql": "create index concurrently on a((1))"}
	for name, c := range map[string]struct {
		pooler
		size    int
		refused string
	}{
		"transactions over two connections": {pooler{}, 2, "connection pooler in transaction mode"},
		"transactions over one":             {pooler{}, 1, "connection pooler in transaction mode"},
		"start-up parameters dropped":       {pooler{dropping: true, session: true}, 2, "lets no start-up parameters through"},
		"session mode":                      {pooler{session: true}, 3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			c.pooler.url = b.URL
			target := openTarget(startPooler(t, c.pooler, c.size))
			_, err := target.Apply(t.Context(), executor.Run{Migrations: load(t, files)})
			if c.refused == "" {
				if err != nil {
					t.Fatal(err)
				}
				b.Want("select count(*) from pg_index where indrelid = 'a'::regclass and indisvalid", "1")
				return
			}
			if fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), c.refused) {
				t.Fatalf("error %v", err)
			}
			b.Want("select to_regnamespace('shipsql') is null", "true")
		})
	}
}
