package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

const (
	longTransaction = 10 * time.Second     // how long it keeps reading the table open
	length          = 20 * time.Second     // of the application's run
	beforeMigration = time.Second          // how long the application runs undisturbed
	connections     = 4                    // of the application
	every           = 5 * time.Millisecond // a query is due on each connection
)

// stallTable prints what the application feels while a migration waits behind a
// long transaction: the measurement that nobody shows.
func stallTable(ctx context.Context, b bench) error {
	fmt.Printf("\n%s: an application with %d connections reads and writes a table; a transaction that read it stays open for %s; "+
		"%s later a migration adds a column\n\n", b.name, connections, longTransaction, beforeMigration)
	fmt.Printf("| tool | median | p99 | longest stall | queries that took over 100 ms | migration done after |\n|---|---|---|---|---|---|\n")
	for _, tool := range []string{shipsql, goose, migrate} {
		err := b.database(ctx, func(name string) error { return b.stall(ctx, tool, name) })
		if err != nil {
			return fmt.Errorf("%s: %w", tool, err)
		}
	}
	return nil
}

func (b bench) stall(ctx context.Context, tool, name string) error {
	dir, err := b.write(tool, []file{{"0001_column", text("ALTER TABLE users ADD COLUMN seen int;\n")}})
	if err != nil {
		return err
	}
	db, err := b.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, statement := range []string{"CREATE TABLE users (id int PRIMARY KEY, n int NOT NULL)", "INSERT INTO users VALUES (1, 0), (2, 0), (3, 0), (4, 0)"} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	reader, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := reader.ExecContext(ctx, "SELECT id FROM users"); err != nil {
		return err
	}
	time.AfterFunc(longTransaction, func() { _ = reader.Rollback() })

	app := application{db: db}
	app.start(ctx)
	time.Sleep(beforeMigration)
	took, err := timed(b.command(ctx, tool, b.url(name), dir))
	waits, failed := app.through()
	if err != nil || failed != nil {
		return fmt.Errorf("migration: %w, application: %w", err, failed)
	}
	slow, _ := slices.BinarySearch(waits, 100*time.Millisecond)
	fmt.Printf("| %s | %s | %s | %s | %.0f %% | %.1f s |\n", tool, shown(waits[len(waits)/2]), shown(waits[len(waits)*99/100]),
		shown(waits[len(waits)-1]), 100*float64(len(waits)-slow)/float64(len(waits)), took.took.Seconds())
	return nil
}

func shown(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// open connects as the application does.
func (b bench) open(name string) (*sql.DB, error) {
	if b.engine == "mysql" {
		return sql.Open("mysql", driverName(b.url(name)))
	}
	return sql.Open("pgx", b.url(name))
}

// application reads and writes rows. On each connection a query is due every few
// milliseconds, whether or not the last one is through: how long one took counts
// from when it was due, as users feel it.
type application struct {
	db      *sql.DB
	running sync.WaitGroup

	mu    sync.Mutex
	waits []time.Duration
	err   error
}

func (a *application) start(ctx context.Context) {
	for id := range connections {
		a.running.Go(func() {
			begin := time.Now()
			for n := range int(length / every) {
				due := begin.Add(time.Duration(n) * every)
				time.Sleep(time.Until(due))
				query := fmt.Sprintf("SELECT n FROM users WHERE id = %d", id+1)
				if n%2 == 1 {
					query = fmt.Sprintf("UPDATE users SET n = n + 1 WHERE id = %d", id+1)
				}
				_, err := a.db.ExecContext(ctx, query)
				a.note(time.Since(due), err)
			}
		})
	}
}

func (a *application) note(wait time.Duration, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waits = append(a.waits, wait)
	if a.err == nil {
		a.err = err
	}
}

// through waits until the application is through and returns how long its
// queries took, sorted.
func (a *application) through() ([]time.Duration, error) {
	a.running.Wait()
	slices.Sort(a.waits)
	return a.waits, a.err
}
