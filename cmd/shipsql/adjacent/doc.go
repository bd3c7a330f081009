// Package adjacent holds no code of the product: its test runs the commit before
// this one beside this one, on one store and one Redis, as in a rolling upgrade.
//
//	phase    nodes                                what happens meanwhile
//	-------  -----------------------------------  ----------------------------------
//	before   old web, old worker                  changes are reviewed and merged
//	beside   old web and worker, new ones too     webhooks reach either web
//	drain    old ones are told to stop            a release is being rolled out
//	after    new web, new worker                  changes are merged
//	back     an old worker again, beside the new  changes are merged: a rollback
//
// In the end every migration ran exactly once on every database, every release is
// done, no job was given up, and each process ended only when it was told to.
//
// The commit before is HEAD, where the working tree has changes, else HEAD's
// first parent, or what SHIPSQL_PREVIOUS names (before a release: the release
// before). Its binary is built in a folder of its own and kept in the user's
// cache folder. Where git can't tell, in a copy without history or one so shallow
// that it ends here, the test says so and is skipped.
package adjacent
