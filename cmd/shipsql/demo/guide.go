package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
)

// guide plays the first step, then leaves the story to a person in the browser
// until ctx is done.
func (s *story) guide(ctx context.Context) error {
	if err := s.scene(ctx, steps(false)[0]); err != nil {
		return err
	}
	page := fmt.Sprintf("%s/%s/pull/%d", s.forge.URL(), repository, s.pr)
	fmt.Fprintf(s.Out, guidance, page, merger, stranger, author, approver)
	if s.Browse != nil {
		s.Browse(page)
	}
	enter := lines(s.In)
	for _, act := range s.acts() {
		fmt.Fprintf(s.Out, "Enter: %s. Ctrl-C: end.\n", act.told)
		select {
		case <-ctx.Done():
			return ended(ctx)
		case <-enter:
		}
		if err := act.play(); err != nil {
			fmt.Fprintf(s.Out, "%v\n", err)
		}
	}
	fmt.Fprintln(s.Out, "Ctrl-C: end.")
	<-ctx.Done()
	return ended(ctx)
}

const guidance = `
  Open %s

  The pull request was just reviewed: its check is red, and the comment says why.

    1. Press Enter here: the author pushes the fix, and the check turns green.
    2. Merge it, as %s. Test deploys by itself; prod waits.
    3. Comment "/approve prod" as %s or %s: refused, with the reason.
    4. Comment it as %s: prod deploys, and the one comment shows it live.

  Next for real: README.md, "Install in five minutes".

`

// act is something that only the author can do.
type act struct {
	told string
	play func() error
}

func (s *story) acts() []act {
	push := func() error {
		_, err := s.forge.PushTo(repository, s.pr, fixed())
		return err
	}
	return []act{
		{"the author pushes the fix", push},
		{"a second pull request, which will fail on prod's data", func() error { return s.present(strict()) }},
		{"a third pull request, which passes everywhere", func() error { return s.present(harmless()) }},
	}
}

func (s *story) present(c change) error {
	if err := s.open(c); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "  Open %s/%s/pull/%d\n", s.forge.URL(), repository, s.pr)
	return nil
}

// ended tells the bot's death from Ctrl-C, which is how a guided demo ends.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, errDied) {
		return cause
	}
	return nil
}

// lines tells of every line read; at the end of the input it never tells again.
func lines(in io.Reader) <-chan struct{} {
	read := make(chan struct{})
	go func() {
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			read <- struct{}{}
		}
	}()
	return read
}
