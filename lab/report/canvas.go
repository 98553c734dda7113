package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"regexp"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Plot is a plot as a file that stands alone, and what it says in words.
type Plot struct {
	File, Title, Text string
	SVG               []byte
}

// style is how a mode looks in every plot. The colours can be told from each other, and from both black and white; shapes help those who cannot.
type style struct {
	color color.RGBA
	shape draw.GlyphDrawer
}

// polygon is a filled glyph with so many corners, of which the first is so far from the top, in radians.
type polygon struct {
	corners int
	turned  float64
}

// DrawGlyph implements gonum's interface.
func (g polygon) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	c.SetColor(s.Color)
	var path vg.Path
	for i := range g.corners {
		sin, cos := math.Sincos(2*math.Pi*float64(i)/float64(g.corners) + g.turned)
		corner := vg.Point{X: at.X + 1.2*s.Radius*vg.Length(sin), Y: at.Y + 1.2*s.Radius*vg.Length(cos)}
		if i == 0 {
			path.Move(corner)
		} else {
			path.Line(corner)
		}
	}
	path.Close()
	c.Fill(path)
}

// styleOf gives the i-th mode its style.
func styleOf(i int) style {
	styles := []style{
		{color.RGBA{0x2f, 0x7f, 0xc8, 255}, draw.CircleGlyph{}},
		{color.RGBA{0xc9, 0x76, 0x0a, 255}, draw.BoxGlyph{}},
		{color.RGBA{0x1a, 0x8f, 0x63, 255}, draw.PyramidGlyph{}},
		{color.RGBA{0xc2, 0x4f, 0x9a, 255}, polygon{4, 0}},
		{color.RGBA{0xd1, 0x45, 0x2f, 255}, polygon{3, math.Pi}},
		{color.RGBA{0x7a, 0x6f, 0xd6, 255}, polygon{6, 0}},
	}
	return styles[i%len(styles)]
}

const (
	width, height = 7.5 * vg.Inch, 4.6 * vg.Inch
	sans          = "Sans"
)

// axes makes an empty plot with both axes logarithmic.
func axes(x, y string, xTicks, yTicks ticks) *plot.Plot {
	p := plot.New()
	p.Title.Text = ""
	for _, f := range []*font.Font{&p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		f.Variant, f.Size = sans, 11
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = xTicks, yTicks
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding = 3
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.RGBA{128, 128, 128, 255}, color.RGBA{128, 128, 128, 255}
	grid.Vertical.Width, grid.Horizontal.Width = 0.25, 0.25
	p.Add(grid)
	return p
}

// ticks labels decades with a function, those of which there is room.
type ticks func(v float64) string

// Ticks implements gonum's interface.
func (f ticks) Ticks(low, high float64) (out []plot.Tick) {
	first, last := math.Ceil(math.Log10(low)-1e-9), math.Floor(math.Log10(high)+1e-9)
	every := max(1, math.Ceil((last-first+1)/8))
	for e := first; e <= last; e++ {
		t := plot.Tick{Value: math.Pow(10, e)}
		if math.Mod(e-first, every) == 0 {
			t.Label = f(t.Value)
		}
		out = append(out, t)
	}
	return out
}

// decades widens a range of positive values to whole decades.
func decades(a *plot.Axis, values []float64) {
	low, high := math.Inf(1), 0.0
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	if high == 0 {
		low, high = 1, 10
	}
	a.Min, a.Max = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
	if a.Min == a.Max {
		a.Max *= 10
	}
}

// points adds values as a mode's shapes.
func points(p *plot.Plot, s style, radius vg.Length, xys plotter.XYs) (*plotter.Scatter, error) {
	sc, err := plotter.NewScatter(xys)
	if err != nil {
		return nil, err
	}
	sc.GlyphStyle = draw.GlyphStyle{Color: s.color, Radius: radius, Shape: s.shape}
	p.Add(sc)
	return sc, nil
}

// line adds a line; dashed if it is predicted.
func line(p *plot.Plot, s style, dashed bool, xys plotter.XYs) (*plotter.Line, error) {
	l, err := plotter.NewLine(xys)
	if err != nil {
		return nil, err
	}
	l.LineStyle = draw.LineStyle{Color: s.color, Width: 1.5}
	if dashed {
		l.Dashes = []vg.Length{4, 3}
	}
	p.Add(l)
	return l, nil
}

var inline = regexp.MustCompile(`style="([^"]*)"`)
var property = regexp.MustCompile(`([a-z-]+):([^;"]+);?`)
var prologue = regexp.MustCompile(`(?s)^.*?<svg[^>]*?>`)

// drawn draws a plot. Styles become attributes, so that the plot may stand in a page whose policy allows no styles but its own, and the page's own
// can give other colours to what is black and white.
func drawn(p *plot.Plot, title string) ([]byte, error) {
	legend := p.Legend
	p.Legend, p.BackgroundColor = plot.NewLegend(), nil // it stands above the plot, and neither hides anything of the other
	inner := func(c draw.Canvas, top vg.Length) draw.Canvas { return draw.Crop(c, 0, -16, 0, -top) }
	empty := inner(draw.New(vgsvg.New(width, height)), 4)
	high := max(4, 18+legend.Rectangle(empty).Size().Y-(empty.Max.Y-p.DataCanvas(empty).Max.Y)) // more than the plot leaves free at its top
	c := vgsvg.New(width, height+high)
	p.Draw(inner(draw.New(c), high))
	legend.Draw(draw.Crop(draw.New(c), 8, 0, 0, -4))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, err
	}
	out := inline.ReplaceAllFunc(b.Bytes(), func(m []byte) []byte {
		return bytes.TrimSpace(property.ReplaceAll(inline.FindSubmatch(m)[1], []byte(`$1="$2" `)))
	})
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label="%s">`, width.Points(), (height + high).Points(), attribute(title))
	return prologue.ReplaceAllLiteral(out, []byte(head)), nil
}
