package message

import "strings"

// part is a piece of a message: a head, items and a tail. A part without items
// left, and without a rest to mention, vanishes together with head and tail.
type part struct {
	head, tail string
	items      []string
	more       func(left int) string // the line in place of the items left out; nil: the part is never cut
	keep       int                   // parts with a lower one are cut first
	left       int                   // items left out
}

// whole is a part that is never cut.
func whole(text string) part { return part{head: text} }

func (p *part) text() string {
	if p.more == nil {
		return p.head
	}
	if len(p.items) == 0 && p.left == 0 {
		return ""
	}
	text := p.head + strings.Join(p.items, "")
	if p.left > 0 {
		text += p.more(p.left)
	}
	return strings.TrimRight(text, "\n") + "\n" + p.tail
}

// drop leaves the last item out and returns how many bytes shorter the part is.
func (p *part) drop() int {
	last := len(p.items) - 1
	before := len(p.items[last]) + p.moreSize()
	p.items = p.items[:last]
	p.left++
	return before - p.moreSize()
}

func (p *part) moreSize() int {
	if p.left == 0 {
		return 0
	}
	return len(p.more(p.left))
}

// fit joins the parts and drops items, from the end of the least important part
// that has any, until the text is within limit bytes. Bytes are the strictest
// way to count a forge's "characters". When no item is left to drop, the first
// and the last part remain.
func fit(limit int, parts []part) string {
	size := length(parts)
	for p := leastImportant(parts); size > limit && p != nil; p = leastImportant(parts) {
		size -= p.drop()
	}
	if size > limit && len(parts) > 2 {
		parts = []part{parts[0], whole("There is more than a comment can hold."), parts[len(parts)-1]}
	}
	texts := make([]string, 0, len(parts))
	for i := range parts {
		p := &parts[i]
		if t := strings.Trim(p.text(), "\n"); t != "" {
			texts = append(texts, t)
		}
	}
	return strings.Join(texts, "\n\n") + "\n"
}

// length is the size of the joined parts, at most.
func length(parts []part) int {
	size := 1
	for i := range parts {
		size += len(parts[i].text()) + 2
	}
	return size
}

func leastImportant(parts []part) *part {
	var least *part
	for i := range parts {
		p := &parts[i]
		if len(p.items) > 0 && p.more != nil && (least == nil || p.keep < least.keep) {
			least = p
		}
	}
	return least
}
