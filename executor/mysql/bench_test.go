package mysql_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/privateserver"
)

const benchFiles = 200

// benchStory is a folder as people have them: tables, columns, indexes, rows.
func benchStory() map[string]string {
	files := map[string]string{}
	for i := range benchFiles {
		text := fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, note text NOT NULL DEFAULT 'none')", i)
		switch i % 4 {
		case 1:
			text = fmt.Sprintf("ALTER TABLE t%d ADD COLUMN n int NOT NULL DEFAULT 0", i-1)
		case 2:
			text = fmt.Sprintf("CREATE INDEX t%d_n ON t%[1]d (n)", i-2)
		case 3:
			text = fmt.Sprintf("INSERT INTO t%d (id) VALUES (1), (2), (3);\nUPDATE t%[1]d SET n = id", i-3)
		}
		files[fmt.Sprintf("%04d_t.sql", i+1)] = text + ";\n"
	}
	return files
}

// newServer is a server that flushes what it commits, as in production.
func newServer(b *testing.B) (fresh func() *bench) {
	server := privateserver.OwnMariaDB(b, privateserver.MariaDBOptions{})
	n := 0
	return func() *bench {
		n++
		name := fmt.Sprintf("bench_%d", n)
		if err := server.CreateDatabase(b.Context(), name); err != nil {
			b.Fatal(err)
		}
		return benchAt(b, server.URL(name))
	}
}

// BenchmarkApply prints how long 200 small migrations take in proportion to
// sending each statement by itself, with one row per file: 1.5 is the budget.
// The two take turns file by file, on databases of their own, so that the
// machine's mood hits both alike.
func BenchmarkApply(b *testing.B) {
	migrations, fresh := load(b, benchStory()), newServer(b)
	var ours, byHand time.Duration
	for b.Loop() {
		raw, t := newRaw(fresh()), fresh()
		next, rawTime := 0, time.Duration(0)
		run := executor.Run{Migrations: migrations, Progress: func(e executor.Event) {
			if e.State == executor.EventApplied {
				rawTime += raw.apply(migrations[next])
				next++
			}
		}}
		started := time.Now()
		if _, err := t.Apply(b.Context(), run); err != nil {
			b.Fatal(explain(err))
		}
		ours += time.Since(started) - rawTime
		byHand += rawTime
	}
	b.ReportMetric(ours.Seconds()/byHand.Seconds(), "x-raw-autocommit")
	b.ReportMetric(ours.Seconds()*1000/float64(b.N)/benchFiles, "ms/file")
}

// BenchmarkNothingToDo prints the time of a run that finds its migrations applied.
func BenchmarkNothingToDo(b *testing.B) {
	migrations, fresh := load(b, benchStory()), newServer(b)
	t := fresh()
	run := executor.Run{Migrations: migrations}
	if _, err := t.Apply(b.Context(), run); err != nil {
		b.Fatal(explain(err))
	}
	for b.Loop() {
		if _, err := t.Apply(b.Context(), run); err != nil {
			b.Fatal(err)
		}
	}
}

// raw applies migrations as somebody would write it by hand, on one connection.
type raw struct{ *bench }

func newRaw(b *bench) raw {
	b.DB.SetMaxOpenConns(2) // one is the bench's own
	b.Exec("CREATE TABLE schema_migrations (version varchar(20) PRIMARY KEY, checksum text NOT NULL, applied_at timestamp NOT NULL DEFAULT now())")
	return raw{b}
}

func (r raw) apply(m executor.Migration) time.Duration {
	started, ctx := time.Now(), context.Background()
	for _, s := range m.Statements() {
		if _, err := r.DB.ExecContext(ctx, s.Text); err != nil {
			r.t.Fatal(err)
		}
	}
	if _, err := r.DB.ExecContext(ctx, "INSERT INTO schema_migrations (version, checksum) VALUES (?, ?)", m.Version, m.Checksum); err != nil {
		r.t.Fatal(err)
	}
	return time.Since(started)
}
