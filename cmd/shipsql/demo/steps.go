package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/providers/miniforge"
)

// review opens the unsafe pull request.
func (s *story) review(ctx context.Context) (string, error) {
	if err := s.open(unsafe()); err != nil {
		return "", err
	}
	if err := s.awaitCheck(ctx, "failure"); err != nil {
		return "", err
	}
	if err := s.awaitSticky(ctx, "the findings", "add-required-column", "create-index-without-concurrently"); err != nil {
		return "", err
	}
	pr, _ := s.forge.PR(repository, s.pr)
	check, _ := pr.Check(checkName)
	if len(check.Annotations) == 0 {
		return "", errors.New("the check has no annotations")
	}
	return fmt.Sprintf("%s, %d annotations", check.Title, len(check.Annotations)), nil
}

func (s *story) mergeRefused(context.Context) (string, error) {
	_, err := s.forge.Merge(repository, s.pr, miniforge.MergeOptions{By: merger})
	if err == nil {
		return "", errors.New("the forge merged a pull request with a failed check")
	}
	return err.Error(), nil
}

func (s *story) fix(ctx context.Context) (string, error) {
	head, err := s.forge.PushTo(repository, s.pr, fixed())
	if err != nil {
		return "", err
	}
	if err := s.awaitCheck(ctx, "success"); err != nil {
		return "", err
	}
	return "at " + head[:7], s.awaitSticky(ctx, "the new head", head[:7])
}

func (s *story) merge(ctx context.Context) (string, error) {
	if err := s.mergeNow(); err != nil {
		return "", err
	}
	return "commit " + s.merged[:7], s.awaitSticky(ctx, "the release", "release 1 ", "3 migrations")
}

func (s *story) deployTest(ctx context.Context) (string, error) {
	if err := s.awaitApplied(ctx, ordersTest, versionShipments, versionRevision, versionIndex); err != nil {
		return "", err
	}
	if err := s.expectShop(ctx, ordersTest); err != nil {
		return "", err
	}
	if err := s.awaitStage(ctx, "test", "done"); err != nil {
		return "", err
	}
	return "three migrations in the ledger; prod waits", s.awaitStage(ctx, "prod", "waiting")
}

func (s *story) strangerRefused(ctx context.Context) (string, error) {
	return s.refused(ctx, stranger, approve)
}

func (s *story) authorRefused(ctx context.Context) (string, error) {
	return s.refused(ctx, author, approve)
}

// refused says a command that must be answered with a no and change nothing.
func (s *story) refused(ctx context.Context, login, command string) (string, error) {
	answer, err := s.say(ctx, login, command)
	if err != nil {
		return "", err
	}
	if !answer.refused {
		return "", fmt.Errorf("%s's %q was accepted: %s", login, command, answer.text)
	}
	for _, database := range []string{ordersEU, ordersUS} {
		if table, err := s.ask(ctx, database, "SELECT to_regclass('shipments')::text"); err != nil || table != "" {
			return "", fmt.Errorf("%s was touched: %w", database, errors.Join(err, errors.New("table "+table)))
		}
	}
	return answer.text, nil
}

func (s *story) approved(ctx context.Context) (string, error) {
	if s.Kill {
		var err error
		if s.blocker, err = s.block(ctx, ordersEU); err != nil {
			return "", err
		}
	}
	return s.accepted(ctx, approve)
}

// accepted says a command of the approver's that must be obeyed.
func (s *story) accepted(ctx context.Context, command string) (string, error) {
	answer, err := s.say(ctx, approver, command)
	if err != nil {
		return "", err
	}
	if answer.refused {
		return "", fmt.Errorf("%s's %q was refused: %s", approver, command, answer.text)
	}
	return answer.text, nil
}

// crash kills the process while one migration of the release is committed on a prod
// database and the next one runs there, held up by the blocker. What another
// process then does a single one does once it is started again.
func (s *story) crash(ctx context.Context) (string, error) {
	if err := s.awaitApplied(ctx, ordersEU, versionShipments); err != nil {
		return "", err
	}
	who, err := s.blocker.awaitBlocked(ctx)
	if err != nil {
		return "", err
	}
	victim, err := s.app.workingOn(ordersEU)
	if err != nil {
		return "", err
	}
	if err := errors.Join(victim.kill(), s.blocker.release(ctx)); err != nil {
		return "", err
	}
	if len(s.app.nodes) == 1 {
		err = s.app.start(ctx)
	}
	if err != nil {
		return "", err
	}
	// That the rest is done at all shows that the new process went on with it.
	return "in the second of three migrations on orders-eu, session " + who, s.awaitApplied(ctx, ordersEU, versionIndex)
}

