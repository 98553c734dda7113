package cluster_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
)

func ExampleJob_ID() {
	j := cluster.Job{Class: cluster.ClassExecute, Mode: "run", Subject: block.Raw([]byte("a workflow")).CID}
	fmt.Println(j.ID())
	// Output: execute-bafyreidpp2y6ulfb47lj2xmk444xc5hvjr7wxciqbsv5eqcutngqlspy5a <nil>
}

// TestID: jobs that differ in anything that decides their outcome are different jobs.
func TestID(t *testing.T) {
	base := job(1)
	seen := map[cluster.ID]string{mustID(t, base): "base"}
	for name, edit := range map[string]func(*cluster.Job){
		"class":   func(j *cluster.Job) { j.Class = "check" },
		"mode":    func(j *cluster.Job) { j.Mode = "other" },
		"subject": func(j *cluster.Job) { j.Subject = block.Raw([]byte("other")).CID },
		"params":  func(j *cluster.Job) { j.Params = []byte("other") },
		"none":    func(j *cluster.Job) { j.Params = nil },
	} {
		j := base
		edit(&j)
		id := mustID(t, j)
		if was, ok := seen[id]; ok {
			t.Errorf("%s and %s have one identity", name, was)
		}
		seen[id] = name
		if back, err := cluster.ParseID(string(id)); err != nil || back != id || id.Class() != j.Class {
			t.Errorf("%s: read back as %s, %v", id, back, err)
		}
	}
	secret := base
	secret.Secret = true
	if mustID(t, secret) != mustID(t, base) {
		t.Error("that a job is secret is a part of its identity")
	}
	for name, j := range map[string]cluster.Job{
		"no class":     {Mode: "run", Subject: base.Subject},
		"class":        {Class: "a.b", Mode: "run", Subject: base.Subject},
		"mode":         {Class: "execute", Mode: "*", Subject: base.Subject},
		"long mode":    {Class: "execute", Mode: strings.Repeat("x", 65), Subject: base.Subject},
		"no subject":   {Class: "execute", Mode: "run"},
		"odd subject":  {Class: "execute", Mode: "run", Subject: cid.NewCidV0(base.Subject.Hash())},
		"large params": {Class: "execute", Mode: "run", Subject: base.Subject, Params: make([]byte, cluster.MaxParams+1)},
	} {
		if _, err := j.ID(); !errors.Is(err, cluster.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := string(mustID(t, base))
	for _, bad := range []string{"", "-", "execute", "execute-", good + "a", strings.ToUpper(good), "execute-Q" + good[9:], "a.b-" + good[8:], "execute-" + base.Subject.Hash().B58String()} {
		if id, err := cluster.ParseID(bad); !errors.Is(err, cluster.ErrInvalid) {
			t.Errorf("ParseID(%q) = %s, %v", bad, id, err)
		}
	}
}

// TestSecret: what is secret is refused before anything of it is written.
func TestSecret(t *testing.T) {
	e := open(t, filepath.Join(t.TempDir(), "engine"))
	j := job(1)
	j.Secret = true
	secret := block.Raw([]byte("a secret input"))
	if _, err := e.Submit(t.Context(), j, secret); !errors.Is(err, cluster.ErrSecret) {
		t.Errorf("submitted: %v", err)
	}
	if e.Writes() != 0 {
		t.Errorf("%d writes", e.Writes())
	}
	if _, err := e.Job(t.Context(), mustID(t, j)); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("it is known: %v", err)
	}
}

func TestConfig(t *testing.T) {
	for name, cfg := range map[string]cluster.Config{
		"nothing":       {},
		"both":          {Dir: "x", URL: "nats://127.0.0.1:1"},
		"many copies":   {URL: "nats://127.0.0.1:1", Replicas: 9},
		"copies in one": {Dir: "x", Replicas: 3},
		"nobody there":  {URL: "nats://127.0.0.1:1"},
	} {
		if e, err := cluster.Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: opened, %v", name, e.Close())
		}
	}
}
