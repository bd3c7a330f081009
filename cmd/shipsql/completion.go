package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/shipsql/shipsql/executor/layout"
)

// completionCmd prints a script for a shell. The script asks the hidden command
// __complete at each Tab, so it never is behind the program.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help says what to do with the script.
func (completionCmd) Help() string {
	return "bash: source <(shipsql completion bash) in ~/.bashrc. zsh: source <(shipsql completion zsh) in ~/.zshrc, after compinit. fish: shipsql completion fish | source in config.fish."
}

// Run prints the script.
func (c completionCmd) Run(t *terminal) error {
	_, err := fmt.Fprint(t.out, completionScripts[c.Shell])
	return err
}

// completionScripts end with the file names of the shell where __complete has
// nothing to offer.
var completionScripts = map[string]string{
	"bash": `_shipsql() {
	local line cur=${COMP_WORDS[COMP_CWORD]}
	[[ $cur == "=" ]] && cur=
	COMPREPLY=()
	while IFS= read -r line; do
		line=${line%%$'\t'*}
		[[ $line == "$cur"* ]] && COMPREPLY+=("$line")
	done < <("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _shipsql shipsql
`,
	"zsh": `#compdef shipsql
_shipsql() {
	local -a found
	local line
	while IFS= read -r line; do
		found+=("${${line//:/\\:}/$'\t'/:}")
	done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
	if (( $#found )); then _describe shipsql found; else _files; fi
}
compdef _shipsql shipsql
`,
	"fish": `function __shipsql_complete
	set -l words (commandline -opc) (commandline -ct)
	$words[1] __complete -- $words[2..-1] 2>/dev/null
end
complete -c shipsql -a '(__shipsql_complete)'
`,
}

// completeCmd answers the scripts: a line per candidate, with its help behind a
// tab.
type completeCmd struct {
	Words []string `arg:"" optional:""`
}

// Run prints the candidates for the last word.
func (c completeCmd) Run(t *terminal, ctx *kong.Context) error {
	var lines strings.Builder
	for _, found := range complete(ctx.Model.Node, c.Words) {
		fmt.Fprintf(&lines, "%s\t%s\n", found.word, found.help)
	}
	_, err := fmt.Fprint(t.out, lines.String())
	return err
}

type candidate struct{ word, help string }

// complete offers what may stand where the last of the words is, given those
// before it.
func complete(root *kong.Node, words []string) []candidate {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "=" }) // bash cuts --flag=value up
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	node, waiting, positions := walk(root, words[:len(words)-1])
	var all []candidate
	switch {
	case waiting != nil:
		all = values(waiting.Value)
	case strings.HasPrefix(last, "-"):
		all = flags(node)
	default:
		all = commandsOf(node)
		if positions < len(node.Positional) {
			all = append(all, values(node.Positional[positions])...)
		}
	}
	return slices.DeleteFunc(all, func(c candidate) bool { return !strings.HasPrefix(c.word, last) })
}

// walk follows the words before the one to complete: to which command they lead,
// which flag waits for its value, and how many arguments the command has.
func walk(node *kong.Node, words []string) (_ *kong.Node, waiting *kong.Flag, positions int) {
	for _, w := range words {
		switch {
		case waiting != nil:
			waiting = nil
		case strings.HasPrefix(w, "-"):
			if f := flagNamed(node, w); f != nil && !f.IsBool() {
				waiting = f
			}
		default:
			if child := childNamed(node, w); child != nil {
				node, positions = child, 0
			} else {
				positions++
			}
		}
	}
	return node, waiting, positions
}

func childNamed(node *kong.Node, word string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == word || slices.Contains(child.Aliases, word) {
			return child
		}
	}
	return nil
}

// flagNamed finds --word; --word=value waits for nothing.
func flagNamed(node *kong.Node, word string) *kong.Flag {
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if "--"+f.Name == word || f.Short != 0 && "-"+string(f.Short) == word {
				return f
			}
		}
	}
	return nil
}

func commandsOf(node *kong.Node) (all []candidate) {
	for _, child := range node.Children {
		if !child.Hidden {
			all = append(all, candidate{child.Name, child.Help})
		}
	}
	return all
}

func flags(node *kong.Node) (all []candidate) {
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			all = append(all, candidate{"--" + f.Name, f.Help})
		}
	}
	return all
}

// values are the words that a flag or argument takes, if there are a few.
func values(v *kong.Value) (all []candidate) {
	words := v.EnumSlice()
	if v.Name == "layout" {
		words = layout.Names()
	}
	for _, word := range words {
		if word != "" {
			all = append(all, candidate{word: word})
		}
	}
	return all
}
