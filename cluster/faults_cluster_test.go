package cluster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/trilemma-dev/trilemma/cluster"
)

// freePorts are ports of the loopback interface that were free just now.
func freePorts(t testing.TB, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
		defer func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}()
	}
	return ports
}

// join opens an engine that is elsewhere, once it can be opened.
func join(t testing.TB, cfg cluster.Config) *cluster.Engine {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		e, err := cluster.Open(ctx, cfg)
		cancel()
		if err == nil {
			t.Cleanup(func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
			return e
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// workerKilled kills one of two workers that are about jobs of half a second.
func workerKilled(t *testing.T) row {
	port := freePorts(t, 1)[0]
	url := "nats://127.0.0.1:" + port
	spawn(t, "nats", "NAME=alone", "PORT="+port, "DIR="+t.TempDir()).until(t, "ready")
	e := join(t, cluster.Config{URL: url})
	const jobs = 12
	for i := range jobs {
		submit(t, e, job(i))
	}
	victim := spawn(t, "worker", "URL="+url, "SLOW=500ms")
	victim.until(t, "began")
	victim.until(t, "began")
	victim.until(t, "began")
	began := victim.kill(t)
	other := spawn(t, "worker", "URL="+url, "SLOW=500ms")
	other.until(t, "ready")
	start := time.Now()
	for i := range jobs {
		if last := ended(t, e, mustID(t, job(i))); last.State != cluster.Done {
			t.Errorf("job %d ended as %s", i, last.State)
		}
	}
	took := time.Since(start)
	if n := len(feed(t, e, 0, jobs)); n != jobs {
		t.Errorf("%d entries in the feed", n)
	}
	again := 0
	said := other.kill(t)
	for _, l := range began {
		if strings.HasPrefix(l, "began") && slices.Contains(said, l) {
			again++
		}
	}
	if again == 0 {
		t.Error("nothing that the killed worker had begun was done by the other one")
	}
	return row{fmt.Sprintf("`kill -9` of a worker with 3 jobs of 0.5 s on its hands, %d queued", jobs),
		fmt.Sprintf("all %d ended %.1f s later, %d of them begun by the killed worker and done again elsewhere; 0 lost, 0 doubled", jobs, took.Seconds(), again)}
}

// workersFrozen makes processes that do runs with effects stand still for longer than their jobs stay with them, and go on; some are
// killed. Two of them are then about the same run at the same time.
func workersFrozen(t *testing.T) row {
	const hands = 3
	rounds := 6
	if *full {
		rounds = 20
	}
	jobs := 30 * rounds
	port, dir := freePorts(t, 1)[0], t.TempDir()
	url := "nats://127.0.0.1:" + port
	spawn(t, "nats", "NAME=alone", "PORT="+port, "DIR="+t.TempDir()).until(t, "ready")
	e := join(t, cluster.Config{URL: url})
	hire := func() *process {
		p := spawn(t, "executor", "URL="+url, "DIR="+dir)
		p.until(t, "ready")
		return p
	}
	var workers []*process
	for range hands {
		workers = append(workers, hire())
	}
	accepted := map[string]bool{}
	killed := 0
	for round := range rounds {
		var submitting sync.WaitGroup
		for i := round * jobs / rounds; i < (round+1)*jobs/rounds; i++ {
			w, err := compile(faultTasks(i))
			j, blocks := runJob(must(t, w, err))
			accepted[fmt.Sprint(i)] = true
			submitting.Go(func() {
				if _, err := e.Submit(t.Context(), j, blocks...); err != nil {
					t.Error(err)
				}
			})
		}
		victim := round % hands
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond) // it has jobs on its hands
		if err := workers[victim].Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		submitting.Wait()
		time.Sleep(1500 * time.Millisecond) // its jobs are others' by now
		if round%3 == 2 {
			workers[victim].kill(t)
			workers[victim] = hire()
			killed++
		} else if err := workers[victim].Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	s := survey(t, e, dir, accepted)
	return row{fmt.Sprintf("one of %d workers stands still for longer than its jobs stay with it, %d times, and %d times is killed then, while %d runs with one effect each are done", hands, rounds, killed, jobs),
		fmt.Sprintf("all %d ended, 0 receipts lost or doubled; %d effects done, 0 twice, %d said to be unknown", s.ended, s.done, s.unknown)}
}

// serverKilled kills the one NATS server that there is, while jobs are submitted and done, and starts it again.
func serverKilled(t *testing.T) row {
	const kills, perKill = 3, 20
	port, dir := freePorts(t, 1)[0], t.TempDir()
	start := func() *process {
		p := spawn(t, "nats", "NAME=alone", "PORT="+port, "DIR="+dir)
		p.until(t, "ready")
		return p
	}
	server := start()
	e := join(t, cluster.Config{URL: "nats://127.0.0.1:" + port})
	stop := work(t, e, faultWorker(echo(e)))
	accepted, refused := 0, 0
	for range kills {
		for range perKill {
			refused += insist(t, e, job(accepted))
			accepted++
		}
		server.kill(t)
		time.Sleep(500 * time.Millisecond)
		server = start()
	}
	refused += insist(t, e, job(accepted))
	accepted++
	allOnce(t, e, accepted)
	last := 0
	err := e.Watch(t.Context(), mustID(t, job(0)), 0, func(cluster.Event) error { last++; return nil })
	if err != nil || last != 1 {
		t.Errorf("a job that is done tells %d things: %v", last, err)
	}
	// News travel as before, though the stream that they came by is another.
	submit(t, e, job(accepted))
	begun := time.Now()
	if last := ended(t, e, mustID(t, job(accepted))); last.State != cluster.Done || time.Since(begun) > 8*time.Second {
		t.Errorf("after the restart the news of %s took %v", last.State, time.Since(begun))
	}
	stop() // while there is a server
	return row{fmt.Sprintf("`kill -9` of the only NATS server, %d times, while %d jobs are submitted and done", kills, accepted),
		fmt.Sprintf("all %d ended, each once in the feed; %d submissions had to be repeated", accepted, refused)}
}

// insist submits a job until it is accepted, and counts the refusals: the job is the same, so that asking again is harmless.
func insist(t testing.TB, e *cluster.Engine, j cluster.Job) (refused int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		_, err := e.Submit(t.Context(), j)
		if err == nil {
			return refused
		}
		if refused++; time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// allOnce waits for the end of the first n jobs, and looks for each in the feed.
func allOnce(t testing.TB, e *cluster.Engine, n int) {
	t.Helper()
	for i := range n {
		if last := endedSoon(t, e, mustID(t, job(i))); last.State != cluster.Done {
			t.Errorf("job %d ended as %s: %s", i, last.State, last.Error)
		}
	}
	jobs := map[cluster.ID]bool{}
	for _, entry := range feed(t, e, 0, n) {
		if jobs[entry.Job] {
			t.Errorf("%s is in the feed twice", entry.Job)
		}
		jobs[entry.Job] = true
	}
}

// leaderKilled kills the leader of three NATS servers while jobs are submitted and done, starts it again, and kills the next one.
func leaderKilled(t *testing.T) row {
	const nodes, perKill = 3, 40
	kills := 1
	if *full {
		kills = 3
	}
	ports := freePorts(t, 2*nodes)
	var urls, routes []string
	for i := range nodes {
		urls = append(urls, "nats://127.0.0.1:"+ports[i])
		routes = append(routes, "nats://127.0.0.1:"+ports[nodes+i])
	}
	start := func(i int, dir string) *process {
		return spawn(t, "nats", fmt.Sprint("NAME=n", i), "PORT="+ports[i], "DIR="+dir, "ROUTE="+routes[i], "ROUTES="+strings.Join(routes, ","))
	}
	var servers []*process
	var dirs []string
	for i := range nodes {
		dirs = append(dirs, t.TempDir())
		servers = append(servers, start(i, dirs[i]))
	}
	for _, s := range servers {
		s.until(t, "ready")
	}
	e := join(t, cluster.Config{URL: strings.Join(urls, ","), Replicas: nodes})
	work(t, e, faultWorker(echo(e)))
	lead := leaders(t, urls)
	accepted, refused := 0, 0
	for range kills {
		name := lead("trilemma-ends")
		var victim int
		if _, err := fmt.Sscanf(name, "n%d", &victim); err != nil {
			t.Fatalf("leader %q: %v", name, err)
		}
		var killed sync.WaitGroup
		for i := range perKill {
			if i == perKill/4 {
				killed.Go(func() { servers[victim].kill(t) })
			}
			refused += insist(t, e, job(accepted))
			accepted++
		}
		killed.Wait()
		servers[victim] = start(victim, dirs[victim])
		servers[victim].until(t, "ready")
	}
	allOnce(t, e, accepted)
	return row{fmt.Sprintf("`kill -9` of the leader of three NATS servers, %d times, while %d jobs are submitted and done", kills, accepted),
		fmt.Sprintf("all %d ended, each once in the feed; %d submissions had to be repeated", accepted, refused)}
}

// endedSoon waits for the end of a job though there may be nobody to ask for a while.
func endedSoon(t testing.TB, e *cluster.Engine, id cluster.ID) cluster.Status {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		s, err := e.Job(t.Context(), id)
		if err == nil && s.State.Final() {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, %v", s, err)
		}
	}
}

// leaders tells which server leads a stream.
func leaders(t testing.TB, urls []string) func(stream string) string {
	t.Helper()
	nc, err := nats.Connect(strings.Join(urls, ","), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return func(stream string) string {
		for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			s, err := js.Stream(t.Context(), stream)
			if err == nil && s.CachedInfo().Cluster != nil && s.CachedInfo().Cluster.Leader != "" {
				return s.CachedInfo().Cluster.Leader
			}
			if time.Now().After(end) {
				t.Fatalf("leader of %s: %v", stream, err)
			}
		}
	}
}
