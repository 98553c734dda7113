package client_test

import (
	"context"
	"fmt"
	"log"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/guests"
)

// Example has a service run a module, fetches the evidence and has it verified.
func Example() {
	ctx := context.Background()
	url, stop := service() // trilemma serve, elsewhere
	defer stop()
	c, err := client.New(client.Config{URL: url})
	if err != nil {
		log.Fatal(err)
	}
	module, err := guests.Module("fib")
	if err != nil {
		log.Fatal(err)
	}
	b := block.Raw(module)
	if err := c.Put(ctx, b); err != nil {
		log.Fatal(err)
	}
	w, err := c.Compile(ctx, "application/json", fmt.Appendf(nil,
		`{"trilemma": "workflow/1", "tasks": {"f": {"run": {"mod": %q, "fun": "fib", "params": [20]}}}}`, b.CID))
	if err != nil {
		log.Fatal(err)
	}
	job, err := c.Run(ctx, client.RunRequest{Workflow: w.Workflow})
	if err == nil {
		job, err = c.Wait(ctx, job, nil)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("fib(20) =", string(job.Run.Tasks["f"].Out))

	bundle, err := c.Bundle(ctx, job.Run.Run) // every block is checked
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the bundle is of that run:", bundle.Root.String() == job.Run.Run)

	check, err := c.Verify(ctx, client.VerifyRequest{Run: job.Run.Run, Mode: "rerun"})
	if err == nil {
		check, err = c.Wait(ctx, check, nil)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the service's own verdict:", check.Report.Outcome)
	// Output:
	// fib(20) = 6765
	// the bundle is of that run: true
	// the service's own verdict: valid
}
