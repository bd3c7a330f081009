package message

import (
	"fmt"

	"github.com/shipsql/shipsql/internal/plural"
)

// How long the parts of a long message are kept: lower ones are cut first.
const (
	keepFiles = iota
	keepWaived
	keepRemarks
	keepDatabases
	keepEarlier
	keepBlocking
	keepProblems
	keepFailures
	keepStages
)

// Marker is the hidden line by which the sticky comment of a pull request is
// found. It holds no state.
func Marker(pullRequest int) string {
	return fmt.Sprintf("<!-- shipsql:v1 kind=main pr=%d -->", pullRequest)
}

// RenderSticky writes the sticky comment within the forge's limit.
func RenderSticky(f Forge, s Sticky) string {
	parts := []part{whole(Marker(s.PullRequest) + "\n" + render("headline", s))}
	for _, p := range s.Projects {
		parts = append(parts, projectParts(p, s.Link)...)
	}
	if len(s.Commands) > 0 {
		parts = append(parts, whole(render("commands", s)))
	}
	return fit(f.Limit, append(parts, whole(render("footer", s))))
}

func projectParts(p Project, link string) []part {
	parts := []part{whole(render("project", p)), problemsPart(p, link), stagesPart(p.Stages, link)}
	for _, s := range p.Stages {
		parts = append(parts, databasesPart(s, link))
	}
	parts = append(parts,
		list(p.Running, "running", part{keep: keepStages, more: rest("running statement", link)}),
		list(p.Failures, "failure", part{keep: keepFailures, more: rest("failed database", link)}),
		list(p.Blocking, "finding", part{head: "#### Blocking\n\n", keep: keepBlocking, more: rest("blocking finding", link)}),
		list(p.Unmapped, "unmapped", part{
			head: "**People of this change who are matched to no user**, so nobody can tell whether they approve\n\n",
			keep: keepEarlier, more: rest("person", link),
		}),
		list(p.Earlier, "earlier", part{head: "**Earlier releases still on their way**\n\n", keep: keepEarlier, more: rest("release", link)}),
		list(p.Remarks, "finding", details(plural.Count(len(p.Remarks), "remark"), keepRemarks, rest("remark", link))),
		list(p.Waived, "finding", details(plural.Count(len(p.Waived), "waived finding"), keepWaived, rest("waived finding", link))),
		list(p.Files, "file", part{head: "**SQL**\n\n", keep: keepFiles, more: rest("file", link)}),
	)
	if p.Basis != "" {
		parts = append(parts, whole("Basis: "+Text(p.Basis)))
	}
	return parts
}

func problemsPart(p Project, link string) part {
	return list(p.Problems, "problem", part{keep: keepProblems, more: rest("problem", link)})
}

func stagesPart(stages []Stage, link string) part {
	return list(stages, "stage", part{head: render("stages.head", nil), keep: keepStages, more: func(n int) string {
		return "\n" + rest("environment", link)(n)
	}})
}

func databasesPart(s Stage, link string) part {
	p := list(s.Databases, "database", part{
		head: render("databases.head", s), tail: "\n</details>\n", keep: keepDatabases,
		more: func(n int) string { return "\n" + rest("database", link)(n) },
	})
	p.left = s.Hidden
	return p
}

// list renders one item per element into p.
func list[T any](elements []T, template string, p part) part {
	for _, e := range elements {
		p.items = append(p.items, render(template, e))
	}
	return p
}

func details(summary string, keep int, more func(int) string) part {
	return part{head: "<details><summary>" + summary + "</summary>\n\n", tail: "\n</details>\n", keep: keep, more: more}
}

// rest is the line in place of what was left out.
func rest(noun, link string) func(int) string {
	return func(n int) string {
		text := plural.Count(n, "more "+noun)
		if link != "" {
			text += " → [web page](" + link + ")"
		}
		return text + "\n"
	}
}

// RenderAwaiting asks the approvers, mentioning them.
func RenderAwaiting(f Forge, n Notice) string {
	return fit(f.Limit, []part{whole(render("awaiting", n))})
}

// RenderFailed says that a stage failed.
func RenderFailed(f Forge, n Notice) string {
	failures := list(n.Failures, "failure", part{keep: keepFailures, more: rest("failed database", n.Link)})
	n.Failures = nil
	return fit(f.Limit, []part{whole(render("failed", n)), failures})
}

// RenderFinished says that a release has passed its last environment.
func RenderFinished(f Forge, n Notice) string {
	return fit(f.Limit, []part{whole(render("finished", n))})
}

// RenderRefused answers a command that was not carried out.
func RenderRefused(f Forge, r Reply) string {
	return fit(f.Limit, []part{whole(render("refused", r))})
}

// RenderAccepted answers a command that was carried out.
func RenderAccepted(f Forge, r Reply) string {
	return fit(f.Limit, []part{whole(render("accepted", r))})
}

// RenderUnknown answers a line that was meant for us and not understood.
func RenderUnknown(f Forge, r Reply) string {
	return fit(f.Limit, []part{whole(render("unknown", r))})
}

// RenderHelp lists the commands.
func RenderHelp(f Forge, h Help) string { return fit(f.Limit, []part{whole(render("help", h))}) }

// RenderStatus answers the status command.
func RenderStatus(f Forge, s Status) string {
	var parts []part
	for _, p := range s.Projects {
		parts = append(parts, projectParts(p, "")...)
	}
	return fit(f.Limit, parts)
}

// RenderCheck writes the check's summary: what blocks first.
func RenderCheck(f Forge, c Check) string {
	parts := []part{whole(Text(c.Detail))}
	for _, p := range c.Projects {
		parts = append(parts, whole(render("check.project", p)), problemsPart(p, c.Link),
			list(p.Blocking, "finding", part{keep: keepBlocking, more: rest("blocking finding", c.Link)}),
			list(p.Remarks, "finding", part{keep: keepRemarks, more: rest("remark", c.Link)}),
			list(p.Waived, "finding", part{keep: keepWaived, more: rest("waived finding", c.Link)}))
	}
	return fit(f.Limit, parts)
}

// RenderAnnotation is a finding's text beside a line, where no Markdown is shown.
func RenderAnnotation(f Finding) string { return render("annotation", f) }

// RenderSuggestion is a finding as an inline comment whose fix can be committed;
// false when it has none, or one too long to be shown whole.
func RenderSuggestion(f Finding) (string, bool) {
	return render("suggestion", f), f.Suggestion != "" && len(f.Suggestion) <= excerptLimit
}
