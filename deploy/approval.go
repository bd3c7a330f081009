package deploy

import "time"

// Why an approval does not count.
const (
	NotStandingExpired  = "expired"
	NotStandingContent  = "content_changed" // another text than the one approved
	NotStandingRejected = "rejected"        // given before a reject
	NotStandingPerson   = "not_eligible"    // the person may not (any more)
	NotStandingUnknown  = "unknown"         // the forge could not be asked
	NotStandingNotAsked = "unchecked"       // given a moment ago
)

// standing judges one approval: it counts only when it names the release's
// present text, is recent, came after the last reject, and the person may give
// it now. Everything unknown is a no.
func standing(a Approval, rel Release, rejected *Rejection, f Facts) Standing {
	say, asked := f.Eligible[Ask{rel.ID, a.Environment, a.Actor.Person()}]
	switch {
	case a.Release != rel.ID || a.Hash != rel.Hash:
		return Standing{Why: NotStandingContent}
	case !f.Now.Before(a.ExpiresAt):
		return Standing{Why: NotStandingExpired}
	case rejected != nil && !a.At.After(rejected.At):
		return Standing{Why: NotStandingRejected}
	case a.Actor.Bot:
		return Standing{Why: NotStandingPerson, Detail: "bots never count"}
	case a.Actor.Kind == Operator:
		return Standing{Counts: true}
	case !asked:
		return Standing{Why: NotStandingNotAsked}
	case say.Unknown:
		return Standing{Why: NotStandingUnknown, Detail: say.Reason}
	case !say.OK:
		return Standing{Why: NotStandingPerson, Detail: say.Reason}
	}
	return Standing{Counts: true}
}

// judged returns the stage's approvals with their standing.
func (l LineFacts) judged(environment string, f Facts) []Approval {
	stage := l.Stages[environment]
	judged := make([]Approval, len(stage.Approvals))
	for i, a := range stage.Approvals {
		a.Standing = standing(a, l.Release, stage.Rejection, f)
		judged[i] = a
	}
	return judged
}

// counted is the number of distinct people whose approvals count.
func counted(approvals []Approval) int {
	people := map[string]bool{}
	for _, a := range approvals {
		if a.Standing.Counts {
			people[a.Actor.Person()] = true
		}
	}
	return len(people)
}

// overruled says whether someone other than the change's own people answers
// for the blocking findings, in any environment of the release. Not even
// self-approval lets the author do that.
func (l LineFacts) overruled(f Facts) bool {
	for _, env := range f.Road {
		for _, a := range l.judged(env.Name, f) {
			own := a.Actor.Kind != Operator && l.Release.Excludes(a.Actor.Login)
			if a.Despite != "" && a.Standing.Counts && !own {
				return true
			}
		}
	}
	return false
}

// undecided are the approvals whose worth the forge could not tell, or that
// nobody has asked about yet.
func undecided(approvals []Approval) (unknown []Approval) {
	for _, a := range approvals {
		if a.Standing.Why == NotStandingUnknown || a.Standing.Why == NotStandingNotAsked {
			unknown = append(unknown, a)
		}
	}
	return unknown
}

// expiry is when an approval given now stops counting.
func expiry(now time.Time) time.Time { return now.Add(ApprovalLifetime) }

// given says whether the command's person has an approval that the command
// would only repeat.
func given(stage StageFacts, c Command, rel Release, now time.Time) bool {
	for _, a := range stage.Approvals {
		stale := stage.Rejection != nil && !a.At.After(stage.Rejection.At)
		adds := c.DespiteFindings && !rel.Review.Clean && a.Despite == ""
		if a.Actor.Person() == c.Actor.Person() && a.Hash == rel.Hash && now.Before(a.ExpiresAt) && !stale && !adds {
			return true
		}
	}
	return false
}
