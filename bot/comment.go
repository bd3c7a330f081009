package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shipsql/shipsql/bot/command"
	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/store"
)

// Outcomes of a command.
const (
	outcomeAccepted = "accepted"
	outcomeRefused  = "refused"
	outcomeUnknown  = "unknown"
	outcomeStranger = "stranger"
	outcomeEdited   = "edited"
)

// said is a comment that holds lines for us, with what deciding about them takes.
type said struct {
	repository string
	provider   providers.Provider
	repo       providers.Repo
	comment    providers.Comment
	pull       providers.PullRequest
	lines      []command.Line
	job        queue.Job // that carries them out
}

// answer is what became of one line.
type answer struct {
	outcome string
	reply   string // Markdown, "" for none
	said    string // restated in the sticky comment, "" for nothing
}

// commented carries out the commands of a comment. The comment is read again
// from the forge: the webhook only says that there is one.
func (b *Bot) commented(ctx context.Context, repository string, r received) (effect, error) {
	s, note, err := b.read(ctx, repository, r)
	if err != nil || s == nil {
		return noted("%s", note), err
	}
	if err := s.react(ctx, providers.Seen); err != nil {
		return effect{}, err
	}
	if s.pull, err = s.provider.PullRequest(ctx, s.repo, s.comment.PullRequest); err != nil {
		return effect{}, err
	}
	if err := b.caughtUp(ctx, *s, r.At); err != nil {
		return effect{}, err
	}
	answers, err := b.answers(ctx, *s)
	if err != nil {
		return effect{}, err
	}
	if err := b.reply(ctx, *s, answers); err != nil {
		return effect{}, err
	}
	e := noted("%d commands", len(s.lines))
	e.jobs = append(e.jobs, viewJob(repository, s.pull.Number))
	return e, nil
}

// read finds what of the comment is for us; nil with a note when nothing is.
func (b *Bot) read(ctx context.Context, repository string, r received) (*said, string, error) {
	p, repo, err := b.forge(ctx, repository)
	if err != nil {
		return nil, "", err
	}
	comment, err := p.Comment(ctx, repo, r.Event.Comment)
	switch {
	case refusedAgain(err, r.job.Attempts): // the first time it may only not be there yet
		return nil, "the comment is gone", nil
	case err != nil:
		return nil, "", err
	case comment.Own || comment.Author.Bot || isBot(comment.Author.Login):
		return nil, "a bot's comment", nil
	}
	lines := b.grammar(p, repository).Parse(comment.Body)
	if len(lines) == 0 {
		return nil, "no command", nil
	}
	return &said{repository: repository, provider: p, repo: repo, comment: comment, lines: lines, job: r.job}, "", nil
}

// grammar is what can be said about a repository on its forge.
func (b *Bot) grammar(p providers.Provider, repository string) command.Grammar {
	g := command.Grammar{Bare: p.Capabilities().BareCommands, Mentions: append([]string{"shipsql", "shipsql[bot]"}, b.Mentions...)}
	seen := map[string]bool{}
	for _, project := range b.projects(repository) {
		for _, env := range b.Deploy.Config().Road(project) {
			if !seen[env.Name] {
				seen[env.Name] = true
				g.Environments = append(g.Environments, env.Name)
			}
		}
	}
	return g
}

// releasePatience is how long a command on a merged pull request waits for the
// release to be recorded: people type faster than webhooks travel.
const releasePatience = time.Minute

// caughtUp makes sure that a merge whose pull request holds a command is
// recorded before the command is judged. Its own webhook may come later, or be
// lost. The error asks to come back when the forge does not show the merge yet.
func (b *Bot) caughtUp(ctx context.Context, s said, at time.Time) error {
	if !s.pull.Merged {
		return nil
	}
	rollouts, err := b.Deploy.RolloutsOfPR(ctx, s.repository, s.pull.Number)
	if err != nil || len(rollouts) > 0 {
		return err
	}
	for _, project := range b.projectsOn(s.repository, s.pull.Base.Name) {
		if err := b.syncBranch(ctx, project); err != nil {
			return err
		}
	}
	rollouts, err = b.Deploy.RolloutsOfPR(ctx, s.repository, s.pull.Number)
	if err != nil || len(rollouts) > 0 || b.Store.Now().Sub(at) > releasePatience {
		return err
	}
	assessments, err := loadAssessments(ctx, b.Store, s.repository, s.pull.Number)
	if err == nil && touched(assessments) {
		err = queue.Retry(time.Second, nil)
	}
	return err
}

func touched(assessments []assessment) bool {
	for _, a := range assessments {
		if a.Review.Touched {
			return true
		}
	}
	return false
}

