package privateserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/fault"
)

// Options say how a PostgreSQL server is set up.
type Options struct {
	// Durable keeps fsync on. A server without it keeps every commit over Kill,
	// but not over the machine's crash.
	Durable bool
	// MaxConnections is the server's max_connections; 0 means 200.
	MaxConnections int
	// Settings are further server settings, e.g. "log_statement": "all".
	Settings map[string]string
}

// Postgres is a running PostgreSQL server. It is safe for concurrent use.
type Postgres struct {
	private *server  // nil for a given server
	given   *url.URL // nil for a private server
}

// superuser is the login of a private server.
const superuser = "postgres"

// StartPostgres starts a private PostgreSQL server and returns when it answers.
// A missing installation is a not_found error that names the package.
func StartPostgres(ctx context.Context, o Options) (*Postgres, error) {
	bin, err := postgresBinaries()
	if err != nil {
		return nil, err
	}
	s, err := newServer(ctx, "PostgreSQL", o.Durable, "postgres", "nobody")
	if err != nil {
		return nil, err
	}
	p := &Postgres{private: s}
	s.command = func() *exec.Cmd { return exec.Command(filepath.Join(bin, "postgres"), p.arguments(o)...) }
	s.ping = p.ping
	if err := p.boot(ctx, bin); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return p, nil
}

func (p *Postgres) boot(ctx context.Context, bin string) error {
	s := p.private
	if err := initialise(ctx, initdb(bin), s.path("data"), s.account); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	// Sockets are trusted (the folder is closed to others), TCP wants this.
	return p.exec(ctx, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", superuser, s.password))
}

func (p *Postgres) arguments(o Options) []string {
	durable := "off"
	if o.Durable {
		durable = "on"
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 200
	}
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(p.private.port),
		"unix_socket_directories": p.private.home,
		"max_connections":         strconv.Itoa(o.MaxConnections),
		"shared_buffers":          "32MB",
		"fsync":                   durable,
		"full_page_writes":        durable,
	}
	maps.Copy(settings, o.Settings)
	args := []string{"-D", p.private.path("data")}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// URL is where a database of the server is reached over TCP, password included.
func (p *Postgres) URL(database string) string {
	if p.given != nil {
		u := *p.given
		u.Path = "/" + database
		return u.String()
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, p.private.password),
		Host: p.private.address(), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// SocketURL is the same over the unix socket; on a given server it is URL.
func (p *Postgres) SocketURL(database string) string {
	if p.given != nil {
		return p.URL(database)
	}
	query := url.Values{"host": {p.private.home}, "port": {strconv.Itoa(p.private.port)}, "user": {superuser}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}).String()
}

// CreateDatabase makes an empty database.
func (p *Postgres) CreateDatabase(ctx context.Context, name string) error {
	return p.exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
}

// DropDatabase removes a database and ends the sessions on it. An absent one is
// no error.
func (p *Postgres) DropDatabase(ctx context.Context, name string) error {
	return p.exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

// Kill ends the server with SIGKILL, as a crash would. A given server is left
// alone and the call is an unsupported error.
func (p *Postgres) Kill() error {
	if p.given != nil {
		return errGiven
	}
	p.private.kill()
	return nil
}

// Restart kills the server if it runs and starts it again: same port, same data.
func (p *Postgres) Restart(ctx context.Context) error {
	if p.given != nil {
		return errGiven
	}
	return p.private.restart(ctx)
}

// Stop ends the server and removes its folder; a given server is left alone.
func (p *Postgres) Stop() error {
	if p.given != nil {
		return nil
	}
	return p.private.stop()
}

var errGiven = fault.New(fault.Unsupported, "a server given by the environment is never killed or restarted").
	Then("start one of your own: StartPostgres, OwnPostgres and so on")

func (p *Postgres) ping(ctx context.Context) error { return p.exec(ctx, "SELECT 1") }

// exec runs one statement on the maintenance database.
func (p *Postgres) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, p.SocketURL(maintenanceDatabase(p.given)))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func maintenanceDatabase(given *url.URL) string {
	if given != nil && len(given.Path) > 1 {
		return given.Path[1:]
	}
	return "postgres"
}

// postgresBinaries is the folder of initdb and postgres: where PATH has them,
// else the newest of the distribution's folders.
func postgresBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		// The link in PATH may stand alone; its target has its siblings.
		if target, err := filepath.EvalSymlinks(path); err == nil && executable(filepath.Join(filepath.Dir(target), "postgres")) {
			return filepath.Dir(target), nil
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(found, func(a, b string) int { return major(b) - major(a) })
	for _, dir := range found {
		if executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	return "", fault.New(fault.NotFound, "PostgreSQL's server is not installed: no initdb on PATH or in /usr/lib/postgresql").
		Then("install it (Debian, Ubuntu: apt-get install postgresql) or put its bin folder on PATH")
}

// major is 15 for /usr/lib/postgresql/15/bin.
func major(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

func executable(path string) bool {
	info, err := os.Stat(path) //nolint:gosec // the same person names the path and runs what is there
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
