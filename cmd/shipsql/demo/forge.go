package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/providers/miniforge"
)

const checkName = "sql-review"

// awaitCheck waits for the check's conclusion on the pull request's newest head.
func (s *story) awaitCheck(ctx context.Context, conclusion string) error {
	return s.awaitPR(ctx, "the check to end as "+conclusion, func(pr miniforge.PullRequest) (bool, string) {
		check, ok := pr.Check(checkName)
		switch {
		case !ok:
			return false, "no check on " + pr.Head.SHA[:7]
		case check.Status != "completed":
			return false, "the check is " + check.Status
		default:
			return check.Conclusion == conclusion, fmt.Sprintf("%s: %s", check.Conclusion, check.Title)
		}
	})
}

// awaitSticky waits for the sticky comment to hold all texts. Two such comments
// are an error at once.
func (s *story) awaitSticky(ctx context.Context, what string, texts ...string) error {
	return s.awaitPR(ctx, what+" in the comment", func(pr miniforge.PullRequest) (bool, string) {
		body, err := s.sticky(pr)
		if err != nil {
			return false, err.Error()
		}
		for _, text := range texts {
			if !strings.Contains(body, text) {
				return false, fmt.Sprintf("no %q in %q", text, head(body))
			}
		}
		return true, ""
	})
}

// awaitStage waits for an environment's row of the status table to say the word.
func (s *story) awaitStage(ctx context.Context, environment, word string) error {
	return s.awaitPR(ctx, environment+" to be "+word, func(pr miniforge.PullRequest) (bool, string) {
		body, err := s.sticky(pr)
		if err != nil {
			return false, err.Error()
		}
		for line := range strings.Lines(body) {
			cells := strings.Split(line, "|")
			if len(cells) > 3 && strings.TrimSpace(cells[1]) == "`"+environment+"`" {
				return strings.Contains(cells[3], word), strings.TrimSpace(line)
			}
		}
		return false, head(body)
	})
}

func (s *story) awaitPR(ctx context.Context, what string, holds func(miniforge.PullRequest) (bool, string)) error {
	return await(ctx, s.forge, what, func(state *miniforge.State) (bool, string) {
		pr, ok := state.PR(repository, s.pr)
		if !ok {
			return false, fmt.Sprintf("no pull request %d", s.pr)
		}
		return holds(pr)
	})
}

// sticky is the text of the one comment with the pull request's marker.
func (s *story) sticky(pr miniforge.PullRequest) (string, error) {
	marker := fmt.Sprintf("<!-- shipsql:v1 kind=main pr=%d -->", pr.Number)
	var bodies []string
	for _, c := range pr.Comments {
		if c.ByApp && strings.Contains(c.Body, marker) {
			bodies = append(bodies, c.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return "", errors.New("no comment of ShipSQL's")
	case 1:
		return bodies[0], nil
	default:
		return "", fmt.Errorf("%d sticky comments, want one", len(bodies))
	}
}

// awaitFinalView waits for what a finished release leaves on the forge: a green
// check, one comment, and a successful deployment for each environment.
func (s *story) awaitFinalView(ctx context.Context) error {
	return await(ctx, s.forge, "the final view", func(state *miniforge.State) (bool, string) {
		pr, _ := state.PR(repository, s.pr)
		if _, err := s.sticky(pr); err != nil {
			return false, err.Error()
		}
		if check, _ := pr.Check(checkName); check.Conclusion != "success" {
			return false, fmt.Sprintf("the check is %s %s", check.Status, check.Conclusion)
		}
		deployed := map[string]string{}
		for _, d := range state.Deployments(repository) {
			if d.SHA == s.merged {
				deployed[d.Environment] = d.State()
			}
		}
		return deployed["test"] == "success" && deployed["prod"] == "success", fmt.Sprintf("deployments %v", deployed)
	})
}

// answer is what the bot says to a command.
type answer struct {
	refused bool
	text    string // its first line
}

// say comments on the pull request and waits for the bot's answer: its
// reaction, and its reply where it gives one.
func (s *story) say(ctx context.Context, login, command string) (answer, error) {
	id, err := s.forge.CommentAs(repository, s.pr, login, command)
	if err != nil {
		return answer{}, err
	}
	var got answer
	err = s.awaitPR(ctx, fmt.Sprintf("an answer to %s's %q", login, command), func(pr miniforge.PullRequest) (ok bool, seen string) {
		got, ok, seen = answerTo(pr, id)
		return ok, seen
	})
	return got, err
}

// answerTo finds the bot's reaction to a comment, and its reply to a refused one.
func answerTo(pr miniforge.PullRequest, id int64) (got answer, ok bool, seen string) {
	marker := fmt.Sprintf("<!-- shipsql:v1 kind=reply comment=%d -->", id)
	replied, reacted := "", ""
	for _, c := range pr.Comments {
		if c.ID == id && len(c.Reactions) > 0 {
			reacted = c.Reactions[len(c.Reactions)-1].Content
		}
		if c.ByApp && strings.Contains(c.Body, marker) {
			replied = c.Body
		}
	}
	switch reacted {
	case "rocket", "+1", "hooray":
		return answer{text: firstLine(replied, "🚀")}, true, ""
	case "confused", "-1":
		return answer{refused: true, text: firstLine(replied, "")}, replied != "", "no reply yet"
	default:
		return answer{}, false, "the reaction " + strconv.Quote(reacted)
	}
}

// firstLine is what a reply says, in one line and without its marker; fallback
// stands for no reply.
func firstLine(text, fallback string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "<!--") {
			return line
		}
	}
	return fallback
}

func head(text string) string {
	const enough = 200
	if runes := []rune(text); len(runes) > enough {
		return string(runes[:enough]) + "…"
	}
	return text
}
