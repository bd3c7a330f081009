package providers

import "time"

// CheckStatus is how far a check is.
type CheckStatus string

// The states of a check.
const (
	Queued     CheckStatus = "queued"
	InProgress CheckStatus = "in_progress"
	Completed  CheckStatus = "completed"
)

// Conclusion is a completed check's result.
type Conclusion string

// The conclusions. Success, Neutral and SkippedCheck let a required check pass.
const (
	Success        Conclusion = "success"
	Failure        Conclusion = "failure"
	Neutral        Conclusion = "neutral"
	SkippedCheck   Conclusion = "skipped"
	Cancelled      Conclusion = "cancelled"
	TimedOut       Conclusion = "timed_out"
	ActionRequired Conclusion = "action_required"
)

// Check is our verdict on a commit. Title, Summary and Text are Markdown and
// are cut to the forge's limits.
type Check struct {
	ID         int64 // 0: make one
	MayExist   bool  // an earlier call may have got through: look before writing
	Name       string
	HeadSHA    string
	ExternalID string // ours, given back in events; tells our runs of one name and head apart
	DetailsURL string
	Status     CheckStatus
	Conclusion Conclusion // with Completed only
	Started    time.Time  // zero: left out
	Completed  time.Time  // zero: left out
	Title      string
	Summary    string
	Text       string
	// Annotations are this check's whole list, always in the same order. With
	// MayExist those the forge holds already (by count) aren't sent again;
	// without, they are appended to those of earlier calls.
	Annotations []Annotation
	Actions     []Action // at most 3
}

// Level is an annotation's weight.
type Level string

// The levels.
const (
	LevelNotice  Level = "notice"
	LevelWarning Level = "warning"
	LevelFailure Level = "failure"
)

// Annotation is a remark on lines of a file, 1-based.
type Annotation struct {
	Path        string
	StartLine   int
	EndLine     int
	StartColumn int // 0: none; only where StartLine is EndLine
	EndColumn   int
	Level       Level
	Title       string
	Message     string
}

// Action is a button on a completed check.
type Action struct {
	Identifier  string // given back in Event.Action; at most 20 characters
	Label       string // cut to 20 characters
	Description string // cut to 40 characters
}

// DeploymentState is how far a deployment is.
type DeploymentState string

// The states of a deployment.
const (
	DeploymentQueued     DeploymentState = "queued"
	DeploymentInProgress DeploymentState = "in_progress"
	DeploymentSuccess    DeploymentState = "success"
	DeploymentFailure    DeploymentState = "failure"
	DeploymentInactive   DeploymentState = "inactive"
)

// Deployment shows a stage on the forge's environments page.
type Deployment struct {
	ID             int64 // 0: make one
	MayExist       bool  // an earlier call may have got through: look before making it, and before setting its state
	SHA            string
	Environment    string
	Production     bool
	State          DeploymentState
	Description    string // cut to 140 characters
	LogURL         string
	EnvironmentURL string
}
