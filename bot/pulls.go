package bot

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/store"
)

// States of a pull request.
const (
	pullOpen   = "open"
	pullMerged = "merged"
	pullClosed = "closed"
)

// pull is a pull request as last read.
type pull struct {
	Repository string
	Number     int
	State      string
	Base       string // branch
	Head       string // commit
	BaseCommit string // at the last review, "" before
	Touches    bool   // it changes a file of some project
	Title      string
	Author     string
	URL        string
	Said       string
}

func pullFrom(repository string, pr providers.PullRequest) pull {
	p := pull{
		Repository: repository, Number: pr.Number, State: pullClosed, Base: pr.Base.Name, Head: pr.Head.SHA,
		Title: pr.Title, Author: pr.Author.Login, URL: pr.URL,
	}
	switch {
	case pr.Merged:
		p.State = pullMerged
	case pr.Open:
		p.State = pullOpen
	}
	return p
}

// savePull writes what the forge says; what only we know stays.
func savePull(ctx context.Context, tx *store.Tx, p pull) error {
	_, err := tx.Exec(ctx, sqlSavePull,
		p.Repository, p.Number, p.State, p.Base, p.Head, p.BaseCommit, flag(p.Touches), p.Title, p.Author, p.URL, store.Micros(tx.Now()))
	return err
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func scanPull(scan store.Scan) (p pull, err error) {
	var touches int
	err = scan(&p.Repository, &p.Number, &p.State, &p.Base, &p.Head, &p.BaseCommit, &touches, &p.Title, &p.Author, &p.URL, &p.Said)
	p.Touches = touches != 0
	return p, err
}

// loadPull reads one pull request; false when it was never read.
func loadPull(ctx context.Context, q store.Queryer, repository string, number int) (pull, bool, error) {
	found, err := selectPulls(ctx, q, sqlPullByNumber, repository, number)
	if err != nil || len(found) == 0 {
		return pull{}, false, err
	}
	return found[0], true, nil
}

func selectPulls(ctx context.Context, q store.Queryer, query string, args ...any) ([]pull, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read pull requests: %w", err)
	}
	return store.Collect(rows, scanPull)
}

// openPulls are the open pull requests into a branch that change a file of a
// project.
func openPulls(ctx context.Context, q store.Queryer, repository, branch string) ([]int, error) {
	found, err := selectPulls(ctx, q, sqlOpenPulls, repository, branch)
	var numbers []int
	for _, p := range found {
		if p.Touches {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers, err
}

// pullByHead is the newest pull request with that head commit, 0 when none is known.
func pullByHead(ctx context.Context, q store.Queryer, repository, head string) (int, error) {
	found, err := selectPulls(ctx, q, sqlPullsByHead, repository, head)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0].Number, nil
}

func setSaid(ctx context.Context, tx *store.Tx, repository string, number int, said string) error {
	_, err := tx.Exec(ctx, sqlSetSaid, repository, number, said)
	return err
}

// assessment is what was found in one project's part of a pull request.
type assessment struct {
	Project   string
	Review    view.Review
	Checksums map[string]string // path → checksum at the head, "" when deleted
}

func saveAssessment(ctx context.Context, tx *store.Tx, repository string, number int, a assessment) error {
	review, err := json.Marshal(a.Review)
	if err != nil {
		return fmt.Errorf("encode a review: %w", err)
	}
	checksums, err := json.Marshal(a.Checksums)
	if err != nil {
		return fmt.Errorf("encode checksums: %w", err)
	}
	_, err = tx.Exec(ctx, sqlSaveReview,
		repository, number, a.Project, a.Review.Head, string(review), string(checksums), store.Micros(tx.Now()))
	return err
}

func loadAssessments(ctx context.Context, q store.Queryer, repository string, number int) ([]assessment, error) {
	rows, err := q.Query(ctx, sqlReviews, repository, number)
	if err != nil {
		return nil, fmt.Errorf("read reviews: %w", err)
	}
	return store.Collect(rows, func(scan store.Scan) (a assessment, err error) {
		var review, checksums string
		if err := scan(&a.Project, &review, &checksums); err != nil {
			return a, err
		}
		if err := json.Unmarshal([]byte(review), &a.Review); err != nil {
			return a, fmt.Errorf("read the review of %s: %w", a.Project, err)
		}
		return a, json.Unmarshal([]byte(checksums), &a.Checksums)
	})
}
