package store_test

import (
	"bytes"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/faultproxy"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
)

// through is a store behind a proxy that breaks its connections.
func through(t *testing.T, url string) (*store.DB, *faultproxy.Proxy) {
	t.Helper()
	address, _ := rehost(t, url, "")
	proxy, err := faultproxy.Start(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	_, viaProxy := rehost(t, url, proxy.Addr())
	return open(t, viaProxy), proxy
}

// rehost returns a URL's address, and the URL with another one.
func rehost(t *testing.T, text, address string) (was, now string) {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	was, u.Host = u.Host, address
	return was, u.String()
}

func TestCuts(t *testing.T) {
	const absent, there = 0, 1
	for name, c := range map[string]struct {
		at      string // what the cut chunk contains
		when    faultproxy.When
		unknown bool // the caller is told that the outcome is unknown
		want    int
	}{
		"begin is not sent":     {"begin", faultproxy.Before, false, there},
		"begin is not answered": {"begin", faultproxy.After, false, there},
		"the turn is not asked": {"pg_advisory", faultproxy.Before, false, there},
		"the turn is not told":  {"pg_advisory", faultproxy.After, false, there},
		"a write is not sent":   {"UPDATE", faultproxy.Before, false, there},
		"a write breaks":        {"UPDATE", faultproxy.During, false, there},
		"commit is not sent":    {"commit", faultproxy.Before, true, absent},
		"commit is not told":    {"commit", faultproxy.After, true, there},
	} {
		t.Run(name, func(t *testing.T) {
			direct := privateserver.Database(t)
			truth := counter(t, direct)
			db, proxy := through(t, direct)
			proxy.Arm(&faultproxy.Cut{When: c.when, Match: func(_ int, chunk []byte) bool { return bytes.Contains(chunk, []byte(c.at)) }})
			hooks := 0
			err := db.Tx(t.Context(), func(tx *store.Tx) error {
				tx.AfterCommit(func() { hooks++ })
				return increment(t.Context(), tx)
			})
			if proxy.Armed() {
				t.Fatal("the cut did not happen")
			}
			if c.unknown != (fault.CodeOf(err) == fault.Unreachable && strings.Contains(err.Error(), "unknown outcome")) || !c.unknown && err != nil {
				t.Errorf("Tx: %v", err)
			}
			if ran := err == nil; ran != (hooks == 1) {
				t.Errorf("%d hooks ran", hooks)
			}
			if diff := cmp.Diff([]int{c.want}, numbers(t, truth)); diff != "" {
				t.Error(diff)
			}
			if err := add(t.Context(), db); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
		})
	}
}

// A node that is cut off without a word: the server ends its session, so that
// others get the turn, and it gives up its connection itself and starts anew.
func TestACutOffNodeNeitherKeepsTheTurnNorWaitsForEver(t *testing.T) {
	direct := with(t, privateserver.Database(t), "idle_in_transaction_session_timeout", "300", "statement_timeout", "2000")
	other := counter(t, direct)
	db, proxy := through(t, direct)
	const hole = 20 * time.Second // longer than anyone waits
	proxy.Arm(&faultproxy.Cut{When: faultproxy.Hole, For: hole, Match: func(_ int, chunk []byte) bool { return bytes.Contains(chunk, []byte("UPDATE")) }})
	cutOff := make(chan error, 1)
	began := time.Now()
	go func() { cutOff <- add(t.Context(), db) }()
	for proxy.Armed() {
		time.Sleep(time.Millisecond)
	}
	if err := add(t.Context(), other); err != nil {
		t.Errorf("another node: %v", err)
	}
	if err := <-cutOff; err != nil || time.Since(began) > hole {
		t.Errorf("the node that was cut off, after %s: %v", time.Since(began), err)
	}
	if diff := cmp.Diff([]int{2}, numbers(t, other)); diff != "" {
		t.Error(diff)
	}
}

func TestAStoppedNodeLosesTheTurn(t *testing.T) {
	url := with(t, privateserver.Database(t), "idle_in_transaction_session_timeout", "300")
	db := counter(t, url)
	node := play(t, playHolder, url, "")
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = node.Process.Kill(); _ = node.Wait() }()
	lines := linesOf(out)
	if line := <-lines; line != "holds the turn" {
		t.Fatalf("the node says %q", line)
	}
	if err := node.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := add(t.Context(), db); err != nil { // waits for the server to end the node's session
		t.Errorf("beside a stopped node: %v", err)
	}
	if err := node.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for line := range lines { // it runs its transaction again, from the start
		if line != "holds the turn" && line != "done" {
			t.Errorf("the node says %q", line)
		}
	}
	if diff := cmp.Diff([]int{2}, numbers(t, db)); diff != "" {
		t.Error(diff)
	}
}

