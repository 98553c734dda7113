package httpapi

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"github.com/trilemma-dev/trilemma/capability"
)

// need is what an operation asks of whoever calls it.
type need struct {
	command string // of the invocation; empty: nothing is asked
	body    int64  // greatest size of the body
	public  bool   // everybody may, if the service's content is public
	watch   bool   // it is an event stream
}

// grant is a request that was let in.
type grant struct {
	principal string            // did:key, or an address
	bound     *capability.Bound // nil if no token was needed
	body      *body
}

type grantKey struct{}

// granted returns the grant of a request; every guarded handler has one.
func granted(ctx context.Context) *grant {
	g, _ := ctx.Value(grantKey{}).(*grant)
	if g == nil {
		return &grant{body: &body{}}
	}
	return g
}

// use checks what a request turned out to ask for against what its invocation says.
func (g *grant) use(u capability.Use) error {
	if g.bound == nil {
		return nil
	}
	return g.bound.Use(u)
}

// gate lets requests in. The order is that of cost: the sender's rate, the token, the DID's rate, the body, the nonce.
type gate struct {
	cfg       *Config
	addresses rates
	dids      rates
	active    counts
	watchers  counts
	authority *authority
}

func newGate(cfg *Config, start time.Time) *gate {
	return &gate{cfg: cfg, addresses: rates{limit: cfg.Limits.Rate}, dids: rates{limit: cfg.Limits.DIDRate},
		active: counts{most: cfg.Limits.Concurrency}, watchers: counts{most: cfg.Limits.Watchers}, authority: newAuthority(cfg, start)}
}

// guard is the gate as a middleware.
func (s *Server) guard(n need) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c := humagin.Unwrap(ctx)
		s.enter(c, n, func() { next(ctx) })
	}
}

// enter lets a request in and runs next for it, or answers with the problem.
func (s *Server) enter(c *gin.Context, n need, next func()) {
	g, leave, p := s.gate.enter(c, n)
	if p != nil {
		s.report(c.Request.Context(), p)
		// What is left of a body is not worth reading.
		c.Header("Connection", "close")
		p.write(c)
		return
	}
	defer leave()
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), grantKey{}, g))
	c.Request.Body = g.body
	next()
}

func (g *gate) enter(c *gin.Context, n need) (*grant, func(), *Problem) {
	now := g.cfg.Now()
	sender := senderOf(c.ClientIP())
	if wait, ok := g.addresses.take(sender, now); !ok {
		return nil, nil, later(CodeRate, wait, "more than %g requests a second from %s", g.cfg.Limits.Rate, sender)
	}
	out := &grant{principal: sender, body: &body{}}
	asked, p := g.authority.admit(c, n)
	if p != nil {
		return nil, nil, p
	}
	if asked != nil {
		out.principal, out.bound = asked.grant.Issuer, asked.bound
		if wait, ok := g.dids.take(out.principal, now); !ok {
			return nil, nil, later(CodeRate, wait, "more than %g requests a second by %s", g.cfg.Limits.DIDRate, out.principal)
		}
	}
	count := &g.active
	if n.watch {
		count = &g.watchers
	}
	if !count.enter(out.principal) {
		return nil, nil, later(CodeConcurrency, time.Second, "%d requests at a time are being answered", count.most)
	}
	leave := func() {
		count.leave(out.principal)
		out.body.discard()
	}
	if out.body, p = readBody(c, n.body, g.cfg); p == nil && asked != nil {
		p = g.authority.spend(asked, out.body.digest, now)
	}
	if p != nil {
		leave()
		return nil, nil, p
	}
	return out, leave, nil
}

// senderOf is what counts as one sender: an IPv4 address, or an IPv6 network of 64 bits.
func senderOf(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil && !a.IsLoopback() {
			return p.String()
		}
	}
	return a.String()
}

// fromHere reports whether a request comes from this machine and not through somebody: no proxy, and no page of another site in a
// browser on this machine, whatever name that page gave this machine.
func fromHere(r *http.Request) *Problem {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if a, perr := netip.ParseAddr(host); err != nil || perr != nil || !a.Unmap().IsLoopback() {
		return problem(CodeNoToken, "only requests from this machine need no token").header("WWW-Authenticate", "Bearer")
	}
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return problem(CodeNoToken, "a proxy's requests need a token").header("WWW-Authenticate", "Bearer")
		}
	}
	if !localName(r.Host) {
		return problem(CodeForeign, "the host %.100q is not this machine", r.Host)
	}
	if o := r.Header.Get("Origin"); o != "" {
		if u, err := url.Parse(o); err != nil || u.Host != r.Host {
			return problem(CodeForeign, "a page of %.100q asks", o)
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return problem(CodeForeign, "a page of another site asks")
	}
	return nil
}

// localName reports whether a host, with or without a port, names this machine.
func localName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	a, err := netip.ParseAddr(trimBrackets(host))
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

func trimBrackets(s string) string {
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		return s[1 : len(s)-1]
	}
	return s
}

// rates are token buckets by key; each holds two seconds' worth.
type rates struct {
	limit float64

	mu sync.Mutex
	by map[string]*rate.Limiter
}

// maxSenders bounds for how many keys buckets are kept.
const maxSenders = 50_000

// take takes a token, or tells when there will be one.
func (r *rates) take(key string, now time.Time) (time.Duration, bool) {
	r.mu.Lock()
	l := r.by[key]
	if l == nil {
		if len(r.by) >= maxSenders {
			r.forget(now)
		}
		if r.by == nil {
			r.by = make(map[string]*rate.Limiter)
		}
		l = rate.NewLimiter(rate.Limit(r.limit), max(1, int(2*r.limit)))
		r.by[key] = l
	}
	r.mu.Unlock()
	if l.AllowN(now, 1) {
		return 0, true
	}
	return time.Duration(float64(time.Second) / r.limit), false
}

// forget drops the buckets that are full, which says the same as none; if too few are, all of them.
func (r *rates) forget(now time.Time) {
	for k, l := range r.by {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(r.by, k)
		}
	}
	if len(r.by) > maxSenders*9/10 {
		clear(r.by)
	}
}

// counts bounds what goes on at a time under a key.
type counts struct {
	most int

	mu sync.Mutex
	by map[string]int
}

func (c *counts) enter(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by[key] >= c.most {
		return false
	}
	if c.by == nil {
		c.by = make(map[string]int)
	}
	c.by[key]++
	return true
}

func (c *counts) leave(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by[key]--; c.by[key] == 0 {
		delete(c.by, key)
	}
}
