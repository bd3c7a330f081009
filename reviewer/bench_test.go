package reviewer_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/reviewer"
)

// migrations makes 2,000 files with 14,000 statements, about 1 MB.
func migrations() []executor.File {
	files := make([]executor.File, 2000)
	for i := range files {
		sql := fmt.Sprintf(`-- adds what feature %[1]d needs
CREATE TABLE app.feature_%[1]d (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, made timestamptz NOT NULL DEFAULT now());
CREATE INDEX feature_%[1]d_name ON app.feature_%[1]d (name);
ALTER TABLE app.users ADD COLUMN feature_%[1]d boolean NOT NULL DEFAULT false;
ALTER TABLE app.orders_%[1]d ADD CONSTRAINT feature_fk FOREIGN KEY (user_id) REFERENCES app.users (id);
CREATE INDEX CONCURRENTLY users_feature_%[1]d ON app.users (feature_%[1]d) WHERE feature_%[1]d;
COMMENT ON TABLE app.feature_%[1]d IS 'rows of feature %[1]d';
UPDATE app.settings SET value = 'on' WHERE name = 'feature_%[1]d';
`, i)
		files[i] = executor.File{Path: fmt.Sprintf("migrations/%d_feature.sql", i), Content: []byte(sql)}
	}
	return files
}

// cpu is the processor time of this process and of its dead children; the
// parser's workers are alive, so the benchmark ends them first.
func cpu() time.Duration {
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return total
}

func BenchmarkReview(b *testing.B) {
	files := migrations()
	size := 0
	for _, f := range files {
		size += len(f.Content)
	}
	own := newParser()
	start, statements := cpu(), 0
	for b.Loop() {
		report, err := reviewer.New(own).Review(b.Context(), reviewer.Input{Files: files})
		if err != nil {
			b.Fatal(err)
		}
		statements += report.Summary.Statements
	}
	_ = own.Close()
	b.SetBytes(int64(size))
	b.ReportMetric(float64(statements)/b.Elapsed().Seconds(), "statements/s")
	b.ReportMetric((cpu()-start).Seconds()/float64(b.N), "cpu-s/op")
}
