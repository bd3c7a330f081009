package doctor

import (
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// judgeDatabase says whether migrations can be applied.
func judgeDatabase(t topic, i executor.Inspection) []Result {
	results := []Result{t.ok("%s, database %s as %s, %s", i.Product, i.Database, i.Login, ledgerText(i))}
	for _, more := range [][]Result{judgeServer(t, i), judgeGrants(t, i), judgeTransport(t, i)} {
		results = append(results, more...)
	}
	if i.LockHeldBy != "" {
		results = append(results, t.warning("its migration lock is held by %s", i.LockHeldBy).
			because("other runs wait for it; that is right while migrations are applied").fix("look whether that session still works, if nothing is being applied"))
	}
	return results
}

func ledgerText(i executor.Inspection) string {
	if i.Ledger == 0 {
		return "no ledger yet"
	}
	return fmt.Sprintf("ledger of format %d", i.Ledger)
}

// judgeServer finds what makes the server the wrong place.
func judgeServer(t topic, i executor.Inspection) []Result {
	var results []Result
	add := func(wrong bool, r Result) {
		if wrong {
			results = append(results, r)
		}
	}
	const why = "no migration can be applied"
	add(i.Replica, t.failed("the server is a replica").because(why).fix("give the URL of the primary"))
	add(i.ReadOnly, t.failed("the database or the login is set to read only").because(why).fix("turn that setting off for the login "+i.Login))
	add(i.Pooler != "", t.failed("%s", i.Pooler).because(why).fix("give the URL of the database itself, or of a pool in session mode"))
	add(i.LedgerBad != "", t.failed("%s", i.LedgerBad).because(why).fix("use the ShipSQL that wrote the ledger, or restore the ledger from a backup"))
	add(i.Unsupported != "", t.warning("%s: %s", i.Product, i.Unsupported).because("nobody has tried whether every migration does there what the review says").fix("upgrade the server"))
	add(i.Ahead.Abs() > maxSkew, t.warning("its clock and this machine's differ by %s", i.Ahead.Abs()).
		because("the ledger's times and ShipSQL's will not fit together; nothing is decided by them").fix("run NTP on both"))
	for _, o := range i.Obstacles {
		r := t.warning("%s", o.What)
		if o.Final {
			r = t.failed("%s", o.What)
		}
		results = append(results, r.because(o.Why).fix(o.Fix))
	}
	return results
}

// judgeGrants prints what is lacking with the statements that give it.
func judgeGrants(t topic, i executor.Inspection) []Result {
	if len(i.Lacks) == 0 {
		return []Result{t.ok("%s has the privileges that migrations need", i.Login)}
	}
	var results []Result
	for _, p := range i.Lacks {
		r := t.warning("%s may not %s", i.Login, p.What)
		if p.Needed {
			r = t.failed("%s may not %s", i.Login, p.What)
		}
		for _, statement := range p.Grant {
			r.Fix = append(r.Fix, statement+";")
		}
		results = append(results, r.because(p.Why))
	}
	return results
}

func judgeTransport(t topic, i executor.Inspection) []Result {
	switch i.Transport {
	case executor.TransportPlain:
		return []Result{t.warning("the way to it is not encrypted").
			because("who can listen on the network sees what migrations carry, and can change it").fix("use " + verified(i) + " in its URL")}
	case executor.TransportUnverified:
		return []Result{t.warning("the way to it is encrypted, but the server has not proven its name").
			because("who stands in between can pretend to be the server").fix("use " + verified(i) + " in its URL")}
	case executor.TransportLocal, executor.TransportVerified:
	}
	return nil
}

// verified is the URL's parameter that makes the server prove its name.
func verified(i executor.Inspection) string {
	if strings.HasPrefix(i.Product, "MySQL") || strings.HasPrefix(i.Product, "MariaDB") {
		return "tls=true"
	}
	return "sslmode=verify-full"
}

// judgeReader wants the login of review_url to read, and nothing more.
func judgeReader(t topic, i executor.Inspection) []Result {
	if len(i.Writes) == 0 {
		return append([]Result{t.ok("the login of review_url, %s, can only read", i.Login)}, judgeTransport(t, i)...)
	}
	return append([]Result{t.warning("the login of review_url, %s, may %s", i.Login, strings.Join(i.Writes, ", and ")).
		because("reviews need only to read the catalog, which every login may; a web node would hold rights it never uses").
		fix("give review_url a login of its own, without any grants")}, judgeTransport(t, i)...)
}
