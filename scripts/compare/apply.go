package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// story is a folder as people have them: tables, columns, indexes, rows.
func story(n int) []file {
	files := make([]file, n)
	for i := range files {
		up := fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, note varchar(100) NOT NULL DEFAULT 'none');\n", i)
		switch i % 4 {
		case 1:
			up = fmt.Sprintf("ALTER TABLE t%d ADD COLUMN n int NOT NULL DEFAULT 0;\n", i-1)
		case 2:
			up = fmt.Sprintf("CREATE INDEX t%d_n ON t%[1]d (n);\n", i-2)
		case 3:
			up = fmt.Sprintf("INSERT INTO t%d (id) VALUES (1), (2), (3);\nUPDATE t%[1]d SET n = id;\n", i-3)
		}
		files[i] = file{fmt.Sprintf("%04d_t", i+1), text(up)}
	}
	return files
}

// applyTable prints how long each tool takes for the whole folder, and for
// finding that nothing is to do.
func applyTable(ctx context.Context, b bench) error {
	costs := map[string][]cost{}
	idle := map[string][]cost{}
	for range b.rounds {
		for _, tool := range tools {
			first, second, err := b.apply(ctx, tool)
			if err != nil {
				return err
			}
			costs[tool], idle[tool] = append(costs[tool], first), append(idle[tool], second)
		}
	}
	fmt.Printf("\n%s: %d files, median of %d rounds in turns\n\n", b.name, b.files, b.rounds)
	fmt.Printf("| tool | applying all | x by hand | nothing to do | peak memory |\n|---|---|---|---|---|\n")
	base := median(costs[byHand]).took
	for _, tool := range tools {
		all, nothing := median(costs[tool]), median(idle[tool])
		fmt.Printf("| %s | %.2f s | %.2f | %d ms | %d MiB |\n", tool, all.took.Seconds(),
			all.took.Seconds()/base.Seconds(), nothing.took.Milliseconds(), all.peak>>20)
	}
	return nil
}

// apply runs a tool twice on an empty database: all is to do, nothing is to do.
func (b bench) apply(ctx context.Context, tool string) (first, second cost, err error) {
	dir, err := b.write(tool, story(b.files))
	if err != nil {
		return first, second, err
	}
	err = b.database(ctx, func(name string) error {
		if first, err = timed(b.command(ctx, tool, b.url(name), dir)); err != nil {
			return err
		}
		second, err = timed(b.command(ctx, tool, b.url(name), dir))
		return err
	})
	return first, second, err
}

// median is that of the times, and of the memory, each by itself.
func median(costs []cost) cost {
	times, peaks := make([]time.Duration, len(costs)), make([]int64, len(costs))
	for i, c := range costs {
		times[i], peaks[i] = c.took, c.peak
	}
	slices.Sort(times)
	slices.Sort(peaks)
	return cost{times[len(times)/2], peaks[len(peaks)/2]}
}
