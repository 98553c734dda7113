package capability

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"
)

// network is the delegations of a container as a graph: a delegation leads on to those that its audience issued.
type network struct {
	tokens *Container
	nodes  []link
	byCID  map[cid.Cid]int
	by, to map[string][]int // by issuer, by audience
}

// newNetwork opens the delegations of a container. Tokens that are not good delegations are left out.
func newNetwork(c *Container) *network {
	n := &network{tokens: c, byCID: make(map[cid.Cid]int), by: make(map[string][]int), to: make(map[string][]int)}
	for id, token := range c.All() {
		d, err := openLink(token)
		if err != nil {
			continue
		}
		i := len(n.nodes)
		n.nodes = append(n.nodes, d)
		n.byCID[id] = i
		n.by[d.Issuer] = append(n.by[d.Issuer], i)
		n.to[d.Audience] = append(n.to[d.Audience], i)
	}
	return n
}

// find is a [finder]; for what is no good delegation it tells why.
func (n *network) find(id cid.Cid) (link, error) {
	i, ok := n.byCID[id]
	if !ok {
		return opener(n.tokens)(id)
	}
	return n.nodes[i], nil
}

func (n *network) about(i int, subject string) bool {
	return n.nodes[i].Subject == "" || n.nodes[i].Subject == subject
}

// flood visits what is reached from the given delegations, each once, breadth first, and returns for each how it was
// reached; a start is reached from itself. From a delegation it goes on to edges[end(delegation)].
func (n *network) flood(from []int, subject string, edges map[string][]int, end func(link) string) map[int]int {
	via := make(map[int]int)
	var queue []int
	visit := func(i, from int) {
		if _, seen := via[i]; !seen && n.about(i, subject) {
			via[i] = from
			queue = append(queue, i)
		}
	}
	for _, i := range from {
		visit(i, i)
	}
	done := make(map[string]bool) // every principal is expanded once, so that the work is linear
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		p := end(n.nodes[i])
		if done[p] {
			continue
		}
		done[p] = true
		for _, j := range edges[p] {
			visit(j, i)
		}
	}
	return via
}

func audienceOf(d link) string { return d.Audience }

func issuedBy(d link) string { return d.Issuer }

// rooted floods from the subject's own delegations, powerlines excepted.
func (n *network) rooted(subject string) map[int]int {
	var roots []int
	for _, i := range n.by[subject] {
		if n.nodes[i].Subject == subject {
			roots = append(roots, i)
		}
	}
	return n.flood(roots, subject, n.by, audienceOf)
}

// mayRevoke reports whether revoker issued a link on some way from the subject to the delegation id. An empty subject
// stands for the one that the delegation names, or for any if it names none; whoever issued the delegation itself may then
// revoke it without a way.
func (n *network) mayRevoke(id cid.Cid, revoker, subject string) (bool, error) {
	leaf, ok := n.byCID[id]
	if !ok {
		return false, fmt.Errorf("%w: the delegation %s, which is to be revoked, is not among the evidence", ErrUnavailable, id)
	}
	d := n.nodes[leaf]
	if subject == "" && d.Issuer == revoker {
		return true, nil
	}
	subjects := []string{cmp.Or(subject, d.Subject)}
	if subjects[0] == "" {
		subjects = n.subjects()
	}
	for _, subject := range subjects {
		rooted := n.rooted(subject)
		for i := range n.flood([]int{leaf}, subject, n.to, issuedBy) {
			if _, ok := rooted[i]; ok && n.nodes[i].Issuer == revoker {
				return true, nil
			}
		}
	}
	return false, nil
}

// way reads the shortest way to a delegation, root first, from what rooted returned; nil if there is none.
func (n *network) way(leaf int, via map[int]int) []cid.Cid {
	if _, ok := via[leaf]; !ok {
		return nil
	}
	var out []cid.Cid
	for i := leaf; ; i = via[i] {
		out = append(out, n.nodes[i].cids[0])
		if via[i] == i {
			slices.Reverse(out)
			return out
		}
	}
}

// subjects are those that some delegation names, in order.
func (n *network) subjects() []string {
	var out []string
	for _, d := range n.nodes {
		if d.Subject != "" {
			out = append(out, d.Subject)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maxChains bounds the ways that Chains walks.
const maxChains = 32

// Chain is a way from a subject to a delegation.
type Chain struct {
	Subject string
	Command string    // the narrowest on the way
	Proofs  []cid.Cid // root first
}

// Chains finds in a container what holder may do: for each delegation to holder and each subject the shortest way from the
// subject to it, if every link of it holds now; for a way that does not it returns the reason. It stops after a few dozen
// ways.
func (v Validator) Chains(ctx context.Context, c *Container, holder string) (good []Chain, refused []error) {
	n := newNetwork(c)
	for _, subject := range n.subjects() {
		if v.Subject != "" && subject != v.Subject {
			continue
		}
		via := n.rooted(subject)
		for _, leaf := range n.to[holder] {
			way := n.way(leaf, via)
			if way == nil {
				continue
			}
			if len(good)+len(refused) == maxChains {
				return good, refused
			}
			w, err := v.holds(ctx, n, subject, way)
			if err != nil {
				refused = append(refused, err)
				continue
			}
			good = append(good, Chain{subject, w.command, way})
		}
	}
	return good, refused
}

// holds checks a way without an invocation.
func (v Validator) holds(ctx context.Context, n *network, subject string, way []cid.Cid) (*chain, error) {
	w, err := v.walk(subject, way, n.find)
	if err != nil {
		return nil, err
	}
	return w, w.revoked(ctx, v.Revocations)
}
