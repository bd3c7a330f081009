package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/queue"
)

// patientFor is how long a job that is due may wait behind others before somebody
// should look.
const patientFor = 5 * time.Minute

func judgeQueue(t topic, w work, pools []string) []Result {
	results := judgeWorkers(t, w, pools)
	counts := map[queue.State]int{}
	for _, s := range w.stats {
		counts[s.State] += s.Jobs
	}
	results = append(results, t.ok("%d ready, %d running", counts[queue.Ready], counts[queue.Running]))
	if waited := w.now.Sub(w.oldest.Since); w.waits && waited > patientFor {
		results = append(results, t.warning("a job of the kind %s in the pool %s has been due for %s", w.oldest.Kind, poolName(w.oldest.Pool), waited.Round(time.Second)).
			because("its pool has no free worker, or it stands behind another job of the same pull request, project or database").
			fix("start a worker: "+serveCommand(w.oldest.Pool), "or see what runs: shipsql release list --state running"))
	}
	if counts[queue.Dead] > 0 {
		results = append(results, judgeDead(t, w.dead, counts[queue.Dead]))
	}
	return results
}

// judgeDead names the first of the jobs that were given up, and the commands for
// them.
func judgeDead(t topic, dead []queue.DeadJob, all int) Result {
	r := t.warning("%s given up after all attempts", wereGivenUp(all)).
		because("new heads, merges and runs on databases are found again every few minutes; commands in comments, and reviews of what has not changed since, wait for you")
	for _, d := range dead {
		r.Fix = append(r.Fix, fmt.Sprintf("look at %s %s (%s), given up at %s: %s", d.Kind, d.Key, d.ID, d.At.UTC().Format(time.RFC3339), firstLine(d.LastError)))
	}
	if all > len(dead) {
		r.Fix = append(r.Fix, "see all of them: shipsql job list")
	}
	r.Fix = append(r.Fix, "once the cause is mended: shipsql job retry ID, or --all", "where nothing is left to do: shipsql job discard ID")
	return r
}

func wereGivenUp(n int) string {
	if n == 1 {
		return "1 job was"
	}
	return fmt.Sprintf("%d jobs were", n)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// judgeWorkers wants every pool served. Where nobody works at all, ShipSQL just
// isn't started.
func judgeWorkers(t topic, w work, pools []string) []Result {
	var results []Result
	served := map[string]bool{}
	for _, worker := range w.workers {
		if !worker.Online {
			results = append(results, t.warning("the worker %s (%s) was last heard of %s ago", worker.Node, poolNames(worker.Pools), w.now.Sub(worker.SeenAt).Round(time.Second)).
				because("it died or lost the store; its jobs were taken over, but it works no more").fix("look at its log, and start it again"))
			continue
		}
		results = append(results, t.ok("the worker %s serves %s since %s", worker.Node, poolNames(worker.Pools), worker.Since.UTC().Format(time.RFC3339)))
		for _, pool := range worker.Pools {
			served[pool] = true
		}
	}
	if len(served) == 0 {
		return append(results, t.warning("no worker is online").because("nothing is reviewed or applied until one is").fix("shipsql serve"))
	}
	for _, pool := range pools {
		if !served[pool] {
			results = append(results, t.failed("no worker is online for the pool %s", poolName(pool)).
				because("the databases of this pool wait until one is").fix(serveCommand(pool)))
		}
	}
	return results
}

func serveCommand(pool string) string {
	return "shipsql serve --role worker --pool " + poolName(pool)
}

func poolNames(pools []string) string {
	names := slices.Clone(pools)
	for i := range names {
		names[i] = poolName(names[i])
	}
	return strings.Join(names, ", ")
}
