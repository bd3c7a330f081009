package main

import (
	"context"
	"database/sql"
	osexec "os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/internal/peers"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// products are the databases that the migrate commands are told on.
var products = map[string]func(*testing.T) string{
	"postgres": func(t *testing.T) string { return privateserver.Database(t) },
	"mariadb":  func(t *testing.T) string { return privateserver.MariaDBDatabase(t) },
}

// dsn is a MariaDB's URL as the driver wants it.
func dsn(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	login, place, _ := strings.Cut(rest, "@")
	host, database, _ := strings.Cut(place, "/")
	return login + "@tcp(" + host + ")/" + database
}

// byHand runs statements as a person would.
func byHand(t *testing.T, url, statements string) {
	t.Helper()
	if strings.HasPrefix(url, "mariadb://") {
		config, err := mysql.ParseDSN(dsn(url))
		if err != nil {
			t.Fatal(err)
		}
		config.MultiStatements = true
		connector, err := mysql.NewConnector(config)
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		defer func() { _ = db.Close() }()
		if _, err := db.ExecContext(t.Context(), statements); err != nil {
			t.Fatalf("%s: %v", statements, err)
		}
		return
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), statements); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

// peerFolders tell one story in both tools' words.
var peerFolders = map[string]map[string]string{
	"goose": {
		"1_a.sql":  "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n",
		"2_b.sql":  "-- +goose Up\n-- +goose StatementBegin\nCREATE TABLE b (id int);\n-- +goose StatementEnd\nINSERT INTO b VALUES (1);\n-- +goose Down\nDROP TABLE b;\n",
		"10_c.sql": "-- +goose Up\nUPDATE b SET id = id + 1;\n-- +goose Down\nUPDATE b SET id = id - 1;\n",
	},
	"golang-migrate": {
		"1_a.up.sql": "CREATE TABLE a (id int);\n", "1_a.down.sql": "DROP TABLE a;\n",
		"2_b.up.sql": "CREATE TABLE b (id int);\n", "2_b.down.sql": "DROP TABLE b;\n",
		"10_c.up.sql": "INSERT INTO b VALUES (2);\n", "10_c.down.sql": "DELETE FROM b;\n",
	},
}

// peer runs the real tool on the site.
func (s site) peer(tool string, args ...string) string {
	s.Helper()
	maria := strings.HasPrefix(s.url, "mariadb://")
	var c *osexec.Cmd
	switch {
	case tool == "goose" && maria:
		c = osexec.Command(peers.Goose(s), append([]string{"-dir", s.dir, "mysql", dsn(s.url) + "?parseTime=true"}, args...)...)
	case tool == "goose":
		c = osexec.Command(peers.Goose(s), append([]string{"-dir", s.dir, "postgres", s.url}, args...)...)
	case maria:
		c = osexec.Command(peers.GolangMigrate(s), append([]string{"-path", s.dir, "-database", "mysql://" + dsn(s.url)}, args...)...)
	default:
		c = osexec.Command(peers.GolangMigrate(s), append([]string{"-path", s.dir, "-database", s.url}, args...)...)
	}
	out, err := c.CombinedOutput()
	if err != nil {
		s.Fatalf("%s %v: %v\n%s", tool, args, err, out)
	}
	return string(out)
}

// nothingToDo is what the tools say when all is applied.
var nothingToDo = regexp.MustCompile(`no migrations to run|no change`)

// TestCompat has ShipSQL and the real tool take turns on one database.
func TestCompat(t *testing.T) {
	for product, database := range products {
		for tool, files := range peerFolders {
			t.Run(product+"/"+tool, func(t *testing.T) {
				s := site{t, database(t), migrationsIn(t, files)}
				s.run("up --to 2 --compat", exitOK, "2 applied", "")
				if out := s.peer(tool, "up"); nothingToDo.MatchString(out) || strings.Contains(out, "1_a") || strings.Contains(out, "2_b") {
					t.Errorf("the real tool should have run 10 alone: %s", out)
				}
				s.run("up --compat", exitFail, "0 applied", tool+" applied version 10, which the ledger lacks; take over what it did with shipsql migrate adopt")
				s.run("adopt --yes", exitOK, "1 baseline rows written", "")
				s.run("up --compat", exitOK, "0 applied, 3 already there", "")
				if out := s.peer(tool, "up"); !nothingToDo.MatchString(out) {
					t.Errorf("the real tool had something to do: %s", out)
				}
			})
		}
	}
}

// TestCompatDown takes back what ShipSQL applied, and the real tool sees it.
func TestCompatDown(t *testing.T) {
	for product, database := range products {
		for tool, files := range peerFolders {
			t.Run(product+"/"+tool, func(t *testing.T) {
				s := site{t, database(t), migrationsIn(t, files)}
				s.run("up --compat", exitOK, "3 applied", "")
				if out := s.peer(tool, "up"); !nothingToDo.MatchString(out) {
					t.Errorf("the real tool had something to do: %s", out)
				}
				s.run("down --compat --yes", exitOK, "1 taken back", "")
				s.run("status", exitOK, "undone", "")
				s.run("up --compat", exitOK, "1 applied", "")
				s.run("down --to 1 --compat --yes", exitOK, "2 taken back", "")
				if out := s.peer(tool, "up"); strings.Contains(out, "1_a") || !strings.Contains(out, "10") {
					t.Errorf("the real tool should have run 2 and 10: %s", out)
				}
			})
		}
	}
}
