package store

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
)

// step is one file of a room's schema.
type step struct {
	version int
	name    string
	sql     string
}

// Migrate brings a room's tables up to date from files N_name.sql, wherever they
// lie in migrations: those not yet recorded for the room run in order of N, all
// in one transaction. A store that has a version above the newest file is
// refused with an unsupported error. Files, once released, are never changed.
func (db *DB) Migrate(ctx context.Context, room string, migrations fs.FS) error {
	steps, err := readSteps(migrations)
	if err != nil {
		return fmt.Errorf("schema of %s: %w", room, err)
	}
	return db.Tx(ctx, func(tx *Tx) error {
		applied, err := tx.appliedSteps(ctx, room)
		if err != nil {
			return err
		}
		if err := refuseNewer(room, applied, steps); err != nil {
			return err
		}
		for _, s := range steps {
			if slices.Contains(applied, s.version) {
				continue
			}
			if err := tx.apply(ctx, room, s); err != nil {
				return fmt.Errorf("schema of %s: %d_%s.sql: %w", room, s.version, s.name, err)
			}
		}
		return nil
	})
}

// appliedSteps lists the room's recorded versions; the first call ever makes the
// table that records them.
func (tx *Tx) appliedSteps(ctx context.Context, room string) ([]int, error) {
	const table = `CREATE TABLE IF NOT EXISTS store_migrations (
		room       text   NOT NULL,
		version    bigint NOT NULL,
		name       text   NOT NULL,
		applied_at bigint NOT NULL,
		PRIMARY KEY (room, version))`
	if _, err := tx.Exec(ctx, table); err != nil {
		return nil, fmt.Errorf("make store_migrations: %w", err)
	}
	rows, err := tx.Query(ctx, `SELECT version FROM store_migrations WHERE room = $1`, room)
	if err != nil {
		return nil, fmt.Errorf("read store_migrations: %w", err)
	}
	return Collect(rows, func(scan Scan) (version int, err error) { return version, scan(&version) })
}

func (tx *Tx) apply(ctx context.Context, room string, s step) error {
	if _, err := tx.Exec(ctx, s.sql); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO store_migrations (room, version, name, applied_at) VALUES ($1, $2, $3, $4)`,
		room, s.version, s.name, Micros(tx.Now()))
	return err
}

func refuseNewer(room string, applied []int, steps []step) error {
	newest := 0
	if len(steps) > 0 {
		newest = steps[len(steps)-1].version
	}
	for _, version := range applied {
		if version > newest {
			return fault.New(fault.Unsupported, "the store's tables of %s are of version %d, this program knows %d", room, version, newest).
				Then("run the newer ShipSQL that wrote the store")
		}
	}
	return nil
}

// readSteps finds the .sql files and sorts them by number.
func readSteps(migrations fs.FS) ([]step, error) {
	var steps []step
	err := fs.WalkDir(migrations, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".sql" {
			return err
		}
		s, err := readStep(migrations, file)
		steps = append(steps, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.version, b.version) })
	for i := 1; i < len(steps); i++ {
		if steps[i].version == steps[i-1].version {
			return nil, fault.New(fault.Invalid, "two files have the number %d", steps[i].version)
		}
	}
	return steps, nil
}

func readStep(migrations fs.FS, file string) (step, error) {
	number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
	version, err := strconv.Atoi(number)
	if err != nil || version < 1 || name == "" {
		return step{}, fault.New(fault.Invalid, "a schema file is named N_name.sql, with N from 1").At(file)
	}
	content, err := fs.ReadFile(migrations, file)
	return step{version: version, name: name, sql: string(content)}, err
}
