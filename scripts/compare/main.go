// Command compare runs the same migration folders with ShipSQL, goose,
// golang-migrate and a hand-written loop, each as a process of its own, in turns,
// on one private PostgreSQL and one private MariaDB that flush what they commit.
// It prints the tables of docs/performance.md. Run it from the repository's root
// on a quiet machine:
//
//	go run ./scripts/compare [-rounds 3] [-only apply|stall|memory]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/shipsql/shipsql/internal/privateserver"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == byHand { // this program as the hand-written loop
		exitOn(loop(context.Background(), os.Args[2], os.Args[3]))
		return
	}
	rounds := flag.Int("rounds", 3, "how often each tool applies each folder; the median counts")
	only := flag.String("only", "", "apply, stall or memory: this part alone")
	flag.Parse()
	exitOn(run(context.Background(), *rounds, *only))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, only string) error {
	folder, err := os.MkdirTemp("", "shipsql-compare-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := build(ctx, folder); err != nil {
		return err
	}
	servers, stop, err := start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	for _, s := range servers {
		for _, part := range []struct {
			name string
			run  func(context.Context, bench) error
		}{{"apply", applyTable}, {"stall", stallTable}, {"memory", memoryTable}} {
			if only != "" && only != part.name {
				continue
			}
			if err := part.run(ctx, bench{server: s, folder: folder, rounds: rounds}); err != nil {
				return fmt.Errorf("%s, %s: %w", s.name, part.name, err)
			}
		}
	}
	return nil
}

// build makes the programs that are compared.
func build(ctx context.Context, folder string) error {
	for _, command := range [][]string{
		{"go", "build", "-trimpath", "-o", filepath.Join(folder, shipsql), "./cmd/shipsql"},
		{"scripts/peers", folder},
	} {
		if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", command, err, out)
		}
	}
	return nil
}

// server is a database product at hand.
type server struct {
	name, engine string
	files        int // of the folder that is applied
	url          func(database string) string
	create, drop func(ctx context.Context, database string) error
}

func start(ctx context.Context) (servers []server, stop func(), err error) {
	pg, err := privateserver.StartPostgres(ctx, privateserver.Options{Durable: true})
	if err != nil {
		return nil, nil, err
	}
	maria, err := privateserver.StartMariaDB(ctx, privateserver.MariaDBOptions{})
	if err != nil {
		return nil, nil, err
	}
	return []server{
			{"PostgreSQL", "postgres", 1000, pg.URL, pg.CreateDatabase, pg.DropDatabase},
			{"MariaDB", "mysql", 200, maria.URL, maria.CreateDatabase, maria.DropDatabase},
		}, func() {
			_, _ = pg.Stop(), maria.Stop()
		}, nil
}

// bench is one part of the comparison on one server.
type bench struct {
	server
	folder string // holds the programs, and what a part writes
	rounds int
}

// database lends an empty database.
func (b bench) database(ctx context.Context, use func(name string) error) error {
	const name = "compare"
	if err := b.create(ctx, name); err != nil {
		return err
	}
	defer func() { _ = b.drop(context.WithoutCancel(ctx), name) }()
	return use(name)
}
