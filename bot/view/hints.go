package view

import (
	"github.com/shipsql/shipsql/bot/command"
	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/deploy"
)

// purposes say what the commands do.
var purposes = map[command.Name]string{
	command.Approve:    "open an environment's gate for this release",
	command.Reject:     "keep an environment closed; approvals before it stop counting",
	command.Retry:      "run failed or cancelled databases again",
	command.Skip:       "decide that a version will not run in an environment",
	command.AcceptEdit: "let a changed migration count where the old text was not applied",
	command.Resolve:    "say how an unknown outcome ended",
	command.Cancel:     "start nothing more in an environment; said again: cancel what runs there",
	command.Waive:      "let a finding pass, with a reason",
	command.Review:     "review again",
	command.Status:     "say where everything stands",
	command.Help:       "list all commands",
}

// Help lists all commands.
func Help(f message.Forge, environments []string) string {
	data := message.Help{Environments: environments}
	for _, n := range command.Names() {
		data.Commands = append(data.Commands, message.Hint{Command: f.Command(command.Usage(n)), Does: purposes[n]})
	}
	return message.RenderHelp(f, data)
}

// maxHints bounds the commands offered in the sticky comment.
const maxHints = 12

// hints are the commands that make sense now, each once.
func (s State) hints() []message.Hint {
	var hints []message.Hint
	seen := map[string]bool{}
	add := func(text string, n command.Name) {
		if !seen[text] && len(hints) < maxHints {
			seen[text] = true
			hints = append(hints, message.Hint{Command: text, Does: purposes[n]})
		}
	}
	for _, p := range s.shown() {
		s.addHints(p, add)
	}
	add(s.Forge.Command(string(command.Status)), command.Status)
	add("/shipsql help", command.Help)
	return hints
}

func (s State) addHints(p Project, add func(string, command.Name)) {
	if p.Rollout != nil {
		for _, stage := range p.Rollout.Stages {
			s.addStageHints(stage, add)
		}
		return
	}
	blocking, _, _ := split(p.Review.Report)
	for _, f := range blocking {
		add(s.Forge.Command("waive "+f.Rule+` "REASON"`), command.Waive)
	}
	for _, problem := range p.Review.Problems {
		for _, c := range problem.Answers {
			add(s.Forge.Command(c), command.AcceptEdit)
		}
	}
	add(s.Forge.Command(string(command.Review)), command.Review)
}

func (s State) addStageHints(stage deploy.Stage, add func(string, command.Name)) {
	for _, r := range stage.Reasons {
		for _, n := range r.Next {
			if text, ok := s.Command(n); ok {
				add(text, command.Name(n.Verb))
			}
		}
	}
	if stage.State.Active() {
		add(s.Forge.Command("cancel "+stage.Environment), command.Cancel)
	}
}
