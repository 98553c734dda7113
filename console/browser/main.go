//go:build js && wasm

// Command browser is the verifier for a browser's worker: it offers the functions of package evidence to JavaScript, as the object trilemma, and then waits to be asked. Each
// function returns a promise; results are JSON as text, but for blocks.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"syscall/js"

	"github.com/trilemma-dev/trilemma/console/evidence"
)

// desk holds the files that were read, by the numbers that the page gave them. Functions run one at a time: JavaScript has one thread.
type desk struct {
	files map[int]*evidence.File
}

func main() {
	debug.SetGCPercent(50) // memory that a worker took it keeps
	d := &desk{files: map[int]*evidence.File{}}
	js.Global().Set("trilemma", map[string]any{
		"open": promise(func(args []js.Value) (any, error) {
			f, err := evidence.Read(bytesOf(args[0]))
			if err != nil {
				return nil, err
			}
			number := args[1].Int()
			d.files[number] = f
			return text(struct {
				File int `json:"file"`
				evidence.Summary
			}{number, f.Summary})
		}),
		"close": promise(func(args []js.Value) (any, error) {
			delete(d.files, args[0].Int())
			return nil, nil
		}),
		"block": promise(func(args []js.Value) (any, error) {
			f, err := d.file(args[0])
			if err != nil {
				return nil, err
			}
			data, err := f.Block(args[1].String())
			if err != nil {
				return nil, err
			}
			out := js.Global().Get("Uint8Array").New(len(data))
			js.CopyBytesToJS(out, data)
			return out, nil
		}),
		"verify": promise(func(args []js.Value) (any, error) {
			f, err := d.file(args[0])
			if err != nil {
				return nil, err
			}
			var ask evidence.Ask
			if err := json.Unmarshal([]byte(args[1].String()), &ask); err != nil {
				return nil, err
			}
			rep, err := f.Verify(context.Background(), ask, func(done int) { args[2].Invoke(done) })
			if err != nil {
				return nil, err
			}
			return text(rep)
		}),
		"segment": promise(func(args []js.Value) (any, error) {
			f, err := d.file(args[0])
			if err != nil {
				return nil, err
			}
			found, err := f.Segment(context.Background(), args[1].String(), uint64(args[2].Int()))
			if err != nil {
				return nil, err
			}
			return text(found)
		}),
		"tokens": promise(func(args []js.Value) (any, error) {
			found, err := evidence.Tokens(context.Background(), bytesOf(args[0]))
			if err != nil {
				return nil, err
			}
			return text(found)
		}),
		"challenge": promise(func(args []js.Value) (any, error) {
			f, err := d.file(args[0])
			if err != nil {
				return nil, err
			}
			var open []byte
			if args[2].Truthy() {
				open = bytesOf(args[2])
			}
			made, err := f.Challenge(int64(args[1].Int()), open)
			if err != nil {
				return nil, err
			}
			return text(made)
		}),
		"answered": promise(func(args []js.Value) (any, error) {
			f, err := d.file(args[0])
			if err != nil {
				return nil, err
			}
			answer, err := evidence.Read(bytesOf(args[2]))
			if err != nil {
				return nil, err
			}
			rep, err := f.Answered(context.Background(), bytesOf(args[1]), answer, nil)
			if err != nil {
				return nil, err
			}
			return text(rep)
		}),
		"respond": promise(func(args []js.Value) (any, error) {
			f, err := d.file(args[0])
			if err != nil {
				return nil, err
			}
			reply, err := f.Respond(context.Background(), args[1].String(), bytesOf(args[2]))
			if err != nil {
				return nil, err
			}
			return text(reply)
		}),
		"settle": promise(func(args []js.Value) (any, error) {
			a, err := d.file(args[0])
			if err != nil {
				return nil, err
			}
			b, err := d.file(args[1])
			if err != nil {
				return nil, err
			}
			found, err := evidence.Settle(context.Background(), a, b, uint64(args[2].Int()))
			if err != nil {
				return nil, err
			}
			return text(found)
		}),
	})
	js.Global().Call("trilemmaReady")
	select {}
}

func (d *desk) file(v js.Value) (*evidence.File, error) {
	f, ok := d.files[v.Int()]
	if !ok {
		return nil, errors.New("there is no such file")
	}
	return f, nil
}

func text(v any) (string, error) {
	data, err := json.Marshal(v)
	return string(data), err
}

func bytesOf(v js.Value) []byte {
	data := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(data, v)
	return data
}

// promise makes a JavaScript function of f. A panic of what hostile bytes reach is an error to whoever asked.
func promise(f func(args []js.Value) (any, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		var executor js.Func
		executor = js.FuncOf(func(_ js.Value, settle []js.Value) any {
			executor.Release()
			go func() {
				defer func() {
					if r := recover(); r != nil {
						settle[1].Invoke(fmt.Sprintf("the verifier failed: %v", r))
					}
				}()
				out, err := f(args)
				if err != nil {
					settle[1].Invoke(err.Error())
					return
				}
				settle[0].Invoke(out)
			}()
			return nil
		})
		return js.Global().Get("Promise").New(executor)
	})
}
