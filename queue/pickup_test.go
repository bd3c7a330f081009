package queue_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/queue"
)

// pickUpBudget is DESIGN §9's: a dead worker's task is picked up again.
const pickUpBudget = 20 * time.Second

// Worker processes with the default options are killed at random moments, and two
// nodes with the default options live on.
func TestAKilledWorkersJobIsPickedUpInTime(t *testing.T) {
	t.Parallel() // it waits for leases, and does nothing else
	t.Run("without Redis", func(t *testing.T) { t.Parallel(); pickUps(t, "") })
	t.Run("with Redis", func(t *testing.T) { t.Parallel(); pickUps(t, privateserver.SharedRedis(t).URL()) })
}

func pickUps(t *testing.T, redis string) {
	url, kills := privateserver.Database(t), 5
	if os.Getenv("SHIPSQL_TORTURE") != "" {
		kills = 25
	}
	db := openStore(t, url)
	var mu sync.Mutex
	died, waited := map[string]time.Time{}, []time.Duration{}
	survivors := []*queue.Queue{}
	for range 2 {
		survivors = append(survivors, queue.New(openStore(t, url), bellAt(redis), quiet, queue.Options{}))
	}
	victims := make([]*worker, kills)
	for n := range victims {
		enqueue(t, db, survivors[0], queue.NewJob{Kind: "hang", Key: strconv.Itoa(n)})
		victims[n] = startWorker(t, url, playDefaults+"=1", playRedis+"="+redis)
		victims[n].waitFor(t, "started 1")
	}
	for _, q := range survivors {
		q.Handle("hang", func(_ context.Context, job queue.Job) error {
			mu.Lock()
			defer mu.Unlock()
			if at, ok := died[job.Key]; ok {
				waited = append(waited, time.Since(at))
			} else {
				t.Errorf("job %s was taken from a living worker", job.Key)
			}
			return nil
		})
		run(t, q)
	}
	var killing sync.WaitGroup
	for n, victim := range victims {
		killing.Go(func() {
			<-time.After(rand.N(6 * time.Second)) // anywhere between two renewals
			mu.Lock()
			defer mu.Unlock()
			victim.kill()
			died[strconv.Itoa(n)] = time.Now()
		})
	}
	killing.Wait()
	within(t, 2*pickUpBudget, "all picked up", func() bool { mu.Lock(); defer mu.Unlock(); return len(waited) == kills })
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(waited)
	median, most := waited[kills/2].Round(time.Millisecond), waited[kills-1].Round(time.Millisecond)
	t.Logf("%d killed workers: their jobs waited %s (median), %s (maximum)", kills, median, most)
	if most > pickUpBudget {
		t.Errorf("a job waited %s", most)
	}
}
