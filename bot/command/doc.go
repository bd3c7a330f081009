// Package command reads what people ask of ShipSQL in comments.
//
// It is pure: a comment's text goes in, commands and problems come out. The
// grammar is anchored to lines. A line counts when a reader of the rendered
// comment sees it as a line of its own text; prose around it doesn't matter:
//
//	/shipsql approve prod          canonical, works on every forge
//	@shipsql approve prod          mention
//	/approve prod                  bare, where the forge leaves it alone
//
// A line does not count inside a fence (``` or ~~~), an indented block, a quote
// (its lazy continuation too), an HTML comment, or a <pre> or <blockquote>
// element. Where Markdown and this reader could disagree, this reader sees no
// command: a command that isn't seen is typed again, one that was only quoted
// can't be taken back.
//
// Words that nobody knows are answered ("did you mean") only with the prefix or
// the mention. A bare line belongs to ShipSQL only when it is a whole command of
// ours, or when it names one of our environments, or nearly; `/approve` alone
// and `/lgtm` are other bots' business and yield nothing.
package command
