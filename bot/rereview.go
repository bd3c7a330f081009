package bot

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/reviewer"
	"github.com/shipsql/shipsql/store"
)

// reviewRelease judges a release's text at its merge commit, by the policy that
// held before the merge.
func (b *Bot) reviewRelease(ctx context.Context, id string) error {
	release, err := b.Deploy.Release(ctx, id)
	if err != nil {
		return err
	}
	project, ok := b.Deploy.Config().Project(release.Project)
	if !ok {
		return nil // not configured any more: its line stands
	}
	report, err := b.releaseReport(ctx, project, release)
	if err != nil {
		return err
	}
	text, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	err = b.Deploy.RecordReview(ctx, id, deploy.Verdict{
		Hash: release.Hash, Clean: !report.Blocking(), Errors: report.Summary.Errors - report.Summary.Waived,
		Summary: fmt.Sprintf("%d errors, %d warnings", report.Summary.Errors, report.Summary.Warnings), Report: text,
	})
	if code(err) == fault.Conflict {
		return fmt.Errorf("the text changed meanwhile: %w", err) // another attempt reads it anew
	}
	return err
}

func (b *Bot) releaseReport(ctx context.Context, project deploy.Project, release deploy.Release) (reviewer.Report, error) {
	policy, broken, err := b.policyOfMerge(ctx, project, release.MergeCommit)
	if err != nil {
		return reviewer.Report{}, err
	}
	files, err := b.Deploy.Files(ctx, release.ID)
	if err != nil {
		return reviewer.Report{}, err
	}
	report, basis, err := b.review(ctx, reviewing{
		project: project, number: release.PullRequest, release: release.ID, files: files, policy: policy,
	})
	report.Basis = basis
	if broken != nil {
		report.Files = append(report.Files, reviewer.FileReport{Path: policyFile, Findings: []reviewer.Finding{{
			Rule: "policy", Severity: reviewer.Error, Line: 1, EndLine: 1, Message: broken.Error(),
		}}})
		report.Summary.Errors++
	}
	return report, err
}

// policyOfMerge is the policy at the commit before the merge began: no merge
// weakens the policy that judges it. One that can't be understood is broken: it
// blocks, because nobody knows what it would have forbidden.
func (b *Bot) policyOfMerge(ctx context.Context, project deploy.Project, merge string) (policy reviewer.Policy, broken, err error) {
	commit, err := policyCommit(ctx, b.Store, project.ID(), merge)
	if err != nil || commit == "" {
		return policy, nil, err
	}
	tree, err := b.tree(ctx, project.Repository, commit, "")
	if err != nil {
		return policy, nil, err
	}
	policy, err = b.policy(ctx, project.Repository, commit, tree)
	if code(err) == errPolicy.Code {
		return reviewer.Policy{}, err, nil
	}
	return policy, nil, err
}

func savePolicyCommit(ctx context.Context, tx *store.Tx, project, merge, commit string) error {
	_, err := tx.Exec(ctx, sqlSaveMerge, project, merge, commit)
	return err
}

// policyCommit is what savePolicyCommit stored, "" when the merge is not known.
func policyCommit(ctx context.Context, q store.Queryer, project, merge string) (commit string, err error) {
	err = q.QueryRow(ctx, sqlMerge, project, merge).Scan(&commit)
	if isNoRows(err) {
		return "", nil
	}
	return commit, err
}
