package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/shipsql/shipsql/executor"
)

const benchFiles = 1000

func benchStory() map[string]string {
	files := map[string]string{}
	for i := range benchFiles {
		files[fmt.Sprintf("%04d_t.sql", i+1)] = fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, note text NOT NULL DEFAULT 'none');\n", i)
	}
	return files
}

// BenchmarkApply prints how long 1,000 small migrations take in proportion to
// one hand-written transaction per file over pgx: 1.10 is the budget. The two
// take turns file by file, on databases of their own, so that the machine's mood
// hits both alike.
func BenchmarkApply(b *testing.B) {
	migrations := load(b, benchStory())
	var ours, byHand time.Duration
	for b.Loop() {
		raw := newRaw(newBench(b))
		t := newBench(b)
		next, rawTime := 0, time.Duration(0)
		run := executor.Run{Migrations: migrations, Progress: func(e executor.Event) {
			if e.State == executor.EventApplied {
				rawTime += raw.apply(migrations[next])
				next++
			}
		}}
		started := time.Now()
		if _, err := t.Apply(b.Context(), run); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(started) - rawTime
		byHand += rawTime
	}
	b.ReportMetric(ours.Seconds()/byHand.Seconds(), "x-raw-pgx")
	b.ReportMetric(ours.Seconds()*1000/float64(b.N)/benchFiles, "ms/file")
}

// BenchmarkNothingToDo prints the time of a run that finds 1,000 migrations
// applied: 50 ms is the budget.
func BenchmarkNothingToDo(b *testing.B) {
	migrations := load(b, benchStory())
	t := newBench(b)
	run := executor.Run{Migrations: migrations}
	if _, err := t.Apply(b.Context(), run); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := t.Apply(b.Context(), run); err != nil {
			b.Fatal(err)
		}
	}
}

// raw applies migrations as somebody would write it by hand.
type raw struct {
	*bench

	conn *pgx.Conn
}

func newRaw(b *bench) raw {
	b.Exec("CREATE TABLE schema_migrations (version text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())")
	return raw{b, connect(b.t, b.URL)}
}

func (r raw) apply(m executor.Migration) time.Duration {
	started, ctx := time.Now(), context.Background()
	err := pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, m.SQL); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO schema_migrations (version, checksum) VALUES ($1, $2)", m.Version, m.Checksum)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return time.Since(started)
}
