package cluster_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/store"
)

// The test's binary is also the processes that faults are about: what they do is named by an environment variable.
const roleVar = "TRILEMMA_TEST_ROLE"

var roles = map[string]func(get func(string) string) error{"service": service, "worker": remoteWorker, "executor": remoteExecutor, "nats": natsServer}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		os.Exit(1)
	}
}

// service is a process with an engine in it. It submits the jobs from FROM on, up to JOBS, and does them until it is killed. It
// says which jobs were accepted.
func service(get func(string) string) error {
	ctx := context.Background()
	e, err := cluster.Open(ctx, cluster.Config{Dir: filepath.Join(get("DIR"), "engine")})
	if err != nil {
		return err
	}
	h, err := faultHandler(e, get("DIR"))
	if err != nil {
		return err
	}
	from, err := strconv.Atoi(get("FROM"))
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(get("JOBS"))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	done := make(chan error, 1)
	go func() { done <- e.Work(ctx, faultWorker(h)) }()
	for i := from; i < n; i++ {
		w, err := compile(faultTasks(i))
		if err != nil {
			return err
		}
		j, blocks := runJob(w)
		if _, err := e.Submit(ctx, j, blocks...); err != nil {
			return err
		}
		fmt.Println("accepted", i)
	}
	return <-done
}

func faultWorker(h cluster.Handler) cluster.WorkerConfig {
	return cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": h}, Slots: map[string]int{"execute": 3},
		AckWait: time.Second, Backoff: 10 * time.Millisecond, MaxTries: 100}
}

// faultTasks are a task of its own and an effect that awaits it.
func faultTasks(i int) string {
	return fmt.Sprintf(`"work": {"run": {"mod": "text.wasm", "fun": "fib", "params": [18]}, "nonce": "%d"},
		"tell": {"effect": {"cmd": "/test/tell", "args": {"what": "job %d", "after": {"await/ok": "work"}}}}`, i, i)
}

// faultHandler runs workflows whose effects are lines of a file.
func faultHandler(e *cluster.Engine, dir string) (cluster.Handler, error) {
	memo, err := store.OpenDir(filepath.Join(dir, "memo"))
	if err != nil {
		return nil, err
	}
	return executeOn(e, memo, map[string]executor.Effect{"/test/tell": func(_ context.Context, key string, args datamodel.Node) (datamodel.Node, error) {
		f, err := os.OpenFile(filepath.Join(dir, "world"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		_, err = fmt.Fprintln(f, key)
		time.Sleep(2 * time.Millisecond) // so that there is something to be killed in
		return args, errors.Join(err, f.Close())
	}})
}

// remoteWorker joins an engine elsewhere, and says what it begins. Each job takes SLOW.
func remoteWorker(get func(string) string) error {
	ctx := context.Background()
	e, err := cluster.Open(ctx, cluster.Config{URL: get("URL")})
	if err != nil {
		return err
	}
	slow, err := time.ParseDuration(get("SLOW"))
	if err != nil {
		return err
	}
	h := echo(e)
	fmt.Println("ready")
	return e.Work(ctx, faultWorker(func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		fmt.Println("began", w.ID)
		time.Sleep(slow)
		return h(ctx, w)
	}))
}

// remoteExecutor joins an engine elsewhere, and does runs with effects.
func remoteExecutor(get func(string) string) error {
	ctx := context.Background()
	e, err := cluster.Open(ctx, cluster.Config{URL: get("URL")})
	if err != nil {
		return err
	}
	h, err := faultHandler(e, get("DIR"))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return e.Work(ctx, faultWorker(h))
}

// natsServer is a NATS server, alone or with ROUTES to others.
func natsServer(get func(string) string) error {
	port, err := strconv.Atoi(get("PORT"))
	if err != nil {
		return err
	}
	opts := &server.Options{ServerName: get("NAME"), Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: get("DIR"), SyncAlways: true, NoSigs: true}
	if routes := get("ROUTES"); routes != "" {
		own, err := url.Parse(get("ROUTE"))
		if err != nil {
			return err
		}
		routePort, err := strconv.Atoi(own.Port())
		if err != nil {
			return err
		}
		opts.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: routePort}
		opts.Routes = server.RoutesFromStr(routes)
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	ns.Start()
	if !ns.ReadyForConnections(time.Minute) {
		return errors.New("not ready")
	}
	fmt.Println("ready")
	ns.WaitForShutdown()
	return nil
}

// process is one of the roles, running.
type process struct {
	*exec.Cmd
	stderr bytes.Buffer
	lines  chan string // what it says; closed when it has ended

	mu   sync.Mutex
	said []string // owned by mu
}

func spawn(t testing.TB, role string, env ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(exe), lines: make(chan string, 1<<16)}
	p.Env = append(append(os.Environ(), roleVar+"="+role), env...)
	p.Stderr = &p.stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() }) // it may have ended
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.mu.Lock()
			p.said = append(p.said, s.Text())
			p.mu.Unlock()
			p.lines <- s.Text()
		}
	}()
	return p
}

// until waits for a line that begins with prefix.
func (p *process) until(t testing.TB, prefix string) string {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				t.Fatalf("it ended before it said %q: %v, %s", prefix, p.Wait(), &p.stderr)
			}
			if strings.HasPrefix(l, prefix) {
				return l
			}
		case <-limit:
			t.Fatalf("it never said %q", prefix)
		}
	}
}

// kill ends the process at once, and returns all that it said.
func (p *process) kill(t testing.TB) []string {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range p.lines {
	}
	_ = p.Wait() // killed
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said
}
