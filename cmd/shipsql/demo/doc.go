// Package demo is `shipsql demo`: the life of a change, played on this machine
// with nothing but the binaries of PostgreSQL.
//
// The parts are real. Two private PostgreSQL servers hold orders-test and
// orders-eu, orders-us; a forge that speaks GitHub's HTTP API runs in this
// process; the bot is `shipsql serve`, a process of its own that knows nothing
// of being in a demo, and can be killed. Given a PostgreSQL store (Options.Store)
// it is three: one of role web and two workers, of which the crash takes one.
//
// The story, step by step; every step is verified in the databases and on the
// forge, and fails with the reason when it isn't so within its time:
//
//	step      what is told                                     sabotaged by SHIPSQL_DEMO_BREAK=step
//	--------  -----------------------------------------------  ------------------------------------------
//	review    an unsafe pull request is blocked, with findings  the forge refuses check runs
//	protect   its merge is refused                              the branch isn't protected
//	fix       the fix turns the check green                     the forge answers 502 to reads of the PR
//	merge     the merge makes a release                         the forge loses the branch's history
//	test      test deploys by itself                            test's server crashes for good
//	stranger  a stranger's approval is refused                  the stranger was made an approver
//	author    the author's approval is refused                  the configuration allows self-approval
//	approve   the approver's approval opens prod                the approver has left the team
//	crash     (--kill) the bot is killed in the prod apply      the configuration is lost with it
//	prod      prod deploys on both databases, exactly once      prod's server crashes for good
//	fail      a migration fails on prod's data                  prod's data was repaired before
//	skip      it is skipped there, with a reason                prod's server crashes for good
//	next      the next release passes everywhere                its table exists already on one database
//
// A sabotage breaks what the step stands on, never the check that judges it.
//
// Without a script the demo stops after review and leaves the rest to a person
// in the browser; Enter plays the author's part.
package demo
