package capability

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
)

// Kinds of tokens in a [Description].
const (
	KindDelegation = "delegation"
	KindInvocation = "invocation"
	KindUnreadable = "unreadable"
)

// Description is a token for people.
type Description struct {
	CID  cid.Cid
	Kind string
	// Says is what the token claims, in one sentence. Names in it come from the token: a terminal needs them cleaned.
	Says string
	// Refused is why it would be refused now, by this validator and with nothing but the container's tokens as proofs; nil
	// if it would not.
	Refused error
}

// Describe reads every token of a container, in the order of the container.
func (v Validator) Describe(ctx context.Context, c *Container) []Description {
	n := newNetwork(c)
	subjects := n.subjects()
	ways := make([]map[int]int, len(subjects))
	for i, subject := range subjects {
		ways[i] = n.rooted(subject)
	}
	var out []Description
	for id, token := range c.All() {
		d := Description{CID: id}
		if i, ok := n.byCID[id]; ok {
			d.Kind, d.Says = KindDelegation, n.nodes[i].String()
			d.Refused = v.refuses(ctx, n, i, subjects, ways)
		} else if inv, err := OpenInvocation(token); err == nil {
			d.Kind, d.Says = KindInvocation, inv.String()
			_, d.Refused = v.validate(ctx, inv, n.find)
		} else {
			d.Kind, d.Says, d.Refused = KindUnreadable, fmt.Sprintf("%d bytes that are no good token.", len(token)), err
		}
		out = append(out, d)
	}
	return out
}

// refuses tells why a delegation would not hold at the end of its way. A powerline is good if it is for some subject; a few
// dozen are tried.
func (v Validator) refuses(ctx context.Context, n *network, i int, subjects []string, ways []map[int]int) error {
	var reason error
	tried := 0
	for s, subject := range subjects {
		if v.Subject != "" && subject != v.Subject || tried == maxChains {
			continue
		}
		way := n.way(i, ways[s])
		if way == nil {
			continue
		}
		tried++
		_, err := v.holds(ctx, n, subject, way)
		if err == nil {
			return nil
		}
		reason = err
	}
	d := n.nodes[i]
	switch {
	case reason != nil:
		return reason
	case v.Subject != "" && d.Subject != "" && d.Subject != v.Subject:
		return fmt.Errorf("%w: about %s, where %s is at stake", ErrSubject, d.Subject, v.Subject)
	case d.Subject == "":
		return fmt.Errorf("%w: nothing here was given to %s that it could pass on", ErrUnavailable, d.Issuer)
	}
	return fmt.Errorf("%w: nothing here shows that %s may act on %s", ErrUnavailable, d.Issuer, d.Subject)
}

// String is what the delegation says, in one sentence. Names in it are the issuer's words.
func (d *Delegation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s lets %s do ", d.Issuer, d.Audience)
	if d.Command == "/" {
		b.WriteString("everything")
	} else {
		b.WriteString(d.Command)
	}
	if d.Subject == "" {
		b.WriteString(" on whatever it was given itself")
	} else {
		fmt.Fprintf(&b, " on %s", d.Subject)
	}
	if d.NotBefore != nil {
		fmt.Fprintf(&b, " from %s", moment(*d.NotBefore))
	}
	if d.Expires != nil {
		fmt.Fprintf(&b, " until %s", moment(*d.Expires))
	} else {
		b.WriteString(" for ever")
	}
	if d.Policy.Len() > 0 {
		fmt.Fprintf(&b, ", if %s", d.Policy.words())
	}
	b.WriteByte('.')
	return b.String()
}

// String is what the invocation asks for, in one sentence. Names and arguments in it are the issuer's words.
func (inv *Invocation) String() string {
	args := "nothing"
	if inv.Args != nil {
		args = abridged(inJSON(inv.Args))
		if n, err := inv.Args.LookupByString("ucan"); err == nil && inv.Command == CommandRevoke {
			return fmt.Sprintf("%s revokes %s.", inv.Subject, abridged(linkText(n)))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s asks ", inv.Issuer)
	if inv.Audience != "" {
		fmt.Fprintf(&b, "%s ", inv.Audience)
	}
	fmt.Fprintf(&b, "to do %s on %s with %s", inv.Command, inv.Subject, args)
	if inv.Expires != nil {
		fmt.Fprintf(&b, " until %s", moment(*inv.Expires))
	}
	switch n := len(inv.Proofs); n {
	case 0:
		b.WriteString(", by its own authority")
	case 1:
		b.WriteString(", by a delegation")
	default:
		fmt.Fprintf(&b, ", by %d delegations", n)
	}
	b.WriteByte('.')
	return b.String()
}

// linkText shows a link as its CID, anything else in DAG-JSON.
func linkText(n datamodel.Node) string {
	if c, ok := block.Link(n); ok {
		return c.String()
	}
	return inJSON(n)
}

// words is a policy for people.
func (p Policy) words() string { return abridged(joined(p.statements, " and ")) }

func joined(ss []statement, between string) string {
	parts := make([]string, len(ss))
	for i := range ss {
		parts[i] = ss[i].words()
	}
	return strings.Join(parts, between)
}

func (s *statement) words() string {
	switch s.op {
	case "and", "or":
		if len(s.inner) == 0 {
			return "always"
		}
		return "(" + joined(s.inner, " "+s.op+" ") + ")"
	case "not":
		return "not (" + s.inner[0].words() + ")"
	case "all":
		return "for all of " + s.sel.text + " (" + s.inner[0].words() + ")"
	case "any":
		return "for one of " + s.sel.text + " (" + s.inner[0].words() + ")"
	case "==":
		return s.sel.text + " is " + inJSON(s.value)
	case "!=":
		return s.sel.text + " is not " + inJSON(s.value)
	case "like":
		n, err := s.node.LookupByIndex(2)
		if err != nil {
			return err.Error()
		}
		return s.sel.text + " is like " + inJSON(n)
	}
	return s.sel.text + " " + s.op + " " + inJSON(s.value)
}

const maxWords = 300

// abridged cuts a long text.
func abridged(s string) string {
	if utf8.RuneCountInString(s) <= maxWords {
		return s
	}
	return string([]rune(s)[:maxWords]) + "…"
}
