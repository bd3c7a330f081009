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

// MigrationFile is one file of a room's schema.
type MigrationFile struct {
	Version int    // the N of N_name.sql
	Name    string // the name of N_name.sql
	SQL     string
}

// Migrate brings a room's tables up to date from files N_name.sql, wherever they
// lie in migrations: those not yet recorded for the room run in order of N, all
// in one transaction. A store that has a version above the newest file is
// refused with an unsupported error. Files, once released, are never changed.
func (db *DB) Migrate(ctx context.Context, room string, migrations fs.FS) error {
	files, err := MigrationFiles(migrations)
	if err != nil {
		return fmt.Errorf("schema of %s: %w", room, err)
	}
	return db.Tx(ctx, func(tx *Tx) error {
		applied, err := tx.appliedVersions(ctx, room)
		if err != nil {
			return err
		}
		if err := refuseNewer(room, applied, files); err != nil {
			return err
		}
		for _, file := range files {
			if slices.Contains(applied, file.Version) {
				continue
			}
			if err := tx.apply(ctx, room, file); err != nil {
				return fmt.Errorf("schema of %s: %d_%s.sql: %w", room, file.Version, file.Name, err)
			}
		}
		return nil
	})
}

// appliedVersions lists the room's recorded versions; the first call ever makes the
// table that records them.
func (tx *Tx) appliedVersions(ctx context.Context, room string) ([]int, error) {
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

func (tx *Tx) apply(ctx context.Context, room string, file MigrationFile) error {
	if _, err := tx.Exec(ctx, file.SQL); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO store_migrations (room, version, name, applied_at) VALUES ($1, $2, $3, $4)`,
		room, file.Version, file.Name, Micros(tx.Now()))
	return err
}

func refuseNewer(room string, applied []int, files []MigrationFile) error {
	newest := 0
	if len(files) > 0 {
		newest = files[len(files)-1].Version
	}
	for _, version := range applied {
		if version > newest {
			return fault.New(fault.Unsupported, "the store's tables of %s are of version %d, this program knows %d", room, version, newest).
				Then("run the newer ShipSQL that wrote the store")
		}
	}
	return nil
}

// MigrationFiles reads the .sql files, wherever they lie in migrations, sorted
// by number. A wrong name or a number used twice is an invalid error.
func MigrationFiles(migrations fs.FS) ([]MigrationFile, error) {
	var files []MigrationFile
	err := fs.WalkDir(migrations, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".sql" {
			return err
		}
		file, err := readFile(migrations, name)
		files = append(files, file)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b MigrationFile) int { return cmp.Compare(a.Version, b.Version) })
	for i := 1; i < len(files); i++ {
		if files[i].Version == files[i-1].Version {
			return nil, fault.New(fault.Invalid, "two files have the number %d", files[i].Version)
		}
	}
	return files, nil
}

func readFile(migrations fs.FS, file string) (MigrationFile, error) {
	number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
	version, err := strconv.Atoi(number)
	if err != nil || version < 1 || name == "" {
		return MigrationFile{}, fault.New(fault.Invalid, "a schema file is named N_name.sql, with N from 1").At(file)
	}
	content, err := fs.ReadFile(migrations, file)
	return MigrationFile{Version: version, Name: name, SQL: string(content)}, err
}
