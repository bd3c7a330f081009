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
// is not there either, the error has the code unreachable and the caller calls
// again later:
//
//	write          mark that finds it again              calling again is safe
//	PutSticky      marker in the body, own app           always
//	PutCheck       external id + name + head, own app    with Check.MayExist
//	PutDeployment  commit + environment, own app         with Deployment.MayExist
//	AddComment     equal body, own app, since the call   may double; use PutSticky where that matters
//	AddReview      equal comments at the commit          may double
//	React          one per user and kind, by the forge   always
//
// Errors have a fault code, so callers decide with errors.Is, errors.As and
// fault.CodeOf alone: unreachable means "later", everything else means that the
// same call fails again until somebody changes something.
//
// The package imports no forge's client library; those live in a folder each
// (providers/github). providers/providertest tells the same story on every
// forge, and providers/miniforge is a forge in this process.
package providers
