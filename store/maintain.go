package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// The times of [DB.Maintain].
const (
	// maintainEvery is how often the clock is set and postponed files are tried.
	maintainEvery = 10 * time.Second
	// quiet is how long no older program may have been seen before a contract
	// file runs: one that has lost all its connections, because the server was
	// restarted, gets this time to come back.
	quiet = time.Minute
)

// waiting are the contract files that wait until no older program lives.
type waiting struct {
	mu    sync.Mutex
	files []postponed
}

type postponed struct {
	room  string
	file  MigrationFile
	since time.Time // no older program was seen since
}

// Maintain keeps the store's clock right and runs contract files once the last
// older program is gone, until ctx ends. A long-lived process runs it beside its
// work; what fails is logged and tried again.
func (db *DB) Maintain(ctx context.Context, log *slog.Logger) {
	ticker := time.NewTicker(maintainEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := errors.Join(db.keepTime(ctx, db.read), db.contractPostponed(ctx, quiet))
		if err != nil && ctx.Err() == nil {
			log.Warn("the store could not be maintained; this is tried again", "error", err)
		}
	}
}

// Postponed names the schema files that wait for older programs to end, as
// "room: file".
func (db *DB) Postponed() []string {
	db.waiting.mu.Lock()
	defer db.waiting.mu.Unlock()
	var names []string
	for _, p := range db.waiting.files {
		names = append(names, fmt.Sprintf("%s: %s", p.room, p.file))
	}
	return names
}

func (db *DB) postpone(room string, files []MigrationFile) {
	db.waiting.mu.Lock()
	defer db.waiting.mu.Unlock()
	db.waiting.files = slices.DeleteFunc(db.waiting.files, func(p postponed) bool { return p.room == room })
	for _, file := range files {
		db.waiting.files = append(db.waiting.files, postponed{room, file, time.Now()})
	}
}

// contractPostponed runs the postponed files, in their order, for which no older
// program was seen for a time.
func (db *DB) contractPostponed(ctx context.Context, quiet time.Duration) error {
	db.waiting.mu.Lock()
	defer db.waiting.mu.Unlock()
	var left []postponed
	var errs []error
	for _, p := range db.waiting.files {
		done := false
		if !slices.ContainsFunc(left, func(earlier postponed) bool { return earlier.room == p.room }) {
			var err error
			if done, err = db.contract(ctx, &p, quiet); err != nil {
				errs = append(errs, fmt.Errorf("schema of %s: %s: %w", p.room, p.file, err))
			}
		}
		if !done {
			left = append(left, p)
		}
	}
	db.waiting.files = left
	return errors.Join(errs...)
}

// contract runs one file unless an older program lives, or was seen just now.
func (db *DB) contract(ctx context.Context, p *postponed, quiet time.Duration) (done bool, err error) {
	err = db.Tx(ctx, func(tx *Tx) error {
		done = false
		applied, err := tx.applied(ctx, p.room)
		if err != nil {
			return err
		}
		if _, done = applied[p.file.Version]; done { // by another node
			return nil
		}
		alone, err := db.alone(ctx, tx.tx, p.room, p.file.Version)
		if err != nil {
			return err
		}
		if !alone {
			p.since = time.Now()
		}
		if !alone || time.Since(p.since) < quiet {
			return nil
		}
		done = true
		return tx.apply(ctx, p.room, p.file)
	})
	return done && err == nil, err
}
