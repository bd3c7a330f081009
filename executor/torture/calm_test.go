package torture_test

import (
	"testing"

	"github.com/shipsql/shipsql/executor"
)

// TestNothingBreaks tells every scene to a target while nothing breaks.
func TestNothingBreaks(t *testing.T) {
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			r, err := newRound(t, p, quota{}, seedOf(t))
			if err != nil {
				t.Fatal(err)
			}
			defer r.wire.Close()
			for number := range r.foldersOfAllScenes() {
				g, err := r.open(t.Context(), number)
				if err != nil {
					t.Fatal(err)
				}
				folder := g.story.migrations()
				if _, err := p.open(r.server.URL(g.target)).Apply(t.Context(), executor.Run{Migrations: folder, Folder: folder}); err != nil {
					t.Errorf("%v\n%s", err, g.story)
					continue
				}
				if err := g.judge(t.Context()); err != nil {
					t.Errorf("%v\n%s", err, g.story)
				}
			}
		})
	}
}

// foldersOfAllScenes is how many stories it takes until every scene came up.
func (r *round) foldersOfAllScenes() int {
	return (len(r.product.scenes) + scenesPerStory - 1) / scenesPerStory
}
