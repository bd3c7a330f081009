package batch

// Asked counts the items that wait and those that were taken, by lanes.
func (l *Line[I, O]) Asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) + l.lanes
}
