package link_test

import "flag"

var update = flag.Bool("update", false, "rewrite golden files and rebuild modules")
