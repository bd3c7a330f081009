// Package handlers is ShipSQL's HTTP edge: webhook intake, health and metrics,
// and the live page of a release.
//
// It decides nothing. A webhook is limited in size, verified by its provider
// and handed to the inbox, which stores it before the answer is sent:
//
//	answer  when
//	202     stored, or known already (a redelivery of an unfinished one runs again)
//	401     the signature is missing or wrong: nothing is stored
//	404     no provider has this name
//	413     the body is over 25 MiB, which no forge sends
//	503     the store did not take it: the forge shows a failed delivery, to be sent again
//
// A webhook begins a trace that its jobs continue. What a caller says of traces
// is only linked.
//
// Events ShipSQL has no use for, and bodies it can't read, are answered 202 and
// recorded too: several forges switch off a hook that answers with errors.
package handlers
