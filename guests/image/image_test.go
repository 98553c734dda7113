package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/internal/programtest"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/wasm"
)

// guest runs this program as the Go compiler makes it for WASI, linked and metered.
func guest(t *testing.T) func(stdin []byte, args ...string) link.Result {
	t.Helper()
	file := programtest.BuildWASI(t, ".")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasm.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Link(m, link.Entry{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := runtime.New(t.Context(), runtime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(context.Background()) })
	return func(stdin []byte, args ...string) link.Result {
		t.Helper()
		streams, err := link.CommandStreams(args, nil, stdin, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Run(t.Context(), l, streams, link.Limits{Fuel: 1e9, Memory: link.DefaultPages, Output: link.DefaultOutput})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// TestGuest runs the pipeline of examples/image.json on its picture. Its oracle is the definition of each step, computed
// from the pixels that image/png reads here.
func TestGuest(t *testing.T) {
	run := guest(t)
	original, err := os.ReadFile("../../examples/picture.png")
	if err != nil {
		t.Fatal(err)
	}
	const x0, y0, width, height = 6, 12, 72, 84
	picture := original
	for _, args := range []string{fmt.Sprint("crop ", x0, " ", y0, " ", width, " ", height), "grey", "blur 1", "encode"} {
		r := run(picture, strings.Fields(args)...)
		if r.Outcome.Kind != link.OK || len(r.Streams[link.OutStderr]) != 0 {
			t.Fatalf("%s: %v: %s", args, r.Outcome, r.Streams[link.OutStderr])
		}
		picture = r.Streams[link.OutStdout]
	}
	from, err := png.Decode(bytes.NewReader(original))
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	if b := got.Bounds(); b.Dx() != width || b.Dy() != height || got.ColorModel() != color.GrayModel {
		t.Fatalf("the result is %v, grey: %v", b, got.ColorModel() == color.GrayModel)
	}
	luma := func(x, y int) int {
		x, y = min(max(x, 0), width-1), min(max(y, 0), height-1)
		c := color.NRGBAModel.Convert(from.At(x0+x, y0+y)).(color.NRGBA)
		return (299*int(c.R) + 587*int(c.G) + 114*int(c.B) + 500) / 1000
	}
	for y := range height {
		for x := range width {
			sum := 0
			for i := range 9 {
				sum += luma(x+i%3-1, y+i/3-1)
			}
			if want, have := byte((sum+4)/9), got.At(x, y).(color.Gray).Y; have != want {
				t.Fatalf("pixel (%d, %d) is %d, want %d", x, y, have, want)
			}
		}
	}
}

// TestGuestFailures: what is wrong ends with a status and a message, and writes no picture.
func TestGuestFailures(t *testing.T) {
	run := guest(t)
	for _, c := range []struct {
		args, stdin string
		code        uint32
		message     string
	}{
		{"", "", 2, "usage: image crop"},
		{"turn 90", "", 2, "usage: image crop"},
		{"grey 1", "", 2, "usage: image crop"},
		{"blur -1", "", 2, `"-1" is not a number from 0 to 4096`},
		{"crop 0 0 1 1", "GIF89a is another format", 1, "image: png: invalid format: not a PNG file"},
		{"grey", "P6\n2 1\n255\nabc", 1, `image: not a header as in "P6\n2 1\n255\n" and 6 bytes of pixels`},
		{"grey", "P6\n9999 1\n255\n", 1, "image: a picture of 9999 by 1 pixels: each must be from 1 to 4096"},
	} {
		r := run([]byte(c.stdin), strings.Fields(c.args)...)
		if want := (link.Outcome{Kind: link.Exit, Code: c.code}); r.Outcome != want {
			t.Errorf("%q: %v, want %v", c.args, r.Outcome, want)
		}
		if msg := string(r.Streams[link.OutStderr]); !strings.HasPrefix(msg, c.message) || len(r.Streams[link.OutStdout]) != 0 {
			t.Errorf("%q: says %q, want %q; %d bytes of stdout", c.args, msg, c.message, len(r.Streams[link.OutStdout]))
		}
	}
}

func pictures(channels ...int) *rapid.Generator[*picture] {
	return rapid.Custom(func(t *rapid.T) *picture {
		p, err := newPicture(rapid.IntRange(1, 12).Draw(t, "width"), rapid.IntRange(1, 12).Draw(t, "height"), rapid.SampledFrom(channels).Draw(t, "channels"))
		if err != nil {
			t.Fatal(err)
		}
		copy(p.pix, rapid.SliceOfN(rapid.Byte(), len(p.pix), len(p.pix)).Draw(t, "pixels"))
		return p
	})
}

// TestBlur: the sums that slide give what the definition says, whatever the radius.
func TestBlur(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pictures(1, 3).Draw(t, "picture")
		radius := rapid.IntRange(0, 15).Draw(t, "radius")
		got := p.blur(radius)
		for i := range got.pix {
			x, y, c := i/p.channels%p.width, i/p.channels/p.width, i%p.channels
			sum, n := 0, 0
			for yy := y - radius; yy <= y+radius; yy++ {
				for xx := x - radius; xx <= x+radius; xx++ {
					sum += int(p.pix[(min(max(yy, 0), p.height-1)*p.width+min(max(xx, 0), p.width-1))*p.channels+c])
					n++
				}
			}
			if want := byte((2*sum + n) / (2 * n)); got.pix[i] != want {
				t.Fatalf("(%d, %d) channel %d is %d, want %d", x, y, c, got.pix[i], want)
			}
		}
	})
}

// TestGrey: within 1 of the weights that image/color has, which are rounded in another way; grey stays as it is.
func TestGrey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pictures(3).Draw(t, "picture")
		got := p.grey()
		if again := got.grey(); !bytes.Equal(again.pix, got.pix) {
			t.Fatal("grey is changed")
		}
		for i, have := range got.pix {
			r, g, b := p.pix[3*i], p.pix[3*i+1], p.pix[3*i+2]
			want := color.GrayModel.Convert(color.RGBA{R: r, G: g, B: b, A: 255}).(color.Gray).Y
			if d := int(have) - int(want); d < -1 || d > 1 || r == g && g == b && have != r {
				t.Fatalf("%d, %d, %d is %d, want %d", r, g, b, have, want)
			}
		}
	})
}

