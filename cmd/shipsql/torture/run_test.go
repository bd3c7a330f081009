package torture_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

// run is a whole torture: so many rounds of a size. Its file is written after
// each, so that an interrupted run goes on with what it lacks.
type run struct {
	Size   size
	Rounds int
	Done   map[int]result // by number, from 1

	folder string
	mu     sync.Mutex
}

// resume reads the run that was left in a folder, or begins a new one where there
// is none, where it is over, or where it was of another size.
func resume(folder string, s size, rounds int) (*run, error) {
	fresh := &run{Size: s, Rounds: rounds, Done: map[int]result{}, folder: folder}
	text, err := os.ReadFile(fresh.file())
	if errors.Is(err, os.ErrNotExist) {
		return fresh, os.MkdirAll(folder, 0o700)
	}
	left := &run{folder: folder}
	if err != nil || json.Unmarshal(text, left) != nil || !cmp.Equal(left.Size, s) || left.Rounds != rounds || len(left.Done) == rounds {
		return fresh, err
	}
	return left, nil
}

func (r *run) file() string { return filepath.Join(r.folder, "run.json") }

// finish keeps what a round came to. The file is whole or as it was before.
func (r *run) finish(number int, came result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Done[number] = came
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	part := r.file() + ".part"
	return errors.Join(os.WriteFile(part, text, 0o600), os.Rename(part, r.file()))
}

// missing are the rounds that were not played to their end.
func (r *run) missing() []int {
	var numbers []int
	for n := 1; n <= r.Rounds; n++ {
		if _, done := r.Done[n]; !done {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// play plays the missing rounds, a few side by side; the first that fails ends
// the others.
func (r *run) play(ctx context.Context, lanes int, round func(ctx context.Context, number int) (result, error)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lanes)
	for _, number := range r.missing() {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			came, err := round(ctx, number)
			if err != nil {
				return fmt.Errorf("round %d: %w", number, err)
			}
			return r.finish(number, came)
		})
	}
	return group.Wait()
}

// table is the run in figures.
func (r *run) table() string {
	total := counts{}
	var migrations, releases int
	var took time.Duration
	for _, came := range r.Done {
		for name, n := range came.Counts {
			total[name] += n
		}
		migrations, releases, took = migrations+came.Migrations, releases+came.Releases, took+came.Took
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%6d rounds, of %s together\n%6d migrations in %d releases, on %d databases each\n",
		len(r.Done), took.Round(time.Second), migrations, releases, len(orders))
	for _, name := range faultNames {
		fmt.Fprintf(&b, "%6d %s\n", total[name], name)
	}
	return b.String()
}

// quickly is the round of `make test`; fully is one of the ten of `make torture`.
var (
	quickly = size{Migrations: 30, Window: 20 * time.Second, Faults: counts{
		workerKills: 10, webKills: 2, storeCuts: 5, targetCuts: 5,
		redisRestarts: 1, redisFlushes: 1, storeRestarts: 1, targetRestarts: 1, forgeStorms: 2,
	}}
	fully = size{Migrations: 30, Window: 50 * time.Second, Faults: counts{
		workerKills: 30, webKills: 3, storeCuts: 10, targetCuts: 10,
		redisRestarts: 2, redisFlushes: 2, storeRestarts: 2, targetRestarts: 2, forgeStorms: 3,
	}}
)

const (
	fullRounds = 10
	fullLanes  = 2
)

func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	s, rounds, lanes, folder := quickly, 1, 1, t.TempDir()
	if os.Getenv("SHIPSQL_TORTURE") != "" {
		s, rounds, lanes, folder = fully, fullRounds, fullLanes, stateFolder()
	}
	r, err := resume(folder, s, rounds)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("progress is kept in %s; %d of %d rounds are done", folder, len(r.Done), rounds)
	err = r.play(t.Context(), lanes, func(ctx context.Context, number int) (result, error) {
		seed := seedOf(t)
		t.Logf("round %d of %d, seed %d", number, rounds, seed)
		came, err := s.play(ctx, roundFolder(folder, seed), seed, func(line string) { t.Logf("round %d: %s", number, line) })
		t.Logf("round %d took %s", number, came.Took.Round(time.Second))
		return came, err
	})
	t.Logf("\n%s", r.table())
	if err != nil {
		t.Fatal(err)
	}
}

// stateFolder is where a full run keeps its progress.
func stateFolder() string {
	if given := os.Getenv("SHIPSQL_TORTURE_DIR"); given != "" {
		return given
	}
	return filepath.Join(os.TempDir(), "shipsql-torture-"+strconv.Itoa(os.Getuid()))
}

// roundFolder keeps the evidence of a round that fails where nobody removes it.
func roundFolder(folder string, seed uint64) string {
	if os.Getenv("SHIPSQL_TORTURE") == "" {
		folder = stateFolder()
	}
	return filepath.Join(folder, fmt.Sprintf("round-%d", seed))
}

// seedOf is a new seed, or the one of a round to play again.
func seedOf(t *testing.T) uint64 {
	given := os.Getenv("SHIPSQL_TORTURE_SEED")
	if given == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		t.Errorf("SHIPSQL_TORTURE_SEED: %v", err)
	}
	return seed
}

func TestAnInterruptedRunGoesOn(t *testing.T) {
	folder := t.TempDir()
	var played []int
	part := func(rounds int, upTo int) *run {
		r, err := resume(folder, quickly, rounds)
		if err != nil {
			t.Fatal(err)
		}
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		err = r.play(ctx, 1, func(ctx context.Context, number int) (result, error) {
			if number > upTo {
				interrupt()
				return result{}, ctx.Err()
			}
			played = append(played, number)
			return result{Migrations: 30, Counts: counts{workerKills: number}}, nil
		})
		if interrupted := upTo < rounds; interrupted != errors.Is(err, context.Canceled) {
			t.Fatalf("up to %d of %d: %v", upTo, rounds, err)
		}
		return r
	}
	part(5, 2)
	part(5, 3)
	r := part(5, 5)
	if !slices.Equal(played, []int{1, 2, 3, 4, 5}) {
		t.Errorf("played %v", played)
	}
	for _, want := range []string{" 5 rounds", " 150 migrations", " 15 " + workerKills} {
		if !strings.Contains(r.table(), want) {
			t.Errorf("the table lacks %q:\n%s", want, r.table())
		}
	}
	if again := part(5, 0); len(again.Done) != 0 {
		t.Error("a run that is over is not begun anew")
	}
	if other := part(6, 0); len(other.Done) != 0 {
		t.Error("a run of another size goes on")
	}
}
