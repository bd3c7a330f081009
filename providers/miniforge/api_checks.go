package miniforge

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

var checkRoutes = []route{
	{"POST /repos/{owner}/{repo}/check-runs", asInstallation, (*call).createRun},
	{"GET /repos/{owner}/{repo}/check-runs/{id}", asInstallation, withRun((*call).getRun)},
	{"PATCH /repos/{owner}/{repo}/check-runs/{id}", asInstallation, withRun((*call).updateRun)},
	{"GET /repos/{owner}/{repo}/check-runs/{id}/annotations", asInstallation, withRun((*call).listAnnotations)},
	{"GET /repos/{owner}/{repo}/check-suites/{id}", asInstallation, (*call).getSuite},
	{"GET /repos/{owner}/{repo}/commits/{ref}/check-runs", asInstallation, (*call).listRuns},
	{"GET /repos/{owner}/{repo}/commits/{ref}/check-suites", asInstallation, (*call).listSuites},
}

// withRun finds the check run that the path names.
func withRun(handle func(*call, *run) answer) func(*call) answer {
	return func(c *call) answer {
		found := c.repo.run(c.id("id"))
		if found == nil {
			return notFound()
		}
		return handle(c, found)
	}
}

// runBody is the body of a new or updated check run; nil leaves a field alone.
type runBody struct {
	Name        *string
	HeadSHA     string  `json:"head_sha"`
	DetailsURL  *string `json:"details_url"`
	ExternalID  *string `json:"external_id"`
	Status      string
	Conclusion  string
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
	Output      *runOutput
	Actions     []CheckAction
}

type runOutput struct {
	Title       string
	Summary     string
	Text        string
	Annotations []annotationBody
}

