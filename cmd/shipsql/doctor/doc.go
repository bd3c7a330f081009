// Package doctor looks at everything ShipSQL needs before it is needed:
// configuration, secrets, store, queue, Redis, forges, the way webhooks take,
// and the databases. It changes nothing; the store only notes the webhook that it
// sends to itself.
//
// # A check's way
//
//	step     what                                           where
//	look     ask a room for facts, within a time limit      the run function of a Check
//	judge    facts → results: what was found, why it        pure functions, judged by goldens
//	         matters, what to do about it
//	print    in the order of the checks, each as soon as    Run, Text
//	         it and those before it are known
//
// Rooms give facts and know how to ask; doctor knows no SQL and no forge's API.
// What this process need not reach (databases of other pools) is not checked, and
// said so.
//
// # Results
//
//	ok           nothing to do
//	warning      works, but somebody should look
//	failed       ShipSQL can't do its work; the exit code is 1
//	not_checked  not from here, or not before something else works
package doctor
