package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
)

// maxSide is the largest width and height, in pixels.
const maxSide = 4096

// picture is a rectangle of pixels, row by row from the top left. It is never empty.
type picture struct {
	width, height int
	channels      int    // bytes to a pixel: 1 (grey) or 3 (red, green, blue)
	pix           []byte // width * height * channels
}

func newPicture(width, height, channels int) (*picture, error) {
	if width < 1 || height < 1 || width > maxSide || height > maxSide {
		return nil, fmt.Errorf("a picture of %d by %d pixels: each must be from 1 to %d", width, height, maxSide)
	}
	return &picture{width: width, height: height, channels: channels, pix: make([]byte, width*height*channels)}, nil
}

// readPNG reads a PNG as red, green and blue; what is transparent becomes black.
func readPNG(in io.Reader) (*picture, error) {
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	head, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	p, err := newPicture(head.Width, head.Height, 3)
	if err != nil {
		return nil, err
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	b := m.Bounds()
	for y := range p.height {
		for x := range p.width {
			r, g, b, _ := m.At(b.Min.X+x, b.Min.Y+y).RGBA()
			copy(p.pix[3*(y*p.width+x):], []byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)})
		}
	}
	return p, nil
}

// writePNG writes p as a PNG.
func (p *picture) writePNG(out io.Writer) error {
	r := image.Rect(0, 0, p.width, p.height)
	if p.channels == 1 {
		return png.Encode(out, &image.Gray{Pix: p.pix, Stride: p.width, Rect: r})
	}
	m := image.NewRGBA(r)
	for i := range p.width * p.height {
		m.SetRGBA(i%p.width, i/p.width, color.RGBA{R: p.pix[3*i], G: p.pix[3*i+1], B: p.pix[3*i+2], A: 255})
	}
	return png.Encode(out, m)
}

// readPNM reads what [picture.writePNM] writes and nothing else.
func readPNM(in io.Reader) (*picture, error) {
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	var kind, width, height int
	if _, err := fmt.Sscanf(string(data[:min(len(data), 32)]), "P%d\n%d %d\n", &kind, &width, &height); err != nil || kind != 5 && kind != 6 {
		return nil, errors.New("not a binary PGM or PPM")
	}
	p, err := newPicture(width, height, 2*kind-9)
	if err != nil {
		return nil, err
	}
	pix, ok := bytes.CutPrefix(data, []byte(p.header()))
	if !ok || len(pix) != len(p.pix) {
		return nil, fmt.Errorf("not a header as in %q and %d bytes of pixels", p.header(), len(p.pix))
	}
	copy(p.pix, pix)
	return p, nil
}

// writePNM writes p as binary PGM or PPM (netpbm.sourceforge.net/doc/ppm.html).
func (p *picture) writePNM(out io.Writer) error {
	if _, err := io.WriteString(out, p.header()); err != nil {
		return err
	}
	_, err := out.Write(p.pix)
	return err
}

func (p *picture) header() string {
	return fmt.Sprintf("P%d\n%d %d\n255\n", (p.channels+9)/2, p.width, p.height)
}
