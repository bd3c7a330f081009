package intake_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
)

// rate is how many deliveries a second are sent.
const rate = 500

// Deliveries come twice, to both nodes at once and again later, out of order, and
// one in twenty is forged: each is handled once, the forged ones are refused.
func TestEveryDeliveryIsHandledOnce(t *testing.T) {
	total, asked := 1000, 10
	if os.Getenv("SHIPSQL_TORTURE") != "" {
		total, asked = 10_000, 100
	}
	w := newWorld(t)
	targets := w.nodes(t)
	forgeries, again := total/20, total/10
	secret := w.forge.WebhookSecret()
	genuine := slices.Concat(w.comments(t, asked), pushesTo(stranger, secret, "push-", total-forgeries-again-asked))
	genuine = shuffled(genuine)
	plan := mixed(genuine, forged(genuine, forgeries), again)
	took := sendAll(t, targets, plan)
	t.Logf("%d deliveries (%d twice, %d forged) at %d/s on two nodes: answered in %s", len(plan), again, forgeries, rate, spread(took))
	w.settled(t)
	w.checkInbox(t, genuine)
	w.checkAnswers(t, asked)
}

// mixed puts the forged ones and the repetitions among the genuine: half of these
// come at once with the first, to the other node, half come later.
func mixed(genuine, forgeries []delivery, again int) []delivery {
	plan := make([]delivery, 0, len(genuine)+len(forgeries)+again)
	for i, d := range genuine {
		plan = append(plan, d)
		if i*again/len(genuine) != (i+1)*again/len(genuine) {
			if len(plan)%2 == 0 {
				plan = append(plan, d)
			} else {
				plan = append(plan, genuine[rand.N(i+1)])
			}
		}
		if i*len(forgeries)/len(genuine) != (i+1)*len(forgeries)/len(genuine) {
			plan = append(plan, forgeries[i*len(forgeries)/len(genuine)])
		}
	}
	return plan
}

// sendAll sends each delivery at its time, to the nodes in turn. The time of an
// answer counts from when the delivery was due, so a queue before us counts too.
func sendAll(t *testing.T, targets []string, plan []delivery) []time.Duration {
	t.Helper()
	s := newSender(t)
	took := make([]time.Duration, len(plan))
	var sending sync.WaitGroup
	began := time.Now()
	for i, d := range plan {
		due := began.Add(time.Duration(i) * time.Second / rate)
		<-time.After(time.Until(due))
		sending.Go(func() {
			status, err := s.send(targets[i%len(targets)], d)
			took[i] = time.Since(due)
			if err != nil || status != d.want {
				t.Errorf("delivery %s is answered %d (%v), want %d", d.guid, status, err, d.want)
			}
		})
	}
	sending.Wait()
	return took
}