// The settings that end what is stuck are in force unless the URL says otherwise.
func TestSessionsAreLimited(t *testing.T) {
	url := privateserver.Database(t)
	for setting, want := range map[string]string{
		"idle_in_transaction_session_timeout": "15s", "lock_timeout": "30s", "statement_timeout": "1min",
		"client_connection_check_interval": "5s", "application_name": "shipsql/store",
	} {
		var got, given string
		if err := open(t, url).QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %s, %v; want %s", setting, got, err, want)
		}
		changed := open(t, with(t, url, setting, "7000"))
		if err := changed.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&given); err != nil || given == want {
			t.Errorf("%s of the URL is not heeded: %s, %v", setting, given, err)
		}
	}
}

// A pooler gives its clients process numbers of its own.
func TestAPoolerIsRefused(t *testing.T) {
	direct := privateserver.Database(t)
	address, _ := rehost(t, direct, "")
	_, viaPooler := rehost(t, direct, pooler(t, address))
	_, err := store.Open(t.Context(), secret.Literal(viaPooler), clock.System)
	if fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "pooler") {
		t.Errorf("through a pooler: %v", err)
	}
}

// pooler passes all on but the backend's process number, of which it changes a
// bit: of the message BackendKeyData.
func pooler(t *testing.T, address string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	pipe := func(from, to net.Conn, change func([]byte)) {
		defer func() { _, _ = from.Close(), to.Close() }()
		for chunk := make([]byte, 1<<16); ; {
			n, err := from.Read(chunk)
			if err != nil {
				return
			}
			change(chunk[:n])
			if _, err := to.Write(chunk[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).Dial("tcp", address)
			if err != nil {
				_ = client.Close()
				continue
			}
			go pipe(client, server, func([]byte) {})
			go pipe(server, client, func(chunk []byte) {
				if i := bytes.Index(chunk, []byte("K\x00\x00\x00\x0c")); i >= 0 {
					chunk[i+8] ^= 1
				}
			})
		}
	}()
	return listener.Addr().String()
}

func TestURLErrorsNeverShowThePassword(t *testing.T) {
	for _, text := range []string{
		"postgres://u:hunter2@h/%zz", "postgres://u:hunter2@h:notaport/db", "postgres://u:hunter2@h/db?sslmode=nonsense",
		"postgres://u:hunter2@h/db?sslmode=verify-full&sslrootcert=/does/not/exist", "postgres://u:hunter2@localhost:1/db",
		"postgres://u:hunt er2@h/db", "postgres://u:hunter2@@h:x/db",
	} {
		_, err := store.Open(t.Context(), secret.Literal(text), clock.System)
		if err == nil || strings.Contains(err.Error(), "hunt") || strings.Contains(err.Error(), "er2") {
			t.Errorf("Open(%q): %v", text, err)
		}
	}
	if _, err := store.Open(t.Context(), secret.Parse("env:SHIPSQL_NOT_SET", ""), clock.System); fault.CodeOf(err) != fault.Invalid || os.Getenv("SHIPSQL_NOT_SET") != "" {
		t.Errorf("without a URL: %v", err)
	}
}
