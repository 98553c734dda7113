package main

import (
	"strings"
)

// view is what inspect shows of one thing: a JSON object, or names with values and tables.
type view struct {
	json  any
	facts [][]string // name, value
	parts []part
	code  int // exit status
}

// part is a table with a title.
type part struct {
	title string
	rows  [][]string // the first one is the head
}

// fact adds a line, unless there is no value.
func (v *view) fact(name, value string) {
	if value != "" {
		v.facts = append(v.facts, []string{name, value})
	}
}

// show prints a view. Every text may come from a stranger, so that each is made one printable line.
func (a *app) show(v *view) error {
	if a.json {
		if err := a.printJSON(v.json); err != nil {
			return err
		}
	} else {
		if err := table(a.out, lines(v.facts)); err != nil {
			return err
		}
		for _, p := range v.parts {
			rows := append([][]string{{""}, {p.title}}, lines(p.rows)...)
			if err := table(a.out, rows); err != nil {
				return err
			}
		}
	}
	if v.code != exitOK {
		return &status{code: v.code}
	}
	return nil
}

func lines(rows [][]string) [][]string {
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = make([]string, len(r))
		for k, cell := range r {
			out[i][k] = line(cell)
		}
	}
	return out
}

// line makes a text one printable line.
func line(s string) string {
	return strings.Join(strings.FieldsFunc(printable(s), func(r rune) bool { return r == '\n' || r == '\t' }), " ")
}
