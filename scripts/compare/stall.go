package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	clients     = 4                // of the application
	longFor     = 20 * time.Second // the report that somebody runs meanwhile
	calm        = 2 * time.Second  // before the migration begins
	rowsAtStart = 1000
)

// stall prints what an application feels while a migration waits for the lock of
// a table that a long transaction has read.
func (b *bench) stall(s server) error {
	folder, err := b.files("stall-"+s.name, []string{"ALTER TABLE orders ADD COLUMN note varchar(80);\n"})
	if err != nil {
		return err
	}
	fmt.Printf("\n%s: queries of %d clients on a table while ADD COLUMN waits %s for a transaction that has read it\n\n", s.name, clients, longFor)
	fmt.Print("| | queries | p99, ms | longest stall, s | applied after, s |\n|---|---|---|---|---|\n")
	for _, t := range tools {
		felt, took, err := b.felt(s, t, folder)
		if err != nil {
			return err
		}
		at := func(part float64) time.Duration { return felt[int(float64(len(felt)-1)*part)] }
		fmt.Printf("| %s | %d | %.1f | %.2f | %.1f |\n", t.name, len(felt), at(0.99).Seconds()*1000, at(1).Seconds(), took.Seconds())
	}
	return nil
}

// felt is how long each query took from the migration's beginning to its end,
// sorted, and how long the migration took.
func (b *bench) felt(s server, t tool, folder string) (felt []time.Duration, took time.Duration, err error) {
	d, err := b.fresh(s)
	if err != nil {
		return nil, 0, err
	}
	db, err := d.connect(clients + 1)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = db.Close() }()
	if err := b.orders(db); err != nil {
		return nil, 0, err
	}
	long, err := db.BeginTx(b.ctx, nil)
	if err != nil {
		return nil, 0, err
	}
	var rows int
	if err := long.QueryRowContext(b.ctx, "SELECT count(*) FROM orders").Scan(&rows); err != nil {
		return nil, 0, err
	}
	over := time.AfterFunc(calm+longFor, func() { _ = long.Rollback() })
	defer over.Stop()

	a := &application{db: db}
	ctx, stop := context.WithCancel(b.ctx)
	a.start(ctx)
	<-time.After(calm)
	begun := time.Now()
	used, err := b.run(t, folder, d)
	stop()
	a.clients.Wait()
	if err != nil {
		return nil, 0, err
	}
	return a.since(begun), used.time, a.err
}

func (b *bench) orders(db *sql.DB) error {
	if _, err := db.ExecContext(b.ctx, "CREATE TABLE orders (id int PRIMARY KEY, total int NOT NULL)"); err != nil {
		return err
	}
	tx, err := db.BeginTx(b.ctx, nil)
	if err != nil {
		return err
	}
	for n := range rowsAtStart {
		if _, err := tx.ExecContext(b.ctx, fmt.Sprintf("INSERT INTO orders (id, total) VALUES (%d, 1)", n)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// application asks for rows in a loop.
type application struct {
	db      *sql.DB
	clients sync.WaitGroup

	mu      sync.Mutex
	queries []query
	err     error
}

type query struct {
	end  time.Time
	took time.Duration
}

func (a *application) start(ctx context.Context) {
	for client := range clients {
		a.clients.Go(func() {
			for n := client; ctx.Err() == nil; n++ {
				begun := time.Now()
				var total int
				// A query that began is heard to its end: that is the stall.
				err := a.db.QueryRowContext(context.WithoutCancel(ctx), fmt.Sprintf("SELECT total FROM orders WHERE id = %d", n%rowsAtStart)).Scan(&total)
				a.note(query{time.Now(), time.Since(begun)}, err)
				<-time.After(time.Millisecond)
			}
		})
	}
}

func (a *application) note(q query, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queries = append(a.queries, q)
	if err != nil && a.err == nil {
		a.err = err
	}
}

// since are the times of queries that ended after a moment, sorted.
func (a *application) since(moment time.Time) (took []time.Duration) {
	for _, q := range a.queries {
		if q.end.After(moment) {
			took = append(took, q.took)
		}
	}
	slices.Sort(took)
	return took
}