// TestCrop: every pixel comes from its place, and what is not inside is refused.
func TestCrop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pictures(1, 3).Draw(t, "picture")
		side := rapid.IntRange(0, 13)
		x, y, width, height := side.Draw(t, "x"), side.Draw(t, "y"), side.Draw(t, "width"), side.Draw(t, "height")
		got, err := p.crop(x, y, width, height)
		if inside := width > 0 && height > 0 && x+width <= p.width && y+height <= p.height; inside != (err == nil) {
			t.Fatalf("inside: %v, error: %v", inside, err)
		}
		if err != nil {
			return
		}
		for i, have := range got.pix {
			xx, yy, c := i/p.channels%width, i/p.channels/width, i%p.channels
			if want := p.pix[((y+yy)*p.width+x+xx)*p.channels+c]; have != want {
				t.Fatalf("(%d, %d) is %d, want %d", xx, yy, have, want)
			}
		}
	})
}

// TestPNG: what is written reads back.
func TestPNG(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pictures(1, 3).Draw(t, "picture")
		var b bytes.Buffer
		if err := p.writePNG(&b); err != nil {
			t.Fatal(err)
		}
		got, err := readPNG(&b)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.grey().pix, p.grey().pix) || p.channels == 3 && !bytes.Equal(got.pix, p.pix) {
			t.Fatal("it does not read back")
		}
	})
}

// FuzzReadPNM: no input panics, and what is accepted is exactly what would be written.
func FuzzReadPNM(f *testing.F) {
	for _, s := range []string{"P5\n1 1\n255\n\n", "P6\n1 1\n255\n   ", "P5\n01 1\n255\nx", "P5\n2 1\n255\nx", "P7\n", "P5\n1 1\n65535\nxx", "P5 1 1 255 x", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := readPNM(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := p.writePNM(&b); err != nil || !bytes.Equal(b.Bytes(), data) {
			t.Fatalf("%q is accepted and written as %q (%v)", data, b.Bytes(), err)
		}
	})
}

// TestUsage: arguments that make no sense are said to be the mistake, before any picture is read.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"crop"}, {"crop", "1", "2", "3"}, {"blur"}, {"blur", "x"}, {"blur", strconv.Itoa(maxSide + 1)}, {"encode", "0"}} {
		if err := step(args, nil, nil); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
