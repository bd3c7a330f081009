package view

import (
	"fmt"

	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/reviewer"
)

// CheckName is the check's name, which branch protection requires.
const CheckName = "sql-review"

// ActionReview is the identifier of the button that reviews again.
const ActionReview = "review"

// Check is the verdict on the head commit. It is always complete: a check left
// open becomes stale after 14 days.
func Check(s State) providers.Check {
	h := s.beforeMerge()
	if s.Empty() {
		h = line{text: "no database changes"}
	}
	data := message.Check{Detail: h.detail}
	shown := s.shown()
	for _, p := range shown {
		data.Projects = append(data.Projects, s.reviewed(p, len(shown) > 1))
	}
	check := providers.Check{
		Name: CheckName, HeadSHA: s.Head, Status: providers.Completed, Conclusion: providers.Success,
		Title: h.text, Summary: message.RenderCheck(s.Forge, data), Annotations: s.annotations(),
		Actions: []providers.Action{{Identifier: ActionReview, Label: "Re-run review", Description: "Review the SQL of this commit again"}},
	}
	if s.sum(Review.Blocking) > 0 {
		check.Conclusion = providers.Failure
	}
	if data.Detail == "" {
		check.Summary = h.text + ".\n\n" + check.Summary
	}
	return check
}

// reviewed is the project as the review before the merge saw it.
func (s State) reviewed(p Project, named bool) message.Project {
	p.Rollout, p.Merged = nil, nil
	return s.project(p, named)
}

// annotations are remarks beside the lines, the gravest first in each file.
func (s State) annotations() []providers.Annotation {
	var found []providers.Annotation
	for _, p := range s.Projects {
		if p.Review == nil {
			continue
		}
		for _, problem := range p.Review.Problems {
			found = append(found, providers.Annotation{
				Path: problem.Path, StartLine: 1, EndLine: 1, Level: providers.LevelFailure, Title: "blocked", Message: problem.Text,
			})
		}
		for _, file := range p.Review.Report.Files {
			for _, f := range file.Findings {
				found = append(found, annotation(file.Path, f))
			}
		}
	}
	return found
}

func annotation(path string, f reviewer.Finding) providers.Annotation {
	a := providers.Annotation{
		Path: path, StartLine: max(f.Line, 1), EndLine: max(f.EndLine, f.Line, 1),
		Level: levels[f.Severity], Title: f.Rule, Message: message.RenderAnnotation(finding(path, f)),
	}
	if f.Waived != "" {
		a.Level, a.Title = providers.LevelNotice, fmt.Sprintf("%s (waived)", f.Rule)
	}
	return a
}

var levels = map[reviewer.Severity]providers.Level{
	reviewer.Error: providers.LevelFailure, reviewer.Warning: providers.LevelWarning, reviewer.Notice: providers.LevelNotice,
}

// maxSuggestions bounds the inline comments of one review; the rest stands in
// the sticky comment and the annotations.
const maxSuggestions = 10

// Suggestion is a fix that can be committed from the pull request.
type Suggestion struct {
	Fingerprint string
	Comment     providers.InlineComment
}

// Suggestions are the fixes that fit on lines the diff shows and were not posted
// before: a forge refuses the whole review for one line outside.
func Suggestions(s State, posted map[string]bool) []Suggestion {
	var found []Suggestion
	for _, p := range s.Projects {
		if p.Review == nil {
			continue
		}
		for _, file := range p.Review.Report.Files {
			for _, f := range file.Findings {
				if len(found) == maxSuggestions {
					return found
				}
				if c, ok := suggestion(file.Path, f, p.Review.Lines[file.Path]); ok && !posted[f.Fingerprint] {
					found = append(found, Suggestion{Fingerprint: f.Fingerprint, Comment: c})
				}
			}
		}
	}
	return found
}

func suggestion(path string, f reviewer.Finding, shown []providers.LineRange) (providers.InlineComment, bool) {
	if f.Waived != "" {
		return providers.InlineComment{}, false
	}
	body, ok := message.RenderSuggestion(finding(path, f))
	c := providers.InlineComment{Path: path, StartLine: f.Line, Line: max(f.EndLine, f.Line), Body: body}
	for _, r := range shown {
		if ok && r.Holds(c.StartLine, c.Line) {
			return c, true
		}
	}
	return c, false
}
