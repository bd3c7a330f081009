package store_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/store"
)

// BenchmarkTx measures empty and writing transactions, ordered and beside each
// other, on both stores, with eight goroutines at once.
func BenchmarkTx(b *testing.B) {
	urls := map[string]string{
		"sqlite":   "sqlite:" + filepath.Join(b.TempDir(), "store.db"),
		"postgres": privateserver.OwnPostgres(b, privateserver.Options{Durable: true}).URL("postgres"),
	}
	for kind, url := range urls {
		db, err := store.Open(b.Context(), secret.Literal(url), clock.System)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.Exec(b.Context(), "CREATE TABLE t(id text PRIMARY KEY, n bigint)"); err != nil {
			b.Fatal(err)
		}
		empty := func(*store.Tx) error { return nil }
		write := func(tx *store.Tx) error {
			_, err := tx.Exec(b.Context(), "INSERT INTO t VALUES ('x', 1) ON CONFLICT (id) DO UPDATE SET n = t.n + 1")
			return err
		}
		b.Run(kind+"/Tx/empty", func(b *testing.B) { transactions(b, 1, func() error { return db.Tx(b.Context(), empty) }) })
		b.Run(kind+"/Tx/write", func(b *testing.B) { transactions(b, 1, func() error { return db.Tx(b.Context(), write) }) })
		b.Run(kind+"/Tx/write8", func(b *testing.B) { transactions(b, 8, func() error { return db.Tx(b.Context(), write) }) })
		b.Run(kind+"/TxUnordered/empty", func(b *testing.B) { transactions(b, 1, func() error { return db.TxUnordered(b.Context(), empty) }) })
		b.Run(kind+"/TxUnordered/empty8", func(b *testing.B) { transactions(b, 8, func() error { return db.TxUnordered(b.Context(), empty) }) })
	}
}

func transactions(b *testing.B, at int, run func() error) {
	var group sync.WaitGroup
	for i := range at {
		group.Go(func() {
			for n := i; n < b.N; n += at {
				if err := run(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
}
