package main

import (
	"fmt"
	"strings"
)

// large prints what one big file of rows takes: 200 MB of INSERT statements.
func (b *bench) large(s server) error {
	fmt.Printf("\n%s: one file of 200 MB, INSERTs of 1 kB\n\n| | seconds | most memory, MiB |\n|---|---|---|\n", s.name)
	var text strings.Builder
	text.WriteString("CREATE TABLE large (id int PRIMARY KEY, body text NOT NULL);\n")
	body := strings.Repeat("0123456789abcdef", 60)
	for n := 0; text.Len() < 200<<20; n++ {
		fmt.Fprintf(&text, "INSERT INTO large VALUES (%d, '%s');\n", n, body)
	}
	folder, err := b.files("large-"+s.name, []string{text.String()})
	if err != nil {
		return err
	}
	for _, t := range tools {
		d, err := b.fresh(s)
		if err != nil {
			return err
		}
		used, err := b.run(t, folder, d)
		if err != nil {
			fmt.Printf("| %s | refused: %.100s | |\n", t.name, strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Printf("| %s | %.1f | %.0f |\n", t.name, used.time.Seconds(), float64(used.memory)/(1<<20))
	}
	return nil
}
