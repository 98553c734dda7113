// Package examples holds workflows to run and to read; docs/examples.md shows them. Of code it has their tests alone.
package examples

import "embed"

// Files are the workflows whose modules need not be fetched from elsewhere, and what they read.
//
//go:embed image.json picture.png integers.yaml
var Files embed.FS
