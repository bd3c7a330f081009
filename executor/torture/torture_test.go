package torture_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// run is a whole torture of one product: so many rounds. Its file is written
// after each, so that an interrupted run goes on with what it lacks.
type run struct {
	Quota  quota
	Rounds int
	Done   []result

	file string
}

// resume reads the run that was left in a file, or begins a new one where there is
// none, where it is over, or where it was of another size.
func resume(file string, q quota, rounds int) (*run, error) {
	fresh := &run{Quota: q, Rounds: rounds, file: file}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return fresh, os.MkdirAll(filepath.Dir(file), 0o700)
	}
	left := &run{file: file}
	if err != nil || json.Unmarshal(text, left) != nil || !cmp.Equal(left.Quota, q) || left.Rounds != rounds || len(left.Done) == rounds {
		return fresh, err
	}
	return left, nil
}

// play plays the rounds that are missing.
func (r *run) play(round func() (result, error)) error {
	for len(r.Done) < r.Rounds {
		came, err := round()
		r.Done = append(r.Done, came)
		if err != nil {
			return err
		}
		if err := writeJSON(r.file, r); err != nil {
			return err
		}
	}
	return nil
}

// table is the run in figures.
func (r *run) table(name string) string {
	total := counts{}
	var took time.Duration
	for _, came := range r.Done {
		for name, n := range came.Counts {
			total[name] += n
		}
		took += came.Took
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d rounds, %s\n", name, len(r.Done), took.Round(time.Second))
	for _, name := range slices.Sorted(maps.Keys(total)) {
		fmt.Fprintf(&b, "%6d %s\n", total[name], name)
	}
	return b.String()
}

// The size of a run: of `make test`, of one of the ten rounds of `make torture`,
// and with the race detector, which makes processes slow and sees little of them.
var (
	quickly = quota{Cuts: 20, Kills: 12, Crashes: 1}
	fully   = quota{Cuts: 52, Kills: 32, Crashes: 3}
	raced   = quota{Cuts: 4, Kills: 3, Crashes: 1}
)

const fullRounds = 10

func TestExactlyOnce(t *testing.T) {
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			q, rounds, folder := quickly, 1, t.TempDir()
			switch {
			case os.Getenv("SHIPSQL_TORTURE") != "":
				q, rounds, folder = fully, fullRounds, stateFolder()
			case raceDetector:
				q = raced
			}
			r, err := resume(filepath.Join(folder, "executor-"+p.name+".json"), q, rounds)
			if err != nil {
				t.Fatal(err)
			}
			err = r.play(func() (result, error) { return playRound(t, p, q) })
			t.Logf("\n%s", r.table(p.name))
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// playRound plays one round with a server of its own.
func playRound(t *testing.T, p product, q quota) (came result, err error) {
	seed := seedOf(t)
	t.Run(fmt.Sprint(seed), func(t *testing.T) { // the server ends with it
		var r *round
		if r, err = newRound(t, p, q, seed); err != nil {
			return
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		came, err = r.play(ctx)
		t.Logf("%d cuts, %d SIGKILLs, %d crashes in %s", came.Counts[cutCount], came.Counts[killCount], came.Counts[crashCount], came.Took.Round(time.Second))
	})
	return came, err
}

// stateFolder is where a full run keeps its progress, and any run its evidence.
func stateFolder() string {
	if given := os.Getenv("SHIPSQL_TORTURE_DIR"); given != "" {
		return given
	}
	return filepath.Join(os.TempDir(), "shipsql-torture-"+strconv.Itoa(os.Getuid()))
}

// seedOf is a new seed, or the one of a round to play again.
func seedOf(t *testing.T) uint64 {
	given := os.Getenv("SHIPSQL_TORTURE_SEED")
	if given == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		t.Fatalf("SHIPSQL_TORTURE_SEED: %v", err)
	}
	return seed
}
