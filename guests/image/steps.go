package main

import "fmt"

// crop is the part of p of that size whose top left corner is (x, y). It must lie inside of p.
func (p *picture) crop(x, y, width, height int) (*picture, error) {
	if x+width > p.width || y+height > p.height {
		return nil, fmt.Errorf("%d by %d pixels from (%d, %d) are not inside of %d by %d", width, height, x, y, p.width, p.height)
	}
	out, err := newPicture(width, height, p.channels)
	if err != nil {
		return nil, err
	}
	for row := range height {
		from := ((y+row)*p.width + x) * p.channels
		copy(out.pix[row*width*p.channels:], p.pix[from:from+width*p.channels])
	}
	return out, nil
}

// grey is p in shades of grey: luma in the weights of ITU-R BT.601, rounded.
func (p *picture) grey() *picture {
	if p.channels == 1 {
		return p
	}
	out := &picture{width: p.width, height: p.height, channels: 1, pix: make([]byte, p.width*p.height)}
	for i := range out.pix {
		c := p.pix[3*i : 3*i+3]
		out.pix[i] = byte((299*int(c[0]) + 587*int(c[1]) + 114*int(c[2]) + 500) / 1000)
	}
	return out
}

// blur is p with each pixel the rounded mean of the square of side 2*radius+1 around it. Beyond an edge the edge's pixels
// are repeated. It takes time for width * height * channels pixels, whatever the radius.
func (p *picture) blur(radius int) *picture {
	side := 2*radius + 1
	area := side * side
	out := &picture{width: p.width, height: p.height, channels: p.channels, pix: make([]byte, len(p.pix))}
	stride := p.width * p.channels
	column := make([]int, stride) // sums over the square's rows, for each column and channel
	for dy := -radius; dy <= radius; dy++ {
		p.addRow(column, dy, 1)
	}
	for y := range p.height {
		for c := range p.channels {
			sum := 0
			for dx := -radius; dx <= radius; dx++ {
				sum += column[clamp(dx, p.width)*p.channels+c]
			}
			for x := range p.width {
				out.pix[y*stride+x*p.channels+c] = byte((sum + area/2) / area)
				sum += column[clamp(x+radius+1, p.width)*p.channels+c] - column[clamp(x-radius, p.width)*p.channels+c]
			}
		}
		p.addRow(column, y+radius+1, 1)
		p.addRow(column, y-radius, -1)
	}
	return out
}

// addRow adds row y, or the nearest one, to the sums.
func (p *picture) addRow(sums []int, y, sign int) {
	from := clamp(y, p.height) * len(sums)
	for i := range sums {
		sums[i] += sign * int(p.pix[from+i])
	}
}

// clamp is the nearest index to i of n.
func clamp(i, n int) int { return max(0, min(i, n-1)) }
