// Package examples holds workflows to run and to read; docs/examples.md shows them. It has no code, only their tests.
package examples
