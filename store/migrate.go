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
	Version  int    // the N of N_name.sql
	Name     string // the name of N_name.sql, and "name.contract" of N_name.contract.sql
	SQL      string
	Contract bool
}

// contractSuffix ends the name of a contract file.
const contractSuffix = ".contract"

// String is the file's name.
func (f MigrationFile) String() string { return fmt.Sprintf("%d_%s.sql", f.Version, f.Name) }

// Migrate brings a room's tables up to date from files N_name.sql, wherever they
// lie in migrations: those not yet recorded for the room run in order of N, all
// in one transaction. Files, once released, are never changed.
//
// N_name.sql expands: the version of ShipSQL before goes on working beside it
// (new columns have defaults, nothing is dropped or renamed). N_name.contract.sql
// contracts: where other nodes may live it waits, without holding up the files
// after it, until no program is left that does not know it; see [DB.Maintain].
//
// A program may run on a newer store as long as only expand files are newer; it
// is refused, now or whenever it connects again, with an unsupported error when
// a contract file is.
func (db *DB) Migrate(ctx context.Context, room string, migrations fs.FS) error {
	files, err := MigrationFiles(migrations)
	if err != nil {
		return fmt.Errorf("schema of %s: %w", room, err)
	}
	var later []MigrationFile
	err = db.Tx(ctx, func(tx *Tx) (err error) {
		later, err = tx.migrate(ctx, room, files)
		return err
	})
	if err != nil {
		return err
	}
	db.knows(room, newest(files))
	db.postpone(room, later)
	return nil
}

// migrate runs the files not yet recorded and returns those which must wait.
func (tx *Tx) migrate(ctx context.Context, room string, files []MigrationFile) (later []MigrationFile, err error) {
	applied, err := tx.applied(ctx, room)
	if err != nil {
		return nil, err
	}
	if err := refuseContracted(room, applied, newest(files)); err != nil {
		return nil, err
	}
	company := len(applied) > 0 && !tx.db.lone() // other programs may use the tables
	for _, file := range files {
		if _, done := applied[file.Version]; done {
			continue
		}
		if file.Contract && company {
			later = append(later, file)
			continue
		}
		if err := tx.apply(ctx, room, file); err != nil {
			return nil, fmt.Errorf("schema of %s: %s: %w", room, file, err)
		}
	}
	return later, nil
}

// applied maps the room's recorded versions to their names; the first call ever
// makes the table that records them.
func (tx *Tx) applied(ctx context.Context, room string) (map[int]string, error) {
	const table = `CREATE TABLE IF NOT EXISTS store_migrations (
		room       text   NOT NULL,
		version    bigint NOT NULL,
		name       text   NOT NULL,
		applied_at bigint NOT NULL,
		PRIMARY KEY (room, version))`
	if _, err := tx.Exec(ctx, table); err != nil {
		return nil, fmt.Errorf("make store_migrations: %w", err)
	}
	rows, err := tx.Query(ctx, `SELECT version, name FROM store_migrations WHERE room = $1`, room)
	if err != nil {
		return nil, fmt.Errorf("read store_migrations: %w", err)
	}
	names := map[int]string{}
	_, err = Collect(rows, func(scan Scan) (version int, err error) {
		var name string
		err = scan(&version, &name)
		names[version] = name
		return version, err
	})
	return names, err
}

func (tx *Tx) apply(ctx context.Context, room string, file MigrationFile) error {
	if _, err := tx.Exec(ctx, file.SQL); err != nil {
		return err
	}
	if err := tx.db.adopt(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO store_migrations (room, version, name, applied_at) VALUES ($1, $2, $3, $4)`,
		room, file.Version, file.Name, Micros(tx.Now()))
	return err
}

func refuseContracted(room string, applied map[int]string, newest int) error {
	for version, name := range applied {
		if version > newest && strings.HasSuffix(name, contractSuffix) {
			return errContracted(room, version, newest)
		}
	}
	return nil
}

func errContracted(room string, version, newest int) error {
	return fault.New(fault.Unsupported, "the store's tables of %s are of version %d, this program knows %d and can't work on them", room, version, newest).
		Then("run the newer ShipSQL that wrote the store")
}

func newest(files []MigrationFile) int {
	if len(files) == 0 {
		return 0
	}
	return files[len(files)-1].Version
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
	if err != nil || version < 1 || strings.TrimSuffix(name, contractSuffix) == "" {
		return MigrationFile{}, fault.New(fault.Invalid, "a schema file is named N_name.sql or N_name.contract.sql, with N from 1").At(file)
	}
	content, err := fs.ReadFile(migrations, file)
	return MigrationFile{Version: version, Name: name, SQL: string(content), Contract: strings.HasSuffix(name, contractSuffix)}, err
}
