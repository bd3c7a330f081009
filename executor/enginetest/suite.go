package enginetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// Run tells all the stories on an engine, each on an empty database of its own.
func Run(t *testing.T, e Engine) {
	stories := map[string]func(*testing.T, *Bench){
		"Apply/OnceInOrder":           onceInOrder,
		"Apply/Edited":                edited,
		"Apply/OutOfOrder":            outOfOrder,
		"Apply/MissingAndRenamed":     missingAndRenamed,
		"Apply/Repeatable":            repeatable,
		"Apply/RepeatableInSteps":     repeatableInSteps,
		"Apply/Wrapper":               wrapper,
		"Apply/StillMine":             stillMine,
		"Apply/Histories":             histories,
		"Folders/BroughtUp":           broughtUp,
		"Folders/WantsABaseline":      wantsABaseline,
		"Folders/CommandLine":         commandLine,
		"Folders/BaselineMigration":   baselineMigration,
		"Folders/Large":               largeFile,
		"Failures/InTheMiddle":        failureInTheMiddle,
		"Failures/OnlyStatement":      onlyStatement,
		"Failures/GoesOn":             goesOn,
		"Failures/Line":               lineOfTheFile,
		"Failures/Ambiguous":          ambiguous,
		"Failures/AnsweredWithTheRun": answeredWithTheRun,
		"Ledger/Skipped":              skipped,
		"Ledger/Marks":                marks,
		"Ledger/Status":               status,
		"Ledger/Reader":               reader,
		"Ledger/Edited":               editedLedger,
		"Ledger/Lacking":              lackingLedger,
		"Ledger/Respelled":            respelled,
		"Ledger/Hidden":               hiddenLedger,
		"Undo/NewestFirst":            newestFirst,
		"Undo/Refusals":               undoRefusals,
		"Undo/Failed":                 undoFailed,
		"Undo/GoesOn":                 undoGoesOn,
		"Undo/Ambiguous":              undoAmbiguous,
		"Undo/AmbiguousAtOnce":        undoAmbiguousAtOnce,
		"Undo/Baseline":               undoBaseline,
		"Locks/TriedAgain":            triedAgain,
		"Locks/GivenUp":               givenUp,
		"Locks/Limits":                limits,
		"Locks/Racing":                racing,
		"Locks/HolderIsShown":         holderIsShown,
		"Locks/Overtaken":             overtaken,
		"Locks/Lost":                  lostLock,
		"Interrupted/Finishes":        finishes,
		"Interrupted/GraceIsOver":     graceIsOver,
		"Interrupted/BesideACall":     cancelledBesideACall,
		"Interrupted/Update":          cancelledUpdate,
		"Interrupted/WaitForATable":   cancelledWaitForATable,
		"Interrupted/WaitForTheLock":  cancelledWaitForTheLock,
		"Interrupted/BetweenFiles":    cancelledBetweenFiles,
		"Interrupted/OthersGoOn":      othersGoOn,
		"Interrupted/WaitSaysForWhom": waitSaysForWhom,
		"Companion/WithTheRow":        companionWithTheRow,
		"Companion/Fails":             companionFails,
		"Companion/FailsBehindSteps":  companionFailsBehindSteps,
		"Places/CannotRun":            cannotRun,
		"Places/RotatedPassword":      rotatedPassword,
		"Places/Replica":              replica,
		"Places/Inspected":            inspected,
		"Places/InspectedLock":        inspectedLock,
		"Places/InspectedReader":      inspectedReader,
		"Places/Grants":               grants,
		"Faults/CutAnywhere":          cutAnywhere,
		"Faults/CutAtCommit":          cutAtCommit,
		"Faults/CutUndo":              cutUndo,
		"Faults/Killed":               killed,
		"Faults/ServerCrashes":        serverCrashes,
	}
	for _, name := range slices.Sorted(maps.Keys(stories)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stories[name](t, e.NewBench(t))
		})
	}
}

// wantCode fails the test unless an error has a code and says all the words.
func wantCode(t *testing.T, err error, code fault.Code, words ...string) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("error %v (%s), want %s", Explain(err), fault.CodeOf(err), code)
	}
	for _, w := range words {
		if !strings.Contains(fmt.Sprint(err), w) {
			t.Errorf("error %v lacks %q", err, w)
		}
	}
}

// wantFailure ends the test unless a statement failed, and returns how.
func wantFailure(t *testing.T, err error, statement int) *executor.Failure {
	t.Helper()
	failure, ok := errors.AsType[*executor.Failure](err)
	if !ok || failure.Statement != statement {
		t.Fatalf("error %v, want statement %d to fail", Explain(err), statement)
	}
	return failure
}

// wantQuestion ends the test unless an error asks about a step, e.g. "1#2".
func wantQuestion(t *testing.T, err error, step string) *executor.AmbiguousError {
	t.Helper()
	question, ok := errors.AsType[*executor.AmbiguousError](err)
	if !ok || question.Step() != step || fault.CodeOf(err) != fault.Ambiguous || question.Evidence == "" {
		t.Fatalf("error %v, want a question about %s", Explain(err), step)
	}
	return question
}

// outcomes are a result's, as "version kind".
func outcomes(r executor.Result) string {
	var words []string
	for _, o := range r.Outcomes {
		words = append(words, fmt.Sprintf("%s %s", o.Version, o.Kind))
	}
	return strings.Join(words, ", ")
}

func wantOutcomes(t *testing.T, r executor.Result, want string) {
	t.Helper()
	if got := outcomes(r); got != want {
		t.Errorf("outcomes %q, want %q", got, want)
	}
}
