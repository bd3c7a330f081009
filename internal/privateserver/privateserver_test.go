package privateserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// The test binary plays the process that starts servers and is killed.
const playChild = "SHIPSQL_PRIVATESERVER_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(playChild) != "" {
		child()
	}
	os.Exit(m.Run())
}

// child starts a server of each kind, says where they are and waits to be killed.
func child() {
	p, err := privateserver.StartPostgres(context.Background(), privateserver.Options{})
	r, err2 := privateserver.StartRedis(context.Background())
	m, err3 := privateserver.StartMariaDB(context.Background(), privateserver.MariaDBOptions{Relaxed: true})
	if err := errors.Join(err, err2, err3); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(p.URL("postgres"))
	fmt.Println(p.SocketURL("postgres"))
	fmt.Println(r.URL())
	fmt.Println(m.URL(""))
	select {}
}

func TestPostgresSurvivesKillAndRestart(t *testing.T) {
	p := privateserver.OwnPostgres(t, privateserver.Options{})
	ctx := t.Context()
	if err := p.CreateDatabase(ctx, `od"d`); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, p.URL(`od"d`))
	mustExec(t, conn, "CREATE TABLE kept(n int)")
	// A backend in the middle of a statement must die with the postmaster.
	busy := make(chan error, 1)
	other := connect(t, p.SocketURL(`od"d`))
	go func() {
		_, err := other.Exec(context.Background(), "SELECT count(*) FROM generate_series(1, 1e12::bigint)")
		busy <- err
	}()
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-busy; err == nil {
		t.Error("the statement outlived its server")
	}
	if _, err := pgx.Connect(ctx, p.URL("postgres")); err == nil {
		t.Error("a killed server answers")
	}
	if err := p.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	mustExec(t, connect(t, p.URL(`od"d`)), "INSERT INTO kept VALUES (1)")
	if err := p.DropDatabase(ctx, `od"d`); err != nil {
		t.Error(err)
	}
}

func TestPostgresWantsThePasswordOverTCP(t *testing.T) {
	p := privateserver.SharedPostgres(t)
	u, err := url.Parse(p.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), "wrong")
	if _, err := pgx.Connect(t.Context(), u.String()); err == nil {
		t.Error("the server lets in anyone who knows the port")
	}
}

func TestOptionsReachTheServer(t *testing.T) {
	p := privateserver.OwnPostgres(t, privateserver.Options{Durable: true, MaxConnections: 17, Settings: map[string]string{"work_mem": "1MB"}})
	var got string
	const query = "SELECT current_setting('fsync') || ' ' || current_setting('max_connections') || ' ' || current_setting('work_mem')"
	if err := connect(t, p.URL("postgres")).QueryRow(t.Context(), query).Scan(&got); err != nil {
		t.Fatal(err)
	}
	if want := "on 17 1MB"; got != want {
		t.Errorf("settings %q, want %q", got, want)
	}
}

func TestStopRemovesTheFolder(t *testing.T) {
	p, err := privateserver.StartPostgres(t.Context(), privateserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	home := homeOf(t, p.SocketURL("x"))
	if err := errors.Join(p.Stop(), p.Stop()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", home, err)
	}
}

func TestEachTestGetsADatabaseThatIsDropped(t *testing.T) {
	var used string
	t.Run("inner", func(t *testing.T) {
		used = privateserver.Database(t)
		if other := privateserver.Database(t); other == used {
			t.Error("two databases are one")
		}
		mustExec(t, connect(t, used), "CREATE TABLE x(n int)") // a session left open is ended
	})
	if _, err := pgx.Connect(t.Context(), used); err == nil {
		t.Error("the database outlived its test")
	}
}

func TestRedisForgetsAndComesBack(t *testing.T) {
	r := privateserver.OwnRedis(t)
	ctx := t.Context()
	client := redisClient(t, r.URL())
	if err := client.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := redisClient(t, r.URL()).Ping(ctx).Err(); err == nil {
		t.Error("a killed server answers")
	}
	if err := r.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if err := redisClient(t, r.URL()).Get(ctx, "k").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("Get after restart: %v, want nothing kept", err)
	}
	open, _ := url.Parse(r.URL())
	open.User = nil
	if err := redisClient(t, open.String()).Ping(ctx).Err(); err == nil {
		t.Error("the server lets in anyone who knows the port")
	}
}

func TestAMissingServerNamesThePackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := privateserver.StartRedis(t.Context())
	if fault.CodeOf(err) != fault.NotFound || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("StartRedis: %v", err)
	}
}

func TestServersEndWithTheProcessThatIsKilled(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), playChild+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	next := func() string { lines.Scan(); return lines.Text() }
	tcp, socket, redisURL, mariadbURL := next(), next(), next(), next()
	mustExecMariaDB(t, openMariaDB(t, mariadbURL), "SELECT 1")
	mustExec(t, connect(t, tcp), "SELECT 1")
	home := homeOf(t, socket)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "folder removed", func() bool { _, err := os.Stat(home); return errors.Is(err, os.ErrNotExist) })
	eventually(t, "PostgreSQL gone", func() bool {
		_, err := pgx.Connect(t.Context(), tcp)
		return err != nil
	})
	eventually(t, "MariaDB gone", func() bool { return openMariaDB(t, mariadbURL).PingContext(t.Context()) != nil })
	eventually(t, "Redis gone", func() bool { return redisClient(t, redisURL).Ping(t.Context()).Err() != nil })
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func homeOf(t *testing.T, socketURL string) string {
	t.Helper()
	u, err := url.Parse(socketURL)
	if err != nil {
		t.Fatal(err)
	}
	home := u.Query().Get("host")
	if !filepath.IsAbs(home) {
		t.Fatalf("no socket folder in %s", socketURL)
	}
	return home
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func mustExec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxRetries = -1
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
