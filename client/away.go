package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// ErrLost says that an answer broke off, or that what stands before the service (a proxy) does not reach it.
var ErrLost = errors.New("the connection to the service is lost")

// Away reports whether an error says that there is no service at the moment, or one that is busy, fails or has just begun: the same request may do later,
// though what it asked for may have been done already. The error of a context whose time is over cannot be told from that of a slow service: ask the context.
func Away(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests || p.Code == codeReplay
	}
	_, unreached := errors.AsType[*url.Error](err)
	return unreached || errors.Is(err, ErrLost)
}

// proxied reports whether a status is one that proxies give when they do not reach a service.
func proxied(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// codeReplay is of a problem with a token that could be a replay: all are that were signed before the second after the service began, by its clock.
const codeReplay = "token/replay"

// Requests that are refused for codeReplay are signed again, so many times and so much later. Nothing had been done for them.
const (
	resigned   = 3
	resignedIn = time.Second
)
