package redisbell

// Up says whether Redis answered last time.
func (b *Bell) Up() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.lost
}
