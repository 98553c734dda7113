package executor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
)

// Commands of the effects that this package knows.
const (
	CommandFileWrite = "/file/write"
	CommandHTTPPost  = "/http/post"
)

func notDone(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotDone, fmt.Sprintf(format, args...))
}

// content returns an argument as bytes: bytes and strings as they are, anything else as DAG-JSON.
func content(args datamodel.Node, key string) ([]byte, error) {
	n, err := args.LookupByString(key)
	if err != nil {
		return nil, notDone("the argument %q is missing", key)
	}
	switch n.Kind() {
	case datamodel.Kind_Bytes:
		return n.AsBytes()
	case datamodel.Kind_String:
		s, err := n.AsString()
		return []byte(s), err
	}
	return block.EncodeJSON(n)
}

func textArg(args datamodel.Node, key string) (string, error) {
	n, err := args.LookupByString(key)
	if err != nil {
		return "", notDone("the argument %q is missing", key)
	}
	s, err := n.AsString()
	if err != nil {
		return "", notDone("the argument %q is not a string", key)
	}
	return s, nil
}

// onlyArgs refuses arguments that an effect does not know.
func onlyArgs(args datamodel.Node, known ...string) error {
	for it := args.MapIterator(); !it.Done(); {
		k, _, err := it.Next()
		if err != nil {
			return notDone("%v", err)
		}
		if s, err := k.AsString(); err != nil || !slices.Contains(known, s) {
			return notDone("unknown argument %.40q, known are %v", s, known)
		}
	}
	return nil
}

// FileWrite is the effect /file/write {name, content} under one directory: name is a relative path that cannot leave it,
// symbolic links included. The file appears whole. It answers {bytes, name}.
func FileWrite(dir string) Effect {
	return func(_ context.Context, _ string, args datamodel.Node) (datamodel.Node, error) {
		if err := onlyArgs(args, "name", "content"); err != nil {
			return nil, err
		}
		name, err := textArg(args, "name")
		if err != nil {
			return nil, err
		}
		data, err := content(args, "content")
		if err != nil {
			return nil, err
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, notDone("the directory for files cannot be opened: %v", err)
		}
		err = writeUnder(root, path.Clean(name), data)
		if err := errors.Join(err, root.Close()); err != nil {
			return nil, notDone("%v", err)
		}
		return qp.BuildMap(basicnode.Prototype.Any, 2, func(ma datamodel.MapAssembler) {
			qp.MapEntry(ma, "bytes", qp.Int(int64(len(data))))
			qp.MapEntry(ma, "name", qp.String(name))
		})
	}
}

func writeUnder(root *os.Root, name string, data []byte) error {
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	tmp := path.Join(path.Dir(name), ".writing-"+rand.Text())
	f, err := root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = root.Rename(tmp, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(tmp))
	}
	return nil
}

// Bounds of an HTTP effect.
const (
	httpTimeout = 30 * time.Second
	maxAnswer   = 1 << 20
)

// HTTPPost is the effect /http/post {url, body, type?} to the hosts that are allowed, each "host" or "host:port". The
// effect's key goes along as Idempotency-Key; redirects are not followed. It answers {status, body}; a status of 400 and
// above is an answer too.
func HTTPPost(allowed []string) Effect {
	// A connection serves one request: over one that was used before, Go's client sends a request with this header again if
	// the connection breaks, since it takes it for idempotent.
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	client := &http.Client{Timeout: httpTimeout, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context, key string, args datamodel.Node) (datamodel.Node, error) {
		req, err := postRequest(ctx, allowed, key, args)
		if err != nil {
			return nil, err
		}
		resp, err := client.Do(req)
		if err != nil {
			var op *net.OpError
			if errors.As(err, &op) && op.Op == "dial" { // no connection, so no request
				return nil, notDone("%v", err)
			}
			return nil, err
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return nil, err
		}
		if len(body) > maxAnswer {
			return nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
		}
		return qp.BuildMap(basicnode.Prototype.Any, 2, func(ma datamodel.MapAssembler) {
			qp.MapEntry(ma, "status", qp.Int(int64(resp.StatusCode)))
			qp.MapEntry(ma, "body", qp.Bytes(body))
		})
	}
}

func postRequest(ctx context.Context, allowed []string, key string, args datamodel.Node) (*http.Request, error) {
	if err := onlyArgs(args, "url", "body", "type"); err != nil {
		return nil, err
	}
	target, err := textArg(args, "url")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, notDone("%.200q is not an http or https URL without credentials", target)
	}
	if !slices.Contains(allowed, u.Host) && !slices.Contains(allowed, u.Hostname()) {
		return nil, notDone("posting to %s is not allowed here", u.Host)
	}
	body, err := content(args, "body")
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, notDone("%v", err)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	if _, err := args.LookupByString("type"); err == nil {
		typ, err := textArg(args, "type")
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", typ)
	}
	req.Header.Set("Idempotency-Key", key)
	return req, nil
}
