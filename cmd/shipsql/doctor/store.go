package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/bot"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/clock"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/store"
)

const whyStore = "releases, approvals and jobs are in the store: without it nothing goes on, and nothing is lost"

// open opens the store, but makes none.
func (s Site) open(ctx context.Context) (*store.DB, error) {
	if path, sqlite, err := s.Config.SQLite(); err == nil && sqlite {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	}
	return store.Open(ctx, s.Config.Store, clock.System)
}

func (s Site) store(ctx context.Context) []Result {
	t := topic{"store", ""}
	path, sqlite, _ := s.Config.SQLite()
	if _, err := os.Stat(path); sqlite && os.IsNotExist(err) {
		return []Result{t.warning("there is no store at %s yet", path).because("the first shipsql serve makes it, in its own working folder").
			fix("run doctor in the folder of shipsql serve, or start shipsql serve")}
	}
	db, err := s.open(ctx)
	if err != nil {
		return []Result{t.broken(err, whyStore)}
	}
	defer func() { _ = db.Close() }()
	facts, err := db.Inspect(ctx)
	if err != nil {
		return []Result{t.broken(err, whyStore)}
	}
	known, err := knownSchema()
	if err != nil {
		return []Result{t.broken(err, "this program is damaged")}
	}
	results := judgeStore(t, facts, known)
	if sqlite {
		results = append(results, openFile(t, path)...)
		results = append(results, judgeDisk(t, filepath.Dir(path))...)
	}
	return results
}

// maxSkew is by how much clocks may differ. GitHub takes tokens of an app that
// are at most a minute from the future.
const maxSkew = 30 * time.Second

// knownSchema is the newest version of each room's tables that this program has.
func knownSchema() (map[string]int, error) {
	known := map[string]int{}
	for room, files := range map[string]fs.FS{"queue": queue.Schema(), "deploy": deploy.Schema(), "bot": bot.Schema()} {
		migrations, err := store.MigrationFiles(files)
		if err != nil {
			return nil, err
		}
		for _, m := range migrations {
			known[room] = max(known[room], m.Version)
		}
	}
	return known, nil
}

func judgeStore(t topic, f store.Facts, known map[string]int) []Result {
	text := fmt.Sprintf("%s, %s", f.Product, size(f.Bytes))
	if f.Journal != "" {
		text += ", journal " + f.Journal
	}
	results := []Result{t.ok("%s", text)}
	if f.Ahead.Abs() > maxSkew {
		results = append(results, t.warning("its clock and this machine's differ by %s", f.Ahead.Abs()).
			because("times of leases come from the store, tokens for the forge from this machine: one of the two is wrong").fix("run NTP (chrony, systemd-timesyncd) on both"))
	}
	if len(f.Schema) == 0 {
		return append(results, t.warning("it has no tables yet").because("the first shipsql serve makes them"))
	}
	return append(results, judgeSchema(t, f.Schema, known))
}

// judgeSchema compares the tables with what this program knows. Two adjacent
// versions of ShipSQL work side by side, so that a difference is no failure.
func judgeSchema(t topic, found, known map[string]int) Result {
	var versions, older, newer []string
	for _, room := range slices.Sorted(maps.Keys(known)) {
		versions = append(versions, fmt.Sprintf("%s %d", room, found[room]))
		switch difference := fmt.Sprintf("%s %d (this program: %d)", room, found[room], known[room]); {
		case found[room] < known[room]:
			older = append(older, difference)
		case found[room] > known[room]:
			newer = append(newer, difference)
		}
	}
	switch {
	case len(newer) > 0:
		return t.warning("a newer ShipSQL made its tables: %s", strings.Join(newer, ", ")).
			because("the version before it may go on beside it during an upgrade, and no longer").fix("upgrade this program")
	case len(older) > 0:
		return t.warning("its tables wait for this version: %s", strings.Join(older, ", ")).
			because("shipsql serve of this version brings them up to date when it starts; what narrows them runs once no older node is left").fix("start shipsql serve of this version")
	}
	return t.ok("schema versions: %s", strings.Join(versions, ", "))
}

// Free space of a store's disk.
const (
	littleSpace = 1 << 30
	noSpace     = 64 << 20
)

func judgeDisk(t topic, folder string) []Result {
	free, known := freeBytes(folder)
	const why = "a full disk stops all that writes to the store; jobs go on when there is room again"
	switch {
	case !known:
		return nil
	case free < noSpace:
		return []Result{t.failed("%s are free on its disk", size(free)).because(why).fix("make room on the disk of " + folder)}
	case free < littleSpace:
		return []Result{t.warning("%s are free on its disk", size(free)).because(why).fix("make room on the disk of " + folder)}
	}
	return []Result{t.ok("%s are free on its disk", size(free))}
}

// size is a number of bytes for people.
func size(bytes int64) string {
	const unit = 1024
	value, name := float64(bytes), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < unit {
			break
		}
		value, name = value/unit, next
	}
	if name == "B" {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, name)
}

// queue asks the store for work that stands still.
func (s Site) queue(ctx context.Context) []Result {
	t := topic{"queue", ""}
	db, err := s.open(ctx)
	if err != nil {
		return []Result{t.notChecked("the store can't be opened")}
	}
	defer func() { _ = db.Close() }()
	if facts, err := db.Inspect(ctx); err != nil || facts.Schema["queue"] == 0 {
		return []Result{t.notChecked("the store has no queue yet")}
	}
	work, err := ask(ctx, queue.New(db, bell.NewLocal(), slog.New(slog.DiscardHandler), queue.Options{}))
	if err != nil {
		return []Result{t.broken(err, whyStore)}
	}
	return judgeQueue(t, work, s.Config.Pools())
}

// work is the queue's state.
type work struct {
	now     time.Time
	dead    []queue.DeadJob // the first few
	stats   []queue.Stat
	oldest  queue.Due
	waits   bool // oldest is set
	workers []queue.Worker
}

// deadShown is how many dead jobs are told one by one.
const deadShown = 5

func ask(ctx context.Context, q *queue.Queue) (w work, err error) {
	w.now = time.Now()
	if w.dead, err = q.Dead(ctx, deadShown); err != nil {
		return w, err
	}
	if w.stats, err = q.Stats(ctx); err != nil {
		return w, err
	}
	if w.oldest, w.waits, err = q.Oldest(ctx); err != nil {
		return w, err
	}
	w.workers, err = q.Workers(ctx)
	return w, err
}
