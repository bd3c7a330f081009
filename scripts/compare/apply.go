package main

import (
	"fmt"
	"time"
)

// story is a folder as people have them: tables, columns, indexes, rows.
func story(files int) []string {
	texts := make([]string, files)
	for i := range texts {
		table := i - i%4
		texts[i] = []string{
			fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, note varchar(80) NOT NULL DEFAULT 'none');\n", table),
			fmt.Sprintf("ALTER TABLE t%d ADD COLUMN n int NOT NULL DEFAULT 0;\n", table),
			fmt.Sprintf("CREATE INDEX t%d_n ON t%[1]d (n);\n", table),
			fmt.Sprintf("INSERT INTO t%d (id) VALUES (1);\n", table),
		}[i%4]
	}
	return texts
}

// row is what was measured of one tool.
type row struct{ apply, again, memory []float64 } // seconds, seconds, MiB

// apply prints how long a folder takes, then a run with nothing to do.
func (b *bench) apply(s server) error {
	texts := story(s.files)
	folder, err := b.files("apply-"+s.name, texts)
	if err != nil {
		return err
	}
	rows := map[string]*row{"raw": {}}
	for range b.rounds {
		took, err := b.raw(s, texts)
		if err != nil {
			return err
		}
		rows["raw"].apply = append(rows["raw"].apply, took.Seconds())
		for _, t := range tools {
			if rows[t.name] == nil {
				rows[t.name] = &row{}
			}
			if err := b.applied(s, t, folder, rows[t.name]); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\n%s, %d files, median of %d rounds\n\n", s.name, s.files, b.rounds)
	fmt.Print("| | seconds | of the raw loop | nothing to do, ms | most memory, MiB |\n|---|---|---|---|---|\n")
	raw := median(rows["raw"].apply)
	fmt.Printf("| raw loop | %.2f | 1.00 | | |\n", raw)
	for _, t := range tools {
		r := rows[t.name]
		fmt.Printf("| %s | %.2f | %.2f | %.0f | %.0f |\n", t.name, median(r.apply), median(r.apply)/raw, median(r.again)*1000, median(r.memory))
	}
	return nil
}

func (b *bench) applied(s server, t tool, folder string, r *row) error {
	d, err := b.fresh(s)
	if err != nil {
		return err
	}
	first, err := b.run(t, folder, d)
	if err != nil {
		return err
	}
	again, err := b.run(t, folder, d)
	r.apply = append(r.apply, first.time.Seconds())
	r.again = append(r.again, again.time.Seconds())
	r.memory = append(r.memory, float64(max(first.memory, again.memory))/(1<<20))
	return err
}

// raw applies the texts as somebody would by hand: a transaction for each, with
// a row that says so. MariaDB commits what changes the schema by itself.
func (b *bench) raw(s server, texts []string) (time.Duration, error) {
	d, err := b.fresh(s)
	if err != nil {
		return 0, err
	}
	db, err := d.connect(1)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	begun := time.Now()
	if _, err := db.ExecContext(b.ctx, "CREATE TABLE applied (n int PRIMARY KEY)"); err != nil {
		return 0, err
	}
	for n, text := range texts {
		tx, err := db.BeginTx(b.ctx, nil)
		if err != nil {
			return 0, err
		}
		for _, statement := range []string{text, fmt.Sprintf("INSERT INTO applied VALUES (%d)", n)} {
			if _, err := tx.ExecContext(b.ctx, statement); err != nil {
				return 0, err
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
	}
	return time.Since(begun), nil
}
