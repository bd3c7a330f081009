package mysql_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/shipsql/shipsql/executor"
)

// followed applies a folder and hands over the progress of its long statements.
func (b *bench) followed(files map[string]string, progress func(executor.Event)) error {
	b.t.Helper()
	_, err := b.Apply(b.t.Context(), executor.Run{Migrations: load(b.t, files), Limits: unhurried, Progress: func(e executor.Event) {
		if e.State == executor.EventProgress {
			progress(e)
		}
	}})
	return err
}

// Without the plugin the server only says what kind of lock is waited for.
func TestAnAlterThatWaitsSaysForWhom(t *testing.T) {
	b := newBench(t)
	b.Exec("create table a(n int)", "insert into a values (1)")
	reader := b.Session("begin", "select n from a")
	defer b.Exec("uninstall soname if exists 'metadata_lock_info'")
	var seen []string
	err := b.followed(map[string]string{"1_x.sql": "create table x(n int);\nalter table a add column m int"}, func(e executor.Event) {
		if len(seen) == 2 {
			return
		}
		if e.Statement != 2 || e.Total != 2 || e.Phase != "" {
			t.Errorf("event %+v", e)
		}
		switch seen = append(seen, e.Detail); len(seen) {
		case 1:
			b.Exec("install soname 'metadata_lock_info'")
		case 2:
			b.On(reader, "commit")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 2 || seen[0] != "waits for table metadata lock" ||
		!strings.HasPrefix(seen[1], "waits for table metadata lock of 'shipsql' (connection ") || !strings.HasSuffix(seen[1], ", idle)") {
		t.Errorf("seen %q", seen)
	}
}

// cancelled applies a folder and cancels the run once a long statement's event is
// as wanted.
func (b *bench) cancelled(target executor.Target, files map[string]string, when func(executor.Event) bool) (executor.Result, error) {
	b.t.Helper()
	cancel := make(chan struct{})
	once := sync.OnceFunc(func() { close(cancel) })
	result, err := target.Apply(b.t.Context(), executor.Run{
		Migrations: load(b.t, files), Limits: unhurried, Cancel: cancel, Progress: func(e executor.Event) {
			if e.State == executor.EventProgress && when(e) {
				once()
			}
		},
	})
	if !errors.Is(err, executor.ErrCancelled) {
		b.t.Errorf("error %v", err)
	}
	return result, err
}

// copying is an ALTER that would take a quarter of an hour.
const copying = "alter table a add column h char(128) as (sha2(repeat(n, 1000000), 512)) stored, algorithm=copy"

func TestAnAlterThatCopiesSaysHowFarAndIsCancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int)", "insert into a select seq from seq_1_to_100000")
	var seen executor.Event
	files := map[string]string{"1_x.sql": copying}
	_, err := b.cancelled(b, files, func(e executor.Event) bool {
		seen = e
		return e.Of > 0
	})
	var failure *executor.Failure
	if !errors.As(err, &failure) || failure.Statement != 1 || !strings.Contains(err.Error(), "the statement was cancelled") {
		t.Errorf("error %v", err)
	}
	if seen.Phase != "copy to tmp table (stage 1 of 2)" || seen.Of != 1000 || seen.Unit != "" {
		t.Errorf("event %+v", seen)
	}
	b.Want("select count(*) from information_schema.columns where table_schema = database() and table_name = 'a'", "1")
	if got := b.States(files); got != "1 pending 0/1" {
		t.Errorf("states %q", got)
	}
	b.MustApply(map[string]string{"1_x.sql": "alter table a add column h char(128)"})
}

// A session that has our number is not ours, and neither killed nor looked at:
// here the server seems to have told us the number of another's session.
func TestAnothersSessionIsNeverTouched(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec("create table a(n int)", "insert into a values (1)")
	reader := b.Session("begin", "select n from a")
	victim := b.Session("set lock_wait_timeout = 600")
	var number int64
	if err := victim.QueryRowContext(t.Context(), "select connection_id()").Scan(&number); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := victim.ExecContext(t.Context(), "alter table a add column v int")
		ended <- err
	}()
	b.cancelledBehindLiar(number)
	select {
	case err := <-ended:
		t.Fatalf("another's statement ended: %v", err)
	default:
	}
	b.On(reader, "commit")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func (b *bench) cancelledBehindLiar(number int64) {
	b.t.Helper()
	_, err := b.cancelled(openTarget(b.behindLiar(number)), map[string]string{"1_x.sql": "alter table a add column m int"}, func(e executor.Event) bool {
		if e.Detail != "" || e.Phase != "" {
			b.t.Errorf("another's session was looked at: %+v", e)
		}
		return true
	})
	if err == nil {
		b.t.Error("the run went through")
	}
}

// behindLiar returns the database's URL through a proxy that tells clients a
// wrong connection number.
func (b *bench) behindLiar(number int64) string {
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
	upstream, database := u.Host, strings.TrimPrefix(u.Path, "/")
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go lie(client, upstream, database, number)
		}
	}()
	u.Host = listener.Addr().String()
	return u.String()
}

// lie learns the true number from the server's greeting and puts the other in the
// row of SELECT CONNECTION_ID(), DATABASE().
func lie(client net.Conn, upstream, database string, number int64) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", upstream)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	truth := ""
	for chunk := make([]byte, 32<<10); ; {
		n, err := server.Read(chunk)
		if truth == "" && n > 0 { // header, protocol, version, NUL, number
			at := 5 + bytes.IndexByte(chunk[5:n], 0) + 1
			truth = fmt.Sprint(binary.LittleEndian.Uint32(chunk[at:]))
		}
		row := func(id string) []byte { return fmt.Appendf(nil, "%c%s%c%s", len(id), id, len(database), database) }
		told := bytes.ReplaceAll(chunk[:n], row(truth), row(fmt.Sprintf("%0*d", len(truth), number)))
		if _, broken := client.Write(told); broken != nil || err != nil {
			return
		}
	}
}
