package miniforge

import (
	"slices"

	"github.com/shipsql/shipsql/internal/fault"
)

// MaxComment is how many characters a comment may have.
const MaxComment = 65_536

// CommentAs adds a comment to a pull request's conversation.
func (f *Forge) CommentAs(repo string, number int, login, body string) (int64, error) {
	return changeFor(f, func(s *State) (int64, error) {
		p, u, err := s.pullAndUser(repo, number, login)
		if err != nil {
			return 0, err
		}
		if tooLong(body, MaxComment) {
			return 0, fault.New(fault.Invalid, "a comment has at most %d characters", MaxComment)
		}
		return s.addComment(p, u, body).ID, nil
	})
}

func (s *State) addComment(p *pull, by *User, body string) *comment {
	now := s.now()
	c := &comment{pull: p, Comment: Comment{
		ID: s.newID(), Author: by.Login, ByApp: by.Login == s.botLogin(), Body: body, CreatedAt: now, UpdatedAt: now,
	}}
	p.comments = append(p.comments, c)
	s.emitComment("created", c, by, nil)
	return c
}

// EditComment changes a comment's text.
func (f *Forge) EditComment(repo string, id int64, login, body string) error {
	return f.change(func(s *State) error {
		c, u, err := s.commentAndUser(repo, id, login)
		if err != nil {
			return err
		}
		s.editComment(c, u, body)
		return nil
	})
}

func (s *State) commentAndUser(repo string, id int64, login string) (*comment, *User, error) {
	r, u, err := s.repoAndUser(repo, login)
	if err != nil {
		return nil, nil, err
	}
	c := r.comment(id)
	if c == nil {
		return nil, nil, fault.New(fault.NotFound, "%s has no comment %d", repo, id)
	}
	return c, u, nil
}

func (s *State) editComment(c *comment, by *User, body string) {
	before := c.Body
	c.Body, c.UpdatedAt = body, s.now()
	s.emitComment("edited", c, by, object{"changes": object{"body": object{"from": before}}})
}

// DeleteComment deletes a comment.
func (f *Forge) DeleteComment(repo string, id int64, login string) error {
	return f.change(func(s *State) error {
		c, u, err := s.commentAndUser(repo, id, login)
		if err != nil {
			return err
		}
		s.deleteComment(c, u)
		return nil
	})
}

func (s *State) deleteComment(c *comment, by *User) {
	c.deleted = true
	s.emitComment("deleted", c, by, nil)
}

// react adds a reaction once per user and says if it is new.
func (s *State) react(c *comment, by *User, content string) (Reaction, bool) {
	same := func(r Reaction) bool { return r.User == by.Login && r.Content == content }
	if i := slices.IndexFunc(c.Reactions, same); i >= 0 {
		return c.Reactions[i], false
	}
	r := Reaction{ID: s.newID(), User: by.Login, Content: content}
	c.Reactions = append(c.Reactions, r)
	return r, true
}
