package deploy

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
)

// foundLimit is how many releases Find returns at most: enough to choose from.
const foundLimit = 20

// Find returns the releases that a person's word may mean, newest first: an id
// or its beginning, a pull request (#42, 42, owner/name#42), or a merge commit or
// its beginning, of at least 7 characters each. An id that is whole stands for
// itself alone. Nothing found is no error.
func (s *Service) Find(ctx context.Context, word string) ([]Release, error) {
	sc, ok := named(strings.TrimSpace(word))
	if !ok {
		return nil, nil
	}
	sc.where = "id IN (SELECT id FROM deploy_releases WHERE " + sc.where + " ORDER BY id DESC LIMIT " + strconv.Itoa(foundLimit) + ")"
	stored, err := loadReleases(ctx, s.db, sc)
	releases := make([]Release, len(stored))
	for i, r := range stored {
		releases[i] = r.Release
	}
	slices.SortFunc(releases, func(a, b Release) int { return strings.Compare(b.ID, a.ID) })
	return releases, err
}

// shortest is how much of an id or a commit says which one is meant.
const shortest = 7

// notAny is no pull request's number; 0 would be every direct push.
const notAny = -1

// named is the condition that a word puts on a release.
func named(word string) (scope, bool) {
	repository, number, marked := strings.Cut(word, "#")
	if !marked {
		repository, number = "", word
	}
	pullRequest, err := strconv.Atoi(number)
	isNumber := err == nil && pullRequest > 0
	switch {
	case marked && !isNumber, !marked && !isNumber && len(word) < shortest, strings.ContainsAny(word, "%_"):
		return scope{}, false
	case marked:
		return scope{"pull_request = $1 AND ($2 = '' OR repository = $2 OR repository LIKE '%/' || $2)", []any{pullRequest, repository}}, true
	case isNumber && len(word) < shortest:
		return scope{"pull_request = $1", []any{pullRequest}}, true
	}
	return scope{"id LIKE $1 || '%' OR merge_commit LIKE $2 || '%' OR pull_request = $3",
		[]any{strings.ToUpper(word), strings.ToLower(word), cmp.Or(pullRequest, notAny)}}, true
}