// spread is what matters of many times.
func spread(took []time.Duration) string {
	slices.Sort(took)
	at := func(part float64) time.Duration {
		return took[int(float64(len(took)-1)*part)].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("%s (median), %s (p99), %s (maximum)", at(0.5), at(0.99), at(1))
}

// checkInbox holds the store to what was sent.
func (w *world) checkInbox(t *testing.T, genuine []delivery) {
	t.Helper()
	if got := w.number(t, "SELECT count(*) FROM bot_deliveries WHERE guid LIKE 'forged-%'"); got != 0 {
		t.Errorf("%d forged deliveries were let in", got)
	}
	if got := w.number(t, "SELECT count(*) FROM bot_deliveries WHERE guid LIKE 'push-%' AND note LIKE 'no project is bound to forge/acme/other-%'"); got != w.count(genuine, "push") {
		t.Errorf("%d pushes were handled, %d sent", got, w.count(genuine, "push"))
	}
	if got := w.number(t, "SELECT count(*) FROM bot_deliveries WHERE kind = 'comment' AND state = 'done'"); got != w.count(genuine, "issue_comment") {
		t.Errorf("%d comments were handled, %d sent", got, w.count(genuine, "issue_comment"))
	}
	if got := w.number(t, "SELECT count(*) FROM queue_jobs WHERE kind = 'delivery' AND attempts > 0"); got != 0 {
		t.Errorf("%d jobs failed at first", got)
	}
}

func (*world) count(list []delivery, event string) (n int) {
	for _, d := range list {
		if d.event == event {
			n++
		}
	}
	return n
}

// checkAnswers counts the effect that people see: one answer for each question.
func (w *world) checkAnswers(t *testing.T, asked int) {
	t.Helper()
	pull, _ := w.forge.PR(repository, w.pull)
	questions, answers := 0, map[string]int{}
	for _, c := range pull.Comments {
		if _, question, ok := strings.Cut(c.Body, "<!-- shipsql:v1 kind=reply comment="); ok && c.ByApp {
			answers[strings.Fields(question)[0]]++
		}
	}
	for _, c := range pull.Comments {
		if c.ByApp {
			continue
		}
		questions++
		if n := answers[strconv.FormatInt(c.ID, 10)]; n != 1 || len(c.Reactions) == 0 {
			t.Errorf("question %d has %d answers and %d marks", c.ID, n, len(c.Reactions))
		}
	}
	if questions != asked {
		t.Errorf("%d questions, want %d", questions, asked)
	}
}

// The most that both take, by turns in one run: the app with its worker, and the
// bare handler on two processes as well. Of strangers' pushes the inbox keeps a
// record, and of those to the project's repository who pushed what.
func TestIntakeBesideABareHandler(t *testing.T) {
	measured := os.Getenv("SHIPSQL_TORTURE") != ""
	rounds, each := 1, 60
	if measured {
		rounds, each = 7, 2000
	}
	w := newWorld(t)
	ours := w.nodes(t)
	if _, err := w.db.Exec(t.Context(), bareTable); err != nil {
		t.Fatal(err)
	}
	var theirs []string
	for n := range 2 {
		theirs = append(theirs, webhooks(start(t, fmt.Sprintf("bare-%d", n+1), part{Config: w.config, Role: config.RoleWeb, Bare: true})))
	}
	const least = 0.5
	for name, repository := range map[string]named{"strangers": stranger, "project": w.ours(t)} {
		list := func(part string) []delivery {
			return pushesTo(repository, w.forge.WebhookSecret(), fmt.Sprint(name, "-", part, "-"), each)
		}
		race(t, ours, list("warm"))
		race(t, theirs, list("warm"))
		w.settled(t)
		var ratios []float64
		for round := range rounds {
			app := race(t, ours, list(fmt.Sprint(round)))
			w.settled(t)
			bare := race(t, theirs, list(fmt.Sprint(round)))
			ratios = append(ratios, bare.Seconds()/app.Seconds())
			t.Logf("%s: app %.0f/s, bare %.0f/s, ratio %.2f", name, float64(each)/app.Seconds(), float64(each)/bare.Seconds(), ratios[round])
		}
		t.Logf("%s: at %d/s the app answers in %s", name, rate, spread(sendAll(t, ours, list("paced"))))
		w.settled(t)
		t.Logf("%s: at %d/s the bare handler answers in %s", name, rate, spread(sendAll(t, theirs, list("paced"))))
		slices.Sort(ratios)
		t.Logf("%s: the intake takes %.2f of what a bare handler takes (median of %d rounds)", name, ratios[rounds/2], rounds)
		if best := ratios[rounds-1]; measured && best < least {
			t.Errorf("%s: not even in the best round %.1f of a bare handler: %.2f", name, least, best)
		}
	}
}

// race sends a list as fast as a few clients get it answered.
func race(t *testing.T, targets []string, list []delivery) time.Duration {
	t.Helper()
	const clients = 16
	s := newSender(t)
	var sending sync.WaitGroup
	began := time.Now()
	for c := range clients {
		sending.Go(func() {
			for i := c; i < len(list); i += clients {
				if status, err := s.send(targets[i%len(targets)], list[i]); err != nil || status != http.StatusAccepted {
					t.Errorf("answered %d: %v", status, err)
				}
			}
		})
	}
	sending.Wait()
	return time.Since(began)
}
