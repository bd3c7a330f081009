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

// savePull writes what the forge says; what only we know (Said, and for a pull
// request that isn't open any more the last review's base) stays.
func savePull(ctx context.Context, tx *store.Tx, p pull) error {
	_, err := tx.Exec(ctx, `INSERT INTO bot_pulls (repository, number, state, base, head, base_commit, touches, title, author, url, said, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11)
		ON CONFLICT (repository, number) DO UPDATE SET state = excluded.state, base = excluded.base, head = excluded.head,
			base_commit = CASE WHEN excluded.state = 'open' THEN excluded.base_commit ELSE bot_pulls.base_commit END,
			touches = CASE WHEN excluded.state = 'open' THEN excluded.touches ELSE bot_pulls.touches END,
			title = excluded.title, author = excluded.author, url = excluded.url, updated_at = excluded.updated_at`,
		p.Repository, p.Number, p.State, p.Base, p.Head, p.BaseCommit, flag(p.Touches), p.Title, p.Author, p.URL, store.Micros(tx.Now()))
	return err
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

const pullColumns = `repository, number, state, base, head, base_commit, touches, title, author, url, said`

func scanPull(scan store.Scan) (p pull, err error) {
	var touches int
	err = scan(&p.Repository, &p.Number, &p.State, &p.Base, &p.Head, &p.BaseCommit, &touches, &p.Title, &p.Author, &p.URL, &p.Said)
	p.Touches = touches != 0
	return p, err
}

// loadPull reads one pull request; false when it was never read.
func loadPull(ctx context.Context, q store.Queryer, repository string, number int) (pull, bool, error) {
	found, err := selectPulls(ctx, q, `repository = $1 AND number = $2`, repository, number)
	if err != nil || len(found) == 0 {
		return pull{}, false, err
	}
	return found[0], true, nil
}

func selectPulls(ctx context.Context, q store.Queryer, condition string, args ...any) ([]pull, error) {
	rows, err := q.Query(ctx, `SELECT `+pullColumns+` FROM bot_pulls WHERE `+condition+` ORDER BY number DESC`, args...)
	if err != nil {
		return nil, fmt.Errorf("read pull requests: %w", err)
	}
	return store.Collect(rows, scanPull)
}

// openPulls are the open pull requests into a branch that change a file of a
// project.
func openPulls(ctx context.Context, q store.Queryer, repository, branch string) ([]int, error) {
	found, err := selectPulls(ctx, q, `repository = $1 AND base = $2 AND state = 'open' AND touches = 1`, repository, branch)
	numbers := make([]int, 0, len(found))
	for _, p := range found {
		numbers = append(numbers, p.Number)
	}
	return numbers, err
}

// pullByHead is the newest pull request with that head commit, 0 when none is known.
func pullByHead(ctx context.Context, q store.Queryer, repository, head string) (int, error) {
	found, err := selectPulls(ctx, q, `repository = $1 AND head = $2`, repository, head)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0].Number, nil
}

func setSaid(ctx context.Context, tx *store.Tx, repository string, number int, said string) error {
	_, err := tx.Exec(ctx, `UPDATE bot_pulls SET said = $3 WHERE repository = $1 AND number = $2`, repository, number, said)
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
	_, err = tx.Exec(ctx, `INSERT INTO bot_reviews (repository, number, project, head, review, checksums, reviewed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (repository, number, project) DO UPDATE SET
			head = excluded.head, review = excluded.review, checksums = excluded.checksums, reviewed_at = excluded.reviewed_at`,
		repository, number, a.Project, a.Review.Head, string(review), string(checksums), store.Micros(tx.Now()))
	return err
}

func loadAssessments(ctx context.Context, q store.Queryer, repository string, number int) ([]assessment, error) {
	rows, err := q.Query(ctx, `SELECT project, review, checksums FROM bot_reviews WHERE repository = $1 AND number = $2 ORDER BY project`, repository, number)
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