func (s *story) deployProd(ctx context.Context) (string, error) {
	for _, database := range []string{ordersEU, ordersUS} {
		if err := s.awaitApplied(ctx, database, versionShipments, versionRevision, versionIndex); err != nil {
			return "", err
		}
		if err := s.expectShop(ctx, database); err != nil {
			return "", err
		}
	}
	if err := s.awaitStage(ctx, "prod", "done"); err != nil {
		return "", err
	}
	return "revision 1 on both", s.awaitFinalView(ctx)
}

// failProd tells a second pull request up to its failure on orders-eu.
func (s *story) failProd(ctx context.Context) (string, error) {
	if err := s.release(ctx, strict()); err != nil {
		return "", err
	}
	if err := s.awaitStage(ctx, "prod", "failed"); err != nil {
		return "", err
	}
	if err := s.awaitSticky(ctx, "the database's error", "23514", "orders_total_positive"); err != nil {
		return "", err
	}
	if err := s.expectStates(ctx, ordersEU, map[string]string{versionCheck: "applied", versionValidate: ""}); err != nil {
		return "", err
	}
	return "a row of orders-eu violates the check (SQLSTATE 23514)", nil
}

func (s *story) skip(ctx context.Context) (string, error) {
	if _, err := s.accepted(ctx, skipCommand()); err != nil {
		return "", err
	}
	if err := s.awaitStage(ctx, "prod", "done"); err != nil {
		return "", err
	}
	return "the ledger of orders-eu says skipped", s.expectStates(ctx, ordersEU, map[string]string{versionCheck: "applied", versionValidate: "skipped"})
}

func (s *story) next(ctx context.Context) (string, error) {
	if err := s.release(ctx, harmless()); err != nil {
		return "", err
	}
	if err := s.awaitStage(ctx, "prod", "done"); err != nil {
		return "", err
	}
	for _, database := range []string{ordersTest, ordersEU, ordersUS} {
		if err := s.expectStates(ctx, database, map[string]string{versionRefunds: "applied"}); err != nil {
			return "", err
		}
	}
	return "on all three databases", s.awaitFinalView(ctx)
}

// release takes a change from its pull request to the open gate of prod.
func (s *story) release(ctx context.Context, c change) error {
	if err := s.open(c); err != nil {
		return err
	}
	if err := s.awaitCheck(ctx, "success"); err != nil {
		return err
	}
	if err := s.mergeNow(); err != nil {
		return err
	}
	if err := s.awaitStage(ctx, "test", "done"); err != nil {
		return err
	}
	_, err := s.accepted(ctx, approve)
	return err
}

func (s *story) open(c change) (err error) {
	if _, err := s.forge.Push(repository, c.branch, c.commit()); err != nil {
		return err
	}
	s.pr, err = s.forge.OpenPR(miniforge.NewPR{Repo: repository, Head: c.branch, Title: c.title, Body: c.body, Author: author})
	return err
}

func (s *story) mergeNow() (err error) {
	s.merged, err = s.forge.Merge(repository, s.pr, miniforge.MergeOptions{By: merger})
	return err
}

// expectShop checks what the first release must have done, and done once.
func (s *story) expectShop(ctx context.Context, database string) error {
	got, err := s.ask(ctx, database, `SELECT concat_ws(' ',
		to_regclass('shipments'),
		(SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'status'),
		(SELECT indexrelid::regclass FROM pg_index WHERE indexrelid = to_regclass('orders_customer_id') AND indisvalid),
		(SELECT revision FROM settings WHERE id = 1))`)
	if err != nil {
		return err
	}
	if want := "shipments status orders_customer_id 1"; got != want {
		return fmt.Errorf("%s holds %q, want %q", database, got, want)
	}
	return nil
}

// expectStates checks a ledger; "" means that the version isn't in it.
func (s *story) expectStates(ctx context.Context, database string, want map[string]string) error {
	for version, state := range want {
		got, err := s.state(ctx, database, version)
		if err != nil {
			return err
		}
		if got != state {
			return fmt.Errorf("the ledger of %s says %q of %s, want %q", database, got, version, state)
		}
	}
	return nil
}

func (s *story) state(ctx context.Context, database, version string) (string, error) {
	return s.ask(ctx, database, "SELECT (SELECT state FROM shipsql.migrations WHERE history = 'default' AND version = $1)", version)
}

func (s *story) awaitApplied(ctx context.Context, database string, versions ...string) error {
	what := fmt.Sprintf("%s on %s", strings.Join(versions, ", "), database)
	return poll(ctx, what, func(ctx context.Context) (bool, string) {
		for _, version := range versions {
			state, err := s.state(ctx, database, version)
			if err != nil {
				return false, err.Error()
			}
			if state != "applied" {
				return false, fmt.Sprintf("%s is %q", version, state)
			}
		}
		return true, ""
	})
}
