package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
)

func main() {
	rounds := flag.Int("rounds", 3, "how often each tool gets its turn")
	only := flag.String("only", "", "apply, stall or large; default: all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := compare(ctx, *rounds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// compare builds the tools, starts the servers and prints the tables.
func compare(ctx context.Context, rounds int, only string) (err error) {
	parts := []struct {
		name string
		run  func(*bench, server) error
	}{{"apply", (*bench).apply}, {"stall", (*bench).stall}, {"large", (*bench).large}}
	b := &bench{ctx: ctx, rounds: rounds}
	if b.folder, err = os.MkdirTemp("", "shipsql-compare-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.folder)) }()
	if err := b.build(); err != nil {
		return err
	}
	servers, end, err := startServers(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	for _, part := range parts {
		for _, s := range servers {
			if only != "" && only != part.name {
				continue
			}
			if err := part.run(b, s); err != nil {
				return fmt.Errorf("%s on %s: %w", part.name, s.name, err)
			}
		}
	}
	return nil
}

// bench is one run of the comparison.
type bench struct {
	ctx      context.Context //nolint:containedctx // of the whole program
	rounds   int
	folder   string // everything temporary
	database int    // how many were made
}

// build makes the programs: ours from this source, the others' as released.
func (b *bench) build() error {
	for _, command := range []*exec.Cmd{
		exec.CommandContext(b.ctx, "go", "build", "-o", filepath.Join(b.folder, "shipsql"), "./cmd/shipsql"),
		exec.CommandContext(b.ctx, "scripts/peers", b.folder),
	} {
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", command, err, out)
		}
	}
	return nil
}

// fresh is a database of its own.
func (b *bench) fresh(s server) (database, error) {
	b.database++
	name := fmt.Sprintf("compare_%d", b.database)
	return s.open(name), s.create(b.ctx, name)
}

// files writes a folder in each tool's form and returns where it is.
func (b *bench) files(name string, texts []string) (string, error) {
	folder := filepath.Join(b.folder, name)
	for _, t := range tools {
		if err := os.MkdirAll(filepath.Join(folder, t.name), 0o700); err != nil {
			return "", err
		}
		for i, text := range texts {
			path, content := t.file(i+1, text)
			if err := os.WriteFile(filepath.Join(folder, t.name, path), []byte(content), 0o600); err != nil {
				return "", err
			}
		}
	}
	return folder, nil
}

// median of some values, at least one.
func median[T int | int64 | float64](values []T) T {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}