// annotationBody has the fields of Annotation, in its order.
type annotationBody struct {
	Path        string
	Level       string `json:"annotation_level"`
	Title       string
	Message     string
	RawDetails  string `json:"raw_details"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn int    `json:"start_column"`
	EndColumn   int    `json:"end_column"`
}

// GitHub's limits of a check run: https://docs.github.com/en/rest/checks/runs
const (
	maxAnnotations  = 50
	maxCheckText    = 65_535
	maxCheckActions = 3
	maxLabel        = 20
	maxDescription  = 40
)

var conclusions = []string{"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}

// refused says why GitHub would not take the body.
func (b runBody) refused() (field, why string) {
	switch {
	case b.Conclusion != "" && !slices.Contains(conclusions, b.Conclusion):
		return "conclusion", "is not a conclusion"
	case b.Status == "completed" && b.Conclusion == "":
		return "conclusion", "must be given with status completed"
	case len(b.Actions) > maxCheckActions:
		return "actions", "a check run has at most 3 actions"
	}
	for _, a := range b.Actions {
		if tooLong(a.Label, maxLabel) || tooLong(a.Description, maxDescription) || tooLong(a.Identifier, maxLabel) {
			return "actions", "label, description or identifier is too long"
		}
	}
	if b.Output == nil {
		return "", ""
	}
	return b.Output.refused()
}

func (o runOutput) refused() (field, why string) {
	switch {
	case o.Title == "" || o.Summary == "":
		return "output", "title and summary are required"
	case tooLong(o.Summary, maxCheckText) || tooLong(o.Text, maxCheckText):
		return "output", "Only 65535 characters are allowed in summary and text"
	case len(o.Annotations) > maxAnnotations:
		return "annotations", "No more than 50 annotations are allowed in one request"
	}
	for _, a := range o.Annotations {
		if a.Path == "" || a.Message == "" || a.StartLine < 1 || a.EndLine < a.StartLine ||
			!slices.Contains([]string{"notice", "warning", "failure"}, a.Level) {
			return "annotations", "an annotation needs a path, lines, a level and a message"
		}
		if a.StartColumn > 0 && a.StartLine != a.EndLine {
			return "annotations", "columns are only for annotations on one line"
		}
	}
	return "", ""
}

func (c *call) createRun() answer {
	var b runBody
	if !c.decode(&b) {
		return badJSON()
	}
	if b.Name == nil || *b.Name == "" {
		return invalid("CheckRun", "name", "name is required")
	}
	commit, found := c.repo.git.Commit(b.HeadSHA)
	if !found {
		return invalid("CheckRun", "head_sha", "No commit found for SHA: %s", b.HeadSHA)
	}
	if field, why := b.refused(); why != "" {
		return invalid("CheckRun", field, "%s", why)
	}
	branch := ""
	if at := c.repo.branchesAt(commit.Hash); len(at) > 0 {
		branch = at[0]
	}
	of := c.State.suite(c.repo, commit.Hash, branch)
	made := &run{suite: of, CheckRun: CheckRun{
		ID: c.newID(), Repo: c.repo.fullName(), Suite: of.id, SHA: commit.Hash, Status: "queued", StartedAt: c.now(),
	}}
	c.repo.runs = append(c.repo.runs, made)
	b.applyTo(made, c.now())
	c.announce("created", made, false)
	return created(c.view.run(c.repo, made))
}

// announce tells of a new or changed run, and lets the merge queue look at it.
func (c *call) announce(action string, changed *run, wasCompleted bool) {
	if action != "" {
		c.emitRun(action, changed, c.bot(), nil)
	}
	if changed.Status == "completed" && !wasCompleted {
		c.emitRun("completed", changed, c.bot(), nil)
	}
	c.settleQueue(c.repo)
}

// applyTo changes a run. Annotations are added to what is there.
func (b runBody) applyTo(c *run, now time.Time) {
	set(&c.Name, b.Name)
	set(&c.DetailsURL, b.DetailsURL)
	set(&c.ExternalID, b.ExternalID)
	set(&c.StartedAt, b.StartedAt)
	set(&c.CompletedAt, b.CompletedAt)
	c.Status = cmp.Or(b.Status, c.Status)
	if b.Conclusion != "" {
		c.Status, c.Conclusion = "completed", b.Conclusion
		if c.CompletedAt.IsZero() {
			c.CompletedAt = now
		}
	} else if c.Status != "completed" {
		c.Conclusion, c.CompletedAt = "", time.Time{}
	}
	if b.Actions != nil {
		c.Actions = b.Actions
	}
	if o := b.Output; o != nil {
		c.Title, c.Summary, c.Text = o.Title, o.Summary, o.Text
		for _, a := range o.Annotations {
			c.Annotations = append(c.Annotations, Annotation(a))
		}
	}
}

// set stores a field that was given.
func set[T any](field, given *T) {
	if given != nil {
		*field = *given
	}
}

func (c *call) getRun(of *run) answer { return ok(c.view.run(c.repo, of)) }

func (c *call) updateRun(of *run) answer {
	var b runBody
	if !c.decode(&b) {
		return badJSON()
	}
	if field, why := b.refused(); why != "" {
		return invalid("CheckRun", field, "%s", why)
	}
	wasCompleted := of.Status == "completed"
	b.applyTo(of, c.now())
	c.announce("", of, wasCompleted)
	return ok(c.view.run(c.repo, of))
}

func (c *call) listAnnotations(of *run) answer {
	return ok(mapEach(paginate(c, of.Annotations), func(a Annotation) object { return c.view.annotation(c.repo, of.SHA, a) }))
}

// listRuns lists a commit's runs: the newest of each name unless filter=all.
func (c *call) listRuns() answer {
	commit, found := c.repo.resolve(c.r.PathValue("ref"))
	if !found {
		return noCommitFor(c.r.PathValue("ref"))
	}
	name, status, all := c.query("check_name"), c.query("status"), c.query("filter") == "all"
	foreign := c.number("app_id", appID) != appID // the only App here is ours
	runs := slices.DeleteFunc(c.repo.runsOf(commit.Hash), func(o *run) bool {
		return foreign || (name != "" && o.Name != name) || (status != "" && o.Status != status) ||
			(!all && o != c.repo.newestRun(commit.Hash, o.Name))
	})
	slices.Reverse(runs)
	return ok(object{
		"total_count": len(runs),
		"check_runs":  mapEach(paginate(c, runs), func(o *run) object { return c.view.run(c.repo, o) }),
	})
}

func (c *call) listSuites() answer {
	commit, found := c.repo.resolve(c.r.PathValue("ref"))
	if !found {
		return noCommitFor(c.r.PathValue("ref"))
	}
	suites := slices.DeleteFunc(slices.Clone(c.repo.suites), func(o *suite) bool { return o.sha != commit.Hash })
	return ok(object{
		"total_count":  len(suites),
		"check_suites": mapEach(paginate(c, suites), func(o *suite) object { return c.view.suite(c.repo, o) }),
	})
}

func (c *call) getSuite() answer {
	i := slices.IndexFunc(c.repo.suites, func(o *suite) bool { return o.id == c.id("id") })
	if i < 0 {
		return notFound()
	}
	return answer{status: http.StatusOK, body: c.view.suite(c.repo, c.repo.suites[i])}
}
