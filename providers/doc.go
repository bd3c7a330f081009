// Package providers is the seam to the forges: one narrow interface, neutral
// types, typed errors, and flags for what a forge can't do.
//
// A forge tells us two things. Webhooks say that something may have changed:
// [Provider.ParseWebhook] proves who sent one and reduces it to identifiers, an
// [Event]. Everything that decides anything is then read again through the
// other methods, so a late, doubled, reordered or crafted delivery can only
// cause work, never a wrong decision.
//
// What we tell the forge are views of our own state: a sticky comment, a check,
// a review, a reaction, a deployment. Each of these writes is sent at most once
// per call. When its outcome stays unknown (the wire was cut, a gateway failed)
// the provider looks for the result under the mark the write carries; if that
// is not there either, or can't be looked for, the error has the code unreachable
// and the caller calls again later, with MayExist: then the mark is looked for
// first. So a caller that remembers that it tried has its effect exactly once,
// whatever is cut and whenever it dies:
//
//	write          mark that finds it again                     calling again is safe
//	PutSticky      marker in the body, own app                  always
//	AddComment     marker in the body, own app                  with Note.MayExist
//	PutCheck       external id + name + head, own app;          with Check.MayExist
//	               annotations by their number
//	AddReview      marker in each comment's body, a bot's       with Review.MayExist
//	PutDeployment  commit + environment, own app; the newest    with Deployment.MayExist
//	               status
//	React          one per user and kind, by the forge          always
//
// The forge tells of events once. What it could not hand over is asked for
// (Missed), read through our own authenticated call (MissedEvent), and so acted
// on as if it had come.
//
// A repository is known by its number: names change hands. Calls follow a rename
// by themselves where the forge redirects, and else find the name by Repo.ID.
// ErrGone says that our app can't get at the repository any more (uninstalled,
// suspended, taken from the installation, deleted, transferred): no repetition
// helps, until somebody lets it in again.
//
// Errors have a fault code, so callers decide with errors.Is, errors.As and
// fault.CodeOf alone: unreachable means "later", everything else means that the
// same call fails again until somebody changes something.
//
// The package imports no forge's client library; those live in a folder each
// (providers/github). providers/providertest tells the same story on every
// forge, and providers/miniforge is a forge in this process.
package providers
