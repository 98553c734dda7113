// Command image is a sample guest: one step of a picture pipeline for each run, a WASI command that reads a picture on its
// standard input and writes one on its standard output.
//
//	image crop X Y WIDTH HEIGHT   PNG to PPM: a part of the picture
//	image grey                    PPM to PGM: luma of ITU-R BT.601
//	image blur RADIUS             PPM or PGM to the same: the mean of a square around each pixel
//	image encode                  PPM or PGM to PNG
//
// All arithmetic on pixels is on integers. Exit status: 1 for a picture that cannot be read, 2 for bad usage.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// errUsage marks errors in the arguments.
var errUsage = errors.New("usage: image crop X Y WIDTH HEIGHT | grey | blur RADIUS | encode")

func main() {
	out := bufio.NewWriter(os.Stdout)
	err := step(os.Args[1:], os.Stdin, out)
	if err == nil {
		err = out.Flush()
	}
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// step runs one step. An error that wraps [errUsage] is about args.
func step(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	nums, err := numbers(args[1:])
	if err != nil {
		return err
	}
	want, ok := map[string]int{"crop": 4, "grey": 0, "blur": 1, "encode": 0}[args[0]]
	if !ok || want != len(nums) {
		return errUsage
	}
	if args[0] == "crop" {
		p, err := readPNG(in)
		if err != nil {
			return err
		}
		if p, err = p.crop(nums[0], nums[1], nums[2], nums[3]); err != nil {
			return err
		}
		return p.writePNM(out)
	}
	p, err := readPNM(in)
	if err != nil {
		return err
	}
	switch args[0] {
	case "grey":
		return p.grey().writePNM(out)
	case "blur":
		return p.blur(min(nums[0], max(p.width, p.height))).writePNM(out)
	}
	return p.writePNG(out)
}

// numbers parses arguments as integers from 0 to [maxSide].
func numbers(args []string) ([]int, error) {
	out := make([]int, len(args))
	for i, s := range args {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > maxSide {
			return nil, fmt.Errorf("%q is not a number from 0 to %d\n%w", s, maxSide, errUsage)
		}
		out[i] = n
	}
	return out, nil
}