// answers carries out the lines that were not before, in their order.
func (b *Bot) answers(ctx context.Context, s said) ([]answer, error) {
	state, err := b.state(ctx, b.pullNow(ctx, s))
	if err != nil {
		return nil, err
	}
	stranger, err := b.isStranger(ctx, s)
	if err != nil {
		return nil, err
	}
	var answers []answer
	for i, line := range s.lines {
		a, known, err := loadAnswer(ctx, b.Store, s, i)
		if err == nil && !known {
			a, err = b.answerOnce(ctx, order{said: s, state: state, line: line, n: i}, stranger)
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
	}
	return answers, nil
}

// answerOnce carries out one line and records what became of it. Where another
// process was quicker, its record is the answer.
func (b *Bot) answerOnce(ctx context.Context, o order, stranger bool) (answer, error) {
	if err := b.Queue.StillMine(ctx, o.job); err != nil {
		return answer{}, err
	}
	a, err := b.answer(ctx, o, stranger)
	if err != nil {
		return a, err
	}
	if err := b.saveAnswer(ctx, o.said, o.n, a); err != nil {
		return a, err
	}
	a, _, err = loadAnswer(ctx, b.Store, o.said, o.n)
	return a, err
}

// pullNow is the pull request as just read, with what we know of it.
func (b *Bot) pullNow(ctx context.Context, s said) pull {
	now := pullFrom(s.repository, s.pull)
	if known, ok, err := loadPull(ctx, b.Store, s.repository, s.pull.Number); err == nil && ok {
		now.Said, now.BaseCommit, now.Touches = known.Said, known.BaseCommit, known.Touches
	}
	return now
}

func (b *Bot) isStranger(ctx context.Context, s said) (bool, error) {
	may, err := b.rights.mayWrite(ctx, b, s.repository, s.comment.Author.Login)
	return !may, err
}

// answer carries out one line.
func (b *Bot) answer(ctx context.Context, o order, stranger bool) (answer, error) {
	login := o.comment.Author.Login
	switch {
	case stranger:
		return b.answerStranger(ctx, o)
	case o.comment.Updated.After(o.comment.Created):
		return answer{outcome: outcomeEdited, reply: view.Refused(o.state, o.line.Text, deploy.Reason{
			Text: "the comment was edited, and only a comment as it was written counts", Who: login + ", in a new comment",
		}, "")}, nil
	case o.line.Problem != nil:
		return answer{outcome: outcomeUnknown, reply: view.Unknown(o.state.Forge, *o.line.Problem)}, nil
	}
	o.cmd = *o.line.Command
	return b.carryOut(ctx, o)
}

// answerStranger answers a person who may not write to the repository once on a
// pull request, however often they try.
func (b *Bot) answerStranger(ctx context.Context, o order) (answer, error) {
	a := answer{outcome: outcomeStranger}
	var before int
	err := b.Store.QueryRow(ctx, sqlAnswered,
		o.repository, o.pull.Number, o.comment.Author.Login).Scan(&before)
	if err != nil {
		return a, fmt.Errorf("count the answers to a stranger: %w", err)
	}
	if before == 0 {
		a.reply = view.Refused(o.state, o.line.Text, deploy.Reason{
			Text: o.comment.Author.Login + " may not write to this repository", Who: "people who may write to it",
		}, "")
	}
	return a, nil
}

// reply posts the answers' texts as one comment and marks the command's comment.
func (b *Bot) reply(ctx context.Context, s said, answers []answer) error {
	reaction := providers.Accepted
	var texts []string
	for _, a := range answers {
		if a.outcome != outcomeAccepted {
			reaction = providers.Confused
		}
		if a.reply != "" {
			texts = append(texts, strings.TrimSpace(a.reply))
		}
	}
	if len(texts) > 0 {
		err := b.postReply(ctx, s, strings.Join(texts, "\n\n---\n\n")+"\n")
		if err != nil && !refusedAgain(err, s.job.Attempts) {
			return err
		}
	}
	return s.react(ctx, reaction)
}

// react marks the comment, where the forge has marks and takes this one.
func (s said) react(ctx context.Context, r providers.Reaction) error {
	if !s.provider.Capabilities().Reactions {
		return nil
	}
	err := s.provider.React(ctx, s.repo, s.comment.ID, r)
	if refusedAgain(err, s.job.Attempts) {
		return nil
	}
	return err
}

// postReply posts the reply once: its marker finds one from an earlier attempt.
func (b *Bot) postReply(ctx context.Context, s said, body string) error {
	done, err := loadWrites(ctx, b.Store, s.repository, s.pull.Number)
	if err != nil {
		return err
	}
	w := writer{bot: b, job: s.job, provider: s.provider, repo: s.repo, pull: pullFrom(s.repository, s.pull), done: done}
	note := providers.Note{Marker: fmt.Sprintf("<!-- shipsql:v1 kind=reply comment=%d -->", s.comment.ID), Body: body}
	return w.put(ctx, fmt.Sprintf("reply:%d", s.comment.ID), once, func(before written) (int64, error) {
		note.MayExist = before.Trying != ""
		return w.provider.AddComment(ctx, w.repo, s.pull.Number, note)
	})
}

// loadAnswer reads what became of a line in an earlier attempt.
func loadAnswer(ctx context.Context, q store.Queryer, s said, line int) (a answer, known bool, err error) {
	err = q.QueryRow(ctx, sqlAnswer,
		s.repository, s.comment.ID, line).Scan(&a.outcome, &a.reply)
	if isNoRows(err) {
		return a, false, nil
	}
	return a, err == nil, err
}

// saveAnswer records what became of a line, for ever.
func (b *Bot) saveAnswer(ctx context.Context, s said, line int, a answer) error {
	return b.Store.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, sqlSaveAnswer,
			s.repository, s.pull.Number, s.comment.ID, line, s.comment.Author.Login, s.lines[line].Text, a.outcome, a.reply, store.Micros(tx.Now()))
		if err != nil || a.said == "" {
			return err
		}
		return setSaid(ctx, tx, s.repository, s.pull.Number, a.said)
	})
}
