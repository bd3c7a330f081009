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
		ran, err := db.maintain(ctx, quiet)
		for _, name := range ran {
			log.Info("The schema file " + name + " ran, which had waited for older programs to end")
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("the store could not be maintained; this is tried again", "error", err)
		}
	}
}

func (p postponed) String() string { return fmt.Sprintf("%s of %s", p.file, p.room) }

func (db *DB) postpone(room string, files []MigrationFile) {
	db.waiting.mu.Lock()
	defer db.waiting.mu.Unlock()
	db.waiting.files = slices.DeleteFunc(db.waiting.files, func(p postponed) bool { return p.room == room })
	for _, file := range files {
		db.waiting.files = append(db.waiting.files, postponed{room, file, time.Now()})
	}
}

// maintain is one round; it returns the files that ran.
func (db *DB) maintain(ctx context.Context, quiet time.Duration) (ran []string, err error) {
	ran, err = db.contractPostponed(ctx, quiet)
	return ran, errors.Join(err, db.keepTime(ctx, db.read))
}

// contractPostponed runs the postponed files, in their order, for which no older
// program was seen for a time.
func (db *DB) contractPostponed(ctx context.Context, quiet time.Duration) (ran []string, err error) {
	db.waiting.mu.Lock()
	defer db.waiting.mu.Unlock()
	var left []postponed
	var errs []error
	for _, p := range db.waiting.files {
		done := false
		if !slices.ContainsFunc(left, func(earlier postponed) bool { return earlier.room == p.room }) {
			var err error
			if done, err = db.contract(ctx, &p, quiet); err != nil {
				errs = append(errs, fmt.Errorf("schema file %s: %w", p, err))
			}
		}
		if done {
			ran = append(ran, p.String())
		} else {
			left = append(left, p)
		}
	}
	db.waiting.files = left
	return ran, errors.Join(errs...)
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
