package bot

import (
	"errors"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// faultsIn are the single faults of a joined error.
func faultsIn(err error) []*fault.Error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*fault.Error
		for _, e := range joined.Unwrap() {
			all = append(all, faultsIn(e)...)
		}
		return all
	}
	var f *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return []*fault.Error{f}
	}
	return []*fault.Error{fault.New(fault.Internal, "%s", err.Error())}
}

// tooLarge are the files that the forge's client refused for their size; other
// is what else went wrong.
func tooLarge(err error) (found map[string]providers.ErrTooLarge, other error) {
	found = map[string]providers.ErrTooLarge{}
	return found, collectTooLarge(err, found)
}

func collectTooLarge(err error, found map[string]providers.ErrTooLarge) (other error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var rest []error
		for _, e := range joined.Unwrap() {
			rest = append(rest, collectTooLarge(e, found))
		}
		return errors.Join(rest...)
	}
	if large, ok := errors.AsType[providers.ErrTooLarge](err); ok {
		found[large.Path] = large
		return nil
	}
	return err
}
