package github

import (
	"context"
	"errors"
	"slices"

	"github.com/shipsql/shipsql/providers"
)

// protectedBranch is what a branch says of its classic protection. Who may only
// read sees the names of the checks, and no more.
// https://docs.github.com/en/rest/branches/branches#get-a-branch
type protectedBranch struct {
	Protection struct {
		Required struct{ Contexts []string } `json:"required_status_checks"`
	}
}

// rule is a rule of a ruleset that holds for a branch.
// https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch
type rule struct {
	Type       string
	Parameters struct {
		Required []struct{ Context string } `json:"required_status_checks"`
	}
}

// RequiredChecks lists the checks that a branch asks for before a merge, by
// protection and by rulesets, sorted. 1 call and 1 per 100 rules.
func (p *Provider) RequiredChecks(ctx context.Context, repo providers.Repo, branch string) ([]string, error) {
	var b protectedBranch
	if err := p.get(ctx, repo, pathf("/branches/%s", branch), &b); err != nil {
		return nil, err
	}
	required := b.Protection.Required.Contexts
	err := pages(ctx, p, listing{repo: repo, path: pathf("/rules/branches/%s", branch)}, func(page []rule) bool {
		for _, r := range page {
			for _, check := range r.Parameters.Required {
				required = append(required, check.Context)
			}
		}
		return true
	})
	if errors.Is(err, providers.ErrNotFound) { // an Enterprise Server from before rulesets
		err = nil
	}
	slices.Sort(required)
	return slices.Compact(required), err
}
