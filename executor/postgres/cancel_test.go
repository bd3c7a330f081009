package postgres_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// cancelled applies a folder and cancels the run as soon as a statement waits for
// a lock.
func (b *bench) cancelled(target executor.Target, files map[string]string) (executor.Result, error) {
	b.t.Helper()
	cancel := make(chan struct{})
	closed := false
	result, err := target.Apply(b.t.Context(), executor.Run{
		Migrations: load(b.t, files), Limits: unhurried, Cancel: cancel, Progress: func(e executor.Event) {
			if e.State == executor.EventProgress && e.Detail != "" && !closed {
				closed = true
				close(cancel)
			}
		},
	})
	if !closed {
		b.t.Error("no statement waited")
	}
	if !errors.Is(err, executor.ErrCancelled) || fault.CodeOf(err) != fault.Unreachable {
		b.t.Errorf("error %v", err)
	}
	b.Want("select count(*) from pg_stat_activity where application_name like 'shipsql/%' and state = 'active' and datname = current_database()", "0")
	return result, err
}

func TestACancelledIndexIsCleanedUpByTheNextRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int)")
	reader := b.named("reader")
	b.on(reader, "begin isolation level repeatable read; select from a")
	files := map[string]string{"1_x.sql": "create index concurrently a_n on a(n);\ncreate table x()"}
	_, err := b.cancelled(b, files)
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Statement != 1 {
		t.Errorf("error %v", err)
	}
	b.Want("select indisvalid from pg_index where indrelid = 'a'::regclass", "false")
	if got := b.States(files); got != "1 partial 0/2" {
		t.Errorf("states %q", got)
	}
	b.on(reader, "commit")
	b.MustApply(files)
	b.Want("select relname, indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid where indrelid = 'a'::regclass", "a_n|true")
}

// A session that has our process id is not ours, and neither cancelled nor looked
// at: here the server seems to have told us the id of another's session.
func TestAnothersSessionIsNeverTouched(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int); select pg_advisory_lock(7)")
	victim := b.named("victim")
	ended := make(chan error, 1)
	go func() {
		_, err := victim.Exec(t.Context(), "select pg_advisory_lock(7)")
		ended <- err
	}()
	lying := b.behindLiar(victim.PgConn().PID())
	blocker := b.named("blocker")
	b.on(blocker, "begin; lock table a")
	cancel := make(chan struct{})
	closeOnce := sync.OnceFunc(func() { close(cancel) })
	_, err := openTarget(lying).Apply(t.Context(), executor.Run{
		Migrations: load(t, map[string]string{"1_x.sql": "alter table a add column m int"}), Limits: unhurried, Cancel: cancel,
		Progress: func(e executor.Event) {
			if e.State == executor.EventProgress {
				closeOnce()
			}
		},
	})
	if !errors.Is(err, executor.ErrCancelled) {
		t.Errorf("error %v", err)
	}
	select {
	case err := <-ended:
		t.Fatalf("another's statement ended: %v", err)
	default:
	}
	b.Exec("select pg_advisory_unlock(7)")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// behindLiar returns the database's URL through a proxy that tells clients a
// wrong process id.
func (b *bench) behindLiar(pid uint32) string {
	b.t.Helper()
	u, err := url.Parse(b.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(b.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = listener.Close() })
	upstream := u.Host
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go lie(client, upstream, pid)
		}
	}()
	u.Host = listener.Addr().String()
	return u.String()
}

func lie(client net.Conn, upstream string, pid uint32) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", upstream)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	told := false
	for chunk := make([]byte, 32<<10); ; {
		n, err := server.Read(chunk)
		if at := bytes.Index(chunk[:n], []byte("K\x00\x00\x00\x0c")); at >= 0 && !told {
			binary.BigEndian.PutUint32(chunk[at+5:], pid)
			told = true
		}
		if _, broken := client.Write(chunk[:n]); broken != nil || err != nil {
			return
		}
	}
}
