package torture_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/providers/miniforge"
)

// people write changes, bring them to the branch and approve them.
type people struct {
	*world
	writer

	faults *faults

	landed []change
}

// act plays the people's part: so many migrations, in batches of two or three
// changes, and then more as long as some faults are outstanding. Before each
// batch they wait until their share of the faults has happened, or nothing is
// left to do.
func (p *people) act(ctx context.Context, migrations int) error {
	for p.version < migrations || p.faults.share() < 1 {
		if p.version > 5*migrations {
			return fmt.Errorf("%d migrations did not meet all faults: %s", p.version, p.faults.line())
		}
		share := float64(p.version) / float64(migrations)
		if err := p.until(ctx, "the faults to keep up", func() (bool, string) { return p.ready(ctx, share-0.2) }); err != nil {
			return err
		}
		p.faults.allow(share + 0.2)
		var batch []change
		for range 2 + p.dice.IntN(2) {
			if left := max(migrations-p.version, 1); len(batch) == 0 || p.version < migrations {
				batch = append(batch, p.change(left))
			}
		}
		batch[len(batch)-1].direct = false // its approval takes the earlier ones along
		if err := p.batch(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// ready says whether the next batch is due.
func (p *people) ready(ctx context.Context, share float64) (bool, string) {
	if p.faults.share() >= share {
		return true, ""
	}
	busy, err := p.list(ctx, p.store, storeName, unfinished)
	return err == nil && len(busy) == 0, p.faults.line()
}

// story are the migrations that landed.
func (p *people) story() (all []migration) {
	for _, c := range p.landed {
		all = append(all, c.migrations...)
	}
	return all
}

// batch opens the pull requests of some changes, merges and pushes them in their
// order, and approves the last, a pull request, and with it the earlier ones.
func (p *people) batch(ctx context.Context, changes []change) error {
	numbers := make([]int, len(changes))
	for i, c := range changes {
		if c.direct {
			continue
		}
		var err error
		if numbers[i], err = p.open(c); err != nil {
			return err
		}
	}
	for i, c := range changes {
		if err := p.land(ctx, c, numbers[i]); err != nil {
			return err
		}
	}
	return p.approve(ctx, numbers[len(numbers)-1])
}

func (p *people) open(c change) (int, error) {
	commit := miniforge.Commit{Author: author, Message: c.name(), Files: c.files()}
	if _, err := p.forge.Push(repository, c.name(), commit); err != nil {
		return 0, err
	}
	return p.forge.OpenPR(miniforge.NewPR{Repo: repository, Head: c.name(), Title: c.name(), Author: author})
}

// land merges a pull request once its check is green, or pushes.
func (p *people) land(ctx context.Context, c change, number int) error {
	p.landed = append(p.landed, c)
	if c.direct {
		_, err := p.forge.Push(repository, branch, miniforge.Commit{Author: author, Message: c.name(), Files: c.files()})
		return err
	}
	if err := p.green(ctx, number); err != nil {
		return err
	}
	_, err := p.forge.Merge(repository, number, miniforge.MergeOptions{By: merger})
	return err
}

func (p *people) green(ctx context.Context, number int) error {
	seen := ""
	return p.await(ctx, fmt.Sprintf("#%d to be green", number), &seen, func(s *miniforge.State) bool {
		pr, _ := s.PR(repository, number)
		check, _ := pr.Check(checkName)
		seen = strings.Join([]string{pr.Blocked, check.Status, check.Conclusion, check.Title}, "; ")
		return pr.Blocked == ""
	})
}

// approve says so until it is heard: what was said too early is refused, and
// said again.
func (p *people) approve(ctx context.Context, number int) error {
	for range 60 {
		id, err := p.forge.CommentAs(repository, number, approver, "/approve prod --with-earlier")
		if err != nil {
			return err
		}
		accepted, err := p.answered(ctx, number, id)
		if accepted || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second): // a person thinks, and tries again
		}
	}
	return fmt.Errorf("the approval of #%d is refused again and again", number)
}

// answered waits for the reaction to a command.
func (p *people) answered(ctx context.Context, number int, id int64) (accepted bool, err error) {
	seen := ""
	err = p.await(ctx, fmt.Sprintf("an answer to comment %d on #%d", id, number), &seen, func(s *miniforge.State) bool {
		pr, _ := s.PR(repository, number)
		for _, c := range pr.Comments {
			if c.ID != id {
				continue
			}
			seen = fmt.Sprint(c.Reactions)
			says := func(words ...string) bool {
				return slices.ContainsFunc(c.Reactions, func(r miniforge.Reaction) bool { return slices.Contains(words, r.Content) })
			}
			accepted = says("rocket", "+1", "hooray")
			return accepted || says("confused", "-1")
		}
		return false
	})
	return accepted, err
}

// await waits for what must come to be on the forge.
func (w *world) await(ctx context.Context, what string, seen *string, holds func(*miniforge.State) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := w.forge.Wait(ctx, holds); err != nil {
		return fmt.Errorf("waited in vain for %s; last seen: %q: %w", what, *seen, context.Cause(ctx))
	}
	return nil
}

// deliverAtLeastOnce sends webhooks again: now and then one that was taken, as
// forges do, and what nobody took, as operators do, once ShipSQL had the time to
// find it by itself.
func (w *world) deliverAtLeastOnce(ctx context.Context) error {
	r := w.random("deliveries")
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, d := range w.forge.Deliveries() {
			taken, fresh := d.Status/100 == 2, time.Since(d.At) < 10*time.Second
			if d.State != miniforge.Sent || !taken && fresh || taken && (d.Attempts > 2 || r.IntN(100) > 0) {
				continue
			}
			if err := w.forge.Redeliver(d.GUID); err != nil {
				return err
			}
		}
	}
}
