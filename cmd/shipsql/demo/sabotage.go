package demo

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/shipsql/shipsql/providers/miniforge"
)

// refuse makes the forge answer 502 to requests of the method and path.
func (s *story) refuse(method, path string) {
	s.forge.Fail(miniforge.Match{Method: method, Path: path}, miniforge.Fault{Status: http.StatusBadGateway})
}

func (s *story) refuseChecks(context.Context) error {
	s.refuse(http.MethodPost, "repos/*/*/check-runs")
	return nil
}

func (s *story) unprotect(context.Context) error {
	return s.forge.Protect(repository, branch)
}

func (s *story) hidePullRequest(context.Context) error {
	s.refuse(http.MethodGet, "repos/*/*/pulls/*")
	return nil
}

func (s *story) loseHistory(context.Context) error {
	s.forge.Fail(miniforge.Match{Method: http.MethodGet, If: readsCommits}, miniforge.Fault{Status: http.StatusBadGateway})
	return nil
}

func (s *story) crashTest(context.Context) error { return s.test.Kill() }

func (s *story) crashProd(context.Context) error { return s.prod.Kill() }

func (s *story) promoteStranger(context.Context) error {
	return errors.Join(s.forge.SetPermission(repository, stranger, "write"), s.forge.AddTeam(team, stranger))
}

// allowSelfApproval gives the author what only the configuration can: it is
// changed, and the bot started again.
func (s *story) allowSelfApproval(ctx context.Context) error {
	return errors.Join(s.forge.AddTeam(team, author), s.app.kill(), s.configure(true), s.app.start(ctx))
}

func (s *story) dismissApprover(context.Context) error {
	return s.forge.RemoveFromTeam(team, approver)
}

// loseConfiguration goes unnoticed until the bot has to start again.
func (s *story) loseConfiguration(context.Context) error {
	return os.Remove(filepath.Join(s.folder, configuration))
}

func (s *story) repairData(ctx context.Context) error {
	return s.exec(ctx, ordersEU, "UPDATE orders SET total = 0 WHERE total < 0")
}

func (s *story) takeTable(ctx context.Context) error {
	return s.exec(ctx, ordersUS, "CREATE TABLE refunds (id int PRIMARY KEY)")
}

// readsCommits matches the ways to ask a forge what came after a commit.
func readsCommits(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/compare/") || strings.Contains(r.URL.Path, "/commits")
}
