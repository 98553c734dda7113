package cluster

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// ListConfig says which jobs to list.
type ListConfig struct {
	Cursor string // what List returned; empty: from the start
	Limit  int    // jobs at most; 0 or more than MaxPage: MaxPage
	Class  string // empty: all
	State  State  // empty: all
}

// MaxPage bounds the jobs of a page.
const MaxPage = 200

// maxScan bounds the jobs that are looked at for one page: a page may be shorter than its limit, and not the last.
const maxScan = 2000

// List returns a page of jobs: first those that have not ended, in the order in which they came, then those that have, the
// newest first. next is the cursor of the page after it, empty if there is none. A job that ends meanwhile may come twice.
func (e *Engine) List(ctx context.Context, cfg ListConfig) (page []Status, next string, err error) {
	if cfg.Class != "" && !classPattern.MatchString(cfg.Class) {
		return nil, "", fmt.Errorf("%w: class %.40q", ErrInvalid, cfg.Class)
	}
	limit := cfg.Limit
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	at, err := parseCursor(cfg.Cursor)
	if err != nil {
		return nil, "", err
	}
	for n := 0; n < maxScan && len(page) < limit; n++ {
		s, ok, err := e.listed(ctx, &at)
		if err != nil {
			return nil, "", fmt.Errorf("list: %w", err)
		}
		if ok && (cfg.Class == "" || cfg.Class == s.Job.Class) && (cfg.State == "" || cfg.State == s.State) {
			page = append(page, s)
		}
		if at.ended && at.seq == 0 {
			return page, "", nil
		}
	}
	return page, at.String(), nil
}

// place is how far a list has come: number seq of the queues is done, or of the ends, which are read from the last to the first, is
// to come next.
type place struct {
	ended bool
	seq   uint64
}

// listed looks at one job and moves on. There may be none at that place.
func (e *Engine) listed(ctx context.Context, at *place) (Status, bool, error) {
	if !at.ended {
		m, err := next(ctx, e.jobs, jobSubject+">", at.seq+1)
		if err != nil {
			return Status{}, false, err
		}
		if m != nil {
			at.seq = m.Sequence
			return e.queuedJob(ctx, m)
		}
		info, err := e.ends.Info(ctx)
		if err == nil {
			*at = place{ended: true, seq: info.State.LastSeq}
		}
		return Status{}, false, err
	}
	m, err := e.ends.GetMsg(ctx, at.seq)
	at.seq--
	if missing(err) {
		return Status{}, false, nil
	}
	if err != nil || !strings.HasPrefix(m.Subject, endSubject) {
		return Status{}, false, err
	}
	var rec end
	if err := decode(m.Data, &rec, "End"); err != nil {
		return Status{}, false, err
	}
	id, err := rec.Job.job().ID()
	return rec.status(id), true, err
}

// queuedJob is the status of a job in a queue; there is none if it has ended.
func (e *Engine) queuedJob(ctx context.Context, m *jetstream.RawStreamMsg) (Status, bool, error) {
	var rec accepted
	if err := decode(m.Data, &rec, "Accepted"); err != nil {
		return Status{}, false, err
	}
	id, err := rec.Job.job().ID()
	if err != nil {
		return Status{}, false, err
	}
	last, _, err := e.loadEnd(ctx, id)
	if err != nil || last != nil && last.Attempt >= rec.Attempt {
		return Status{}, false, err
	}
	s, err := e.live(ctx, id, &rec)
	return s, true, err
}

func (p place) String() string {
	if p.ended {
		return "e" + strconv.FormatUint(p.seq, 36)
	}
	return "q" + strconv.FormatUint(p.seq, 36)
}

func parseCursor(s string) (place, error) {
	if s == "" {
		return place{}, nil
	}
	seq, err := strconv.ParseUint(s[1:], 36, 64)
	p := place{ended: s[0] == 'e', seq: seq}
	if err != nil || p.String() != s || p.ended && seq == 0 {
		return place{}, fmt.Errorf("%w: cursor %.40q", ErrInvalid, s)
	}
	return p, nil
}
