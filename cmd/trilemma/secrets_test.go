package main

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/receipts"
)

// formsOf are the forms in which a secret could lie somewhere: itself, its bytes, and both in hexadecimal and in base64 at any offset.
func formsOf(secret string) (out [][]byte) {
	plain := [][]byte{[]byte(secret)}
	if n, err := strconv.ParseInt(secret, 10, 64); err == nil {
		word := binary.LittleEndian.AppendUint64(nil, uint64(n))
		plain = append(plain, word, binary.BigEndian.AppendUint64(nil, uint64(n)), binary.BigEndian.AppendUint32(nil, uint32(n)), word[:4])
	}
	for _, p := range plain {
		out = append(out, p, []byte(hex.EncodeToString(p)), []byte(strings.ToUpper(hex.EncodeToString(p))))
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for pad := range 3 { // its place in a longer text
				text := enc.EncodeToString(append(make([]byte, pad), p...))
				if from, to := (8*pad+5)/6, (8*(pad+len(p)))/6; to-from >= 5 {
					out = append(out, []byte(text[from:to]))
				}
			}
		}
	}
	return out
}

// untold fails if a secret, in any form, lies in a file or in a directory, or was printed last: untold SECRET PATH... Names of files are looked at too.
func untold(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 2, "untold SECRET PATH...")
	forms := formsOf(args[0])
	search := func(where string, data []byte) {
		for _, f := range forms {
			if bytes.Contains(data, f) {
				ts.Fatalf("%q is in %s", f, where)
			}
		}
	}
	search("stdout", []byte(ts.ReadFile("stdout")))
	search("stderr", []byte(ts.ReadFile("stderr")))
	seen := 0
	for _, name := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			seen++
			search("the name of "+path, []byte(d.Name()))
			data, err := os.ReadFile(path)
			search(path, data)
			return err
		}))
	}
	if seen == 0 {
		ts.Fatalf("no file was searched")
	}
}

// private fails unless a file has the mode 0600: private FILE.
func private(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 1, "private FILE")
	st, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if st.Mode() != 0o600 {
		ts.Fatalf("%s has the mode %v", args[0], st.Mode())
	}
}

// conceal changes what a receipt says of secrets. The kinds:
//
//	sealed   the hidden result is another one, in the result and in its stream
//	unlike   the hidden result is another one than that of its stream
//	input    the hidden input is another one
//	room     a hidden stream may have one byte more
//	shown    the receipt shows a result in place of the hidden one
//	hidden   the receipt hides the result
//	steps    the receipt says how many steps the task took
func conceal(ts *testscript.TestScript, kind string, c *receipts.Claim) {
	other := hidden.Commitment{31: 7}
	b := other[:]
	result := func() {
		was, _, err := hidden.ValueOf(*c.Out.Ok)
		ts.Check(err)
		n, err := hidden.Value{Kind: cmp.Or(was.Kind, hidden.Bytes), Commitment: other}.Node()
		ts.Check(err)
		c.Out = receipts.Out{Ok: &n}
	}
	region := func(rs *[]receipts.Region) *receipts.Region {
		for i := range *rs {
			if r := &(*rs)[i]; r.Commitment != nil {
				return r
			}
		}
		ts.Fatalf("nothing is hidden")
		return nil
	}
	switch kind {
	case "sealed":
		result()
		region(c.Run.Outputs).Commitment = &b
	case "unlike", "hidden":
		result()
	case "input":
		region(c.Run.Inputs).Commitment = &b
	case "room":
		region(c.Run.Outputs).Size++
	case "shown":
		var n datamodel.Node = basicnode.NewInt(1)
		c.Out = receipts.Out{Ok: &n}
	case "steps":
		n := int64(3)
		c.Run.Steps = &n
	}
}
