package serve

// These are what tests look at beside a running app.
var (
	Safe     = safe
	Keys     = keys
	SpanKeys = spanKeys
)
