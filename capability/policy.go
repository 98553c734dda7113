package capability

import (
	"fmt"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
)

// Bounds of one policy.
const (
	maxStatements     = 4096
	maxStatementDepth = 32
)

// Policy constrains the arguments of an invocation: every statement must hold (UCAN Delegation 1.0, "Policy"). The zero
// value has no statements and allows everything. A policy is never changed after it was parsed.
type Policy struct {
	node       datamodel.Node
	statements []statement
}

// statement is one node of the tree. Which fields are set depends on the operator.
type statement struct {
	node  datamodel.Node
	op    string
	sel   selector       // all but and, or, not
	value datamodel.Node // == != < <= > >=
	glob  glob           // like
	inner []statement    // and, or: any number; not, all, any: one
}

// ParsePolicy reads a list of statements.
func ParsePolicy(n datamodel.Node) (Policy, error) {
	left := maxStatements
	ss, err := parseStatements(n, 0, &left)
	if err != nil {
		return Policy{}, fmt.Errorf("%w: policy: %w", ErrToken, err)
	}
	return Policy{n, ss}, nil
}

// Node is the policy in the data model: a list, empty for the zero value.
func (p Policy) Node() datamodel.Node {
	if p.node == nil {
		n, _ := list(nil)
		return n
	}
	return p.node
}

// Len is the number of statements that must hold.
func (p Policy) Len() int { return len(p.statements) }

// And is the policy that demands what p and q demand.
func (p Policy) And(q Policy) (Policy, error) {
	n, err := qp.BuildList(basicnode.Prototype.Any, int64(p.Len()+q.Len()), func(la datamodel.ListAssembler) {
		for _, part := range []Policy{p, q} {
			for _, s := range part.statements {
				qp.ListEntry(la, qp.Node(s.node))
			}
		}
	})
	if err != nil {
		return Policy{}, err
	}
	return ParsePolicy(n)
}

// String is the policy in DAG-JSON.
func (p Policy) String() string { return inJSON(p.Node()) }

// inJSON shows a node in DAG-JSON.
func inJSON(n datamodel.Node) string {
	data, err := block.EncodeJSON(n)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func parseStatements(n datamodel.Node, depth int, left *int) ([]statement, error) {
	if n.Kind() != datamodel.Kind_List {
		return nil, fmt.Errorf("a %s where a list of statements belongs", n.Kind())
	}
	if n.Length() > int64(*left) {
		return nil, fmt.Errorf("more than %d statements", maxStatements)
	}
	out := make([]statement, 0, n.Length())
	for it := n.ListIterator(); !it.Done(); {
		i, v, err := it.Next()
		if err != nil {
			return nil, err
		}
		s, err := parseStatement(v, depth, left)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func parseStatement(n datamodel.Node, depth int, left *int) (s statement, err error) {
	if *left--; *left < 0 {
		return s, fmt.Errorf("more than %d statements", maxStatements)
	}
	if depth > maxStatementDepth {
		return s, fmt.Errorf("more than %d levels of statements", maxStatementDepth)
	}
	if n.Kind() != datamodel.Kind_List || n.Length() < 2 || n.Length() > 3 {
		return s, fmt.Errorf("%.80s is not [operator, argument] or [operator, selector, argument]", inJSON(n))
	}
	var parts [3]datamodel.Node
	for i := range n.Length() {
		if parts[i], err = n.LookupByIndex(i); err != nil {
			return s, err
		}
	}
	s.node = n
	if s.op, err = parts[0].AsString(); err != nil {
		return s, fmt.Errorf("the operator %.40s is not a string", inJSON(parts[0]))
	}
	arg := parts[n.Length()-1]
	connective := s.op == "and" || s.op == "or" || s.op == "not"
	if connective != (n.Length() == 2) {
		return s, fmt.Errorf("%.40q with %d arguments: not an operator, or not this many", s.op, n.Length()-1)
	}
	if !connective {
		var sel string
		if sel, err = parts[1].AsString(); err != nil {
			return s, fmt.Errorf("%.40q: the selector %.40s is not a string", s.op, inJSON(parts[1]))
		}
		if s.sel, err = parseSelector(sel); err != nil {
			return s, err
		}
	}
	return s, s.argument(arg, depth, left)
}

// argument reads the last part of a statement.
func (s *statement) argument(arg datamodel.Node, depth int, left *int) (err error) {
	switch s.op {
	case "==", "!=":
		s.value = arg
	case "<", "<=", ">", ">=":
		if k := arg.Kind(); k != datamodel.Kind_Int && k != datamodel.Kind_Float {
			return fmt.Errorf("%q compares with a number, not with %.40s", s.op, inJSON(arg))
		}
		s.value = arg
	case "like":
		pattern, err := arg.AsString()
		if err != nil {
			return fmt.Errorf("%q: the pattern %.40s is not a string", s.op, inJSON(arg))
		}
		s.glob = parseGlob(pattern)
	case "and", "or":
		s.inner, err = parseStatements(arg, depth+1, left)
	case "not", "all", "any":
		s.inner = make([]statement, 1)
		s.inner[0], err = parseStatement(arg, depth+1, left)
	default:
		return fmt.Errorf("unknown operator %.40q", s.op)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.op, err)
	}
	return nil
}
