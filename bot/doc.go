// Package bot is the conversation with the forges: it takes in what they tell,
// reads again what it has to know, lets the other rooms judge and act, and
// shows the result. It is the only room that writes to forges.
//
// # Intake
//
// A webhook becomes a row of the inbox, and what follows from it jobs, in one
// transaction, which those that come meanwhile share. Where neither the forge nor
// the comment's conversation must be looked at (pushes, pull requests, what
// concerns no configured repository) the row is done at once; else it is done when
// its job is. The row holds identifiers only. The forge may send it again at any
// time, late or out of order, and nothing is lost or done twice.
//
//	state     event                       next
//	--------  --------------------------  --------
//	(none)    Receive, nothing for us     done
//	(none)    Receive, the store can tell done, with the jobs that follow
//	(none)    Receive                     received, with a job
//	received  Receive again               received, with another job
//	received  its job acted               done
//	received  its job was given up        failed (the reconciler makes up for it)
//	failed    its job is retried, acts    done
//	done      Receive again               done
//
// Webhooks that the forge could not hand over (the app was down) are asked for
// at the start and every few minutes, from a mark in the store, and taken in by
// their own payload as if they had just come; the forge is asked to send again
// only what can't be read so. What is older than the forge remembers is lost,
// which is logged and kept for doctor and the metrics (Bot.Webhooks): merges and
// pull requests are found all the same, but commands typed then are not. The same
// holds on a forge that does not tell (an old Enterprise Server).
//
// The comments of one pull request are worked off in the forge's order, however
// they arrive, and what is said now waits a little for what was said while the
// app was down.
//
// # Which repository
//
// A configured name is bound at first sight to the forge's number of the
// repository (bot_repositories). From then on webhooks are matched by the number,
// and calls use the name that the repository has now: renames and transfers
// change nothing. A repository that takes the name is another one: its webhooks
// are ignored, with a note. Project IDs and the store keep the configured name,
// until the operator writes the new name into the configuration: the number says
// that it is the same repository, and everything is moved to it in one audited
// transaction.
//
//	paused because                            goes on when
//	----------------------------------------  -----------------------------------
//	uninstalled, suspended, access removed    the app sees it again
//	archived                                  it is unarchived
//	deleted                                   never: the operator configures another
//	the configured name is a former one, or   the configuration holds the name that
//	two names are one repository              the repository has now, once
//
// While it is paused its projects' gates are closed with that reason, and its
// jobs wait. A webhook, or the reconciler, notices the end of it.
//
// A branch that was rewritten is refused: nothing is released until it holds the
// last commit seen again (push it back, or merge it into the new history).
//
// # Jobs
//
//	kind         key                 does
//	delivery     delivery:…          turns an event into the jobs below
//	delivery     comments:REPO#N     carries out a comment's commands, in order
//	review       pr:REPO#N           reviews a pull request's SQL; the newest head wins
//	review       group:…             concludes the check of a merge group
//	review       release:…           reviews a release at its merge commit
//	sync-branch  project:…           walks the branch and makes releases
//	view         pr:REPO#N           writes what the pull request shows
//	reconcile    reconcile           rings the two below, every few minutes for ever
//	reconcile    repository:…        compares one repository with its forge
//	reconcile    provider:…          takes in the webhooks a forge could not hand over
//	catalog      db-catalog:…        reads a database of a worker pool, in that pool
//
// A release's review that was given up is tried anew an hour later. A merge
// group's is given up after a few failures, because people wait: its check fails
// and says so.
//
// Everything that decides is read again from the forge: the payload of a webhook
// only says where to look. The policy comes from the base branch, the migrations
// from the head. Reads are cached only where the forge's answer can't change
// (trees and blobs by their ids) and for a minute where people's rights are
// concerned.
//
// # Writes
//
// What was written is remembered with a hash (bot_writes), so an unchanged view
// costs nothing. Each write is noted before it begins, too: an attempt that finds
// such a note looks on the forge for what may be there, so that a process that
// dies, or an answer that is lost, leaves no second comment, check, review or
// answer. A view that can't be written is written later, however long the forge
// is away; what it refuses for what it is, is tried for a few hours and again by
// the reconciler for a week. No deployment waits for any of it.
//
// # Several nodes
//
// What decides is in the store; keys of jobs keep two nodes off one pull request,
// and a node that has lost its job writes nothing more. Only answers that can't
// change, and people's rights for a minute, are remembered in memory.
package bot
