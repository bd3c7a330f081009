package main

import (
	"context"
	"log/slog"
	"math"
	"slices"

	"github.com/shipsql/shipsql/cmd/shipsql/job"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
)

// jobCmd is `shipsql job`: what the queue has given up is a person's to decide.
type jobCmd struct {
	List    jobListCmd    `cmd:"" help:"List jobs that were given up, oldest first, with why."`
	Retry   jobRetryCmd   `cmd:"" help:"Run jobs again that were given up."`
	Discard jobDiscardCmd `cmd:"" help:"Remove jobs that were given up, for good."`
}

// Help says what the exit codes mean.
func (jobCmd) Help() string {
	return "A job is named by its id, which job list and doctor show. Runs on databases that failed are no such jobs: see release retry. Exit code 0: done; 1: a job was refused or not found; 2: wrong usage."
}

type jobListCmd struct {
	operatorFlags

	Limit int `help:"At most so many, up to 1000." default:"20"`
}

// Run prints the list.
func (c jobListCmd) Run(t *terminal) error {
	if c.Limit < 1 || c.Limit > job.MaxLimit {
		return exit{exitUsage, fault.New(fault.Invalid, "--limit must be from 1 to %d", job.MaxLimit)}
	}
	return c.use(t, func(_ *deploy.Service, q *queue.Queue) (operatorReport, error) {
		stats, err := q.Stats(t.ctx)
		if err != nil {
			return nil, err
		}
		total := 0
		for _, s := range stats {
			if s.State == queue.Dead {
				total += s.Jobs
			}
		}
		dead, err := q.Dead(t.ctx, c.Limit)
		return job.NewList(dead, total), err
	})
}

type jobRetryCmd struct {
	operatorFlags

	IDs []string `arg:"" name:"id" optional:"" help:"The jobs."`
	All bool     `help:"All that were given up."`
}

// Run makes the jobs ready again.
func (c jobRetryCmd) Run(t *terminal) error {
	if c.All == (len(c.IDs) > 0) {
		return exit{exitUsage, fault.New(fault.Invalid, "name jobs by their ids, or say --all").Then("shipsql job list shows them")}
	}
	order := jobOrder{verb: "retry", outcome: job.Ready, carry: (*queue.Queue).Revive}
	return order.give(t, c.operatorFlags, func(q *queue.Queue) ([]string, error) {
		if !c.All {
			return c.IDs, nil
		}
		dead, err := q.Dead(t.ctx, math.MaxInt32)
		var ids []string
		for _, d := range dead {
			ids = append(ids, d.ID)
		}
		return ids, err
	})
}

type jobDiscardCmd struct {
	operatorFlags

	IDs []string `arg:"" name:"id" help:"The jobs."`
	Yes bool     `help:"Do it. Without it, only say what would be removed."`
}

// Run removes the jobs.
func (c jobDiscardCmd) Run(t *terminal) error {
	order := jobOrder{verb: "discard", outcome: job.WouldDiscard}
	if c.Yes {
		order.outcome, order.carry = job.Discarded, (*queue.Queue).Discard
	}
	return order.give(t, c.operatorFlags, func(*queue.Queue) ([]string, error) { return c.IDs, nil })
}

// jobOrder is a command that changes jobs.
type jobOrder struct {
	verb    string
	outcome job.Outcome                                       // of a job that it was carried out on
	carry   func(*queue.Queue, context.Context, string) error // nil: only say what would be done
}

// give carries the order out on each job that choose names, newest first: of those
// that stand for the same work, the newest is to run.
func (o jobOrder) give(t *terminal, flags operatorFlags, choose func(*queue.Queue) ([]string, error)) error {
	answer := job.NewAnswer(o.verb)
	err := flags.use(t, func(_ *deploy.Service, q *queue.Queue) (operatorReport, error) {
		ids, err := choose(q)
		if err != nil {
			return nil, err
		}
		slices.Sort(ids)
		slices.Reverse(ids)
		if err := o.each(t, q, slices.Compact(ids), answer); err != nil {
			answer.Stop(err)
		}
		return answer, nil
	})
	if err == nil && !answer.Carried() {
		return exit{code: exitFail}
	}
	return err
}

// each notes what became of each job. A refusal is one job's; any other error
// ends the command, and what was done before it is told.
func (o jobOrder) each(t *terminal, q *queue.Queue, ids []string, answer *job.Answer) error {
	for _, id := range ids {
		d, err := o.one(t, q, id)
		switch fault.CodeOf(err) {
		case "":
			answer.Did(d, o.outcome)
		case fault.NotFound, fault.Conflict:
			answer.Refuse(d, err)
		default:
			return err
		}
	}
	if o.carry == nil {
		return fault.New(fault.Denied, "nothing was discarded").Then("read the list, then add --yes")
	}
	return nil
}

// one carries the order out on one job. What was done is logged too, with who did
// it: a discarded job is nowhere else.
func (o jobOrder) one(t *terminal, q *queue.Queue, id string) (queue.DeadJob, error) {
	d, err := q.DeadByID(t.ctx, id)
	if err != nil {
		return queue.DeadJob{Job: queue.Job{ID: id}}, err
	}
	if o.carry == nil {
		return d, nil
	}
	if err := o.carry(q, t.ctx, id); err != nil {
		return d, err
	}
	slog.New(slog.NewTextHandler(t.err, nil)).Info(evidence("job "+o.verb), "job", d.ID, "kind", d.Kind, "key", d.Key, "error", d.LastError)
	return d, nil
}
