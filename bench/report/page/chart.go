package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// chart is a plot over time. Offsets are seconds since the first counted request.
type chart struct {
	Title string
	Note  string
	Unit  string
	Long  float64 // seconds along the axis
	Top   float64 // value that must be in it, such as all cores; 0: whatever the curves need
	Small bool
	// Ordered says that the curves do not cross, so that dashes are not needed to tell them apart.
	Ordered bool
	Curves  []curve
	axis    axis
}

// curve is one line of a chart.
type curve struct {
	Name  string
	Style int // its colour and its dashes
	points
}

// points are values at offsets; NaN where there is none.
type points struct{ x, y []float64 }

// most is how many points a curve is drawn with. There are about two to a pixel in a page of a usual width.
const most = 300

// box is where a chart draws, in units of its view box.
type box struct{ Width, Height, left, right, top, bottom float64 }

func (c *chart) Box() box {
	if c.Small {
		return box{Width: 360, Height: 170, left: 46, right: 16, top: 10, bottom: 24}
	}
	return box{Width: 640, Height: 260, left: 54, right: 18, top: 10, bottom: 26}
}

// Left, Right, Top and Bottom are the edges of the plot itself.
func (b box) Left() float64   { return b.left }
func (b box) Right() float64  { return b.Width - b.right }
func (b box) Top() float64    { return b.top }
func (b box) Bottom() float64 { return b.Height - b.bottom }

// tick is a line of the grid with what it stands for.
type tick struct {
	At   float64
	Text string
}

// prepare thins the curves out and chooses the axis. worst says that of many values the highest is drawn,
// rather than their mean.
func (c *chart) prepare(worst bool) *chart {
	var all []float64
	thinned := 0.0
	for i := range c.Curves {
		step := c.Curves[i].thin(worst)
		thinned = max(thinned, step)
		all = append(all, c.Curves[i].y...)
	}
	if thinned > 0 {
		what := "mean"
		if worst {
			what = "highest value"
		}
		c.Note = strings.TrimSpace(fmt.Sprintf("%s Each point is the %s of %s.", c.Note, what, length(thinned)))
	}
	c.axis = newAxis(all, c.Top, c.Unit == "ms")
	if c.axis.log {
		c.Unit += ", logarithmic"
	}
	return c
}

// Empty tells that there is nothing to draw.
func (c *chart) Empty() bool {
	for _, curve := range c.Curves {
		for _, y := range curve.y {
			if !math.IsNaN(y) {
				return false
			}
		}
	}
	return true
}

// YTicks are the horizontal lines.
func (c *chart) YTicks() []tick {
	var list []tick
	for _, v := range c.axis.ticks() {
		list = append(list, tick{round(c.y(v)), short(v)})
	}
	return list
}

// XTicks are the vertical ones.
func (c *chart) XTicks() []tick {
	step := timeStep(c.Long, map[bool]float64{true: 4, false: 8}[c.Small])
	var list []tick
	for at := 0.0; at <= c.Long+1e-9; at += step {
		list = append(list, tick{round(c.x(at)), clock(at)})
	}
	return list
}

func (c *chart) x(at float64) float64 {
	b := c.Box()
	return b.Left() + at/c.Long*(b.Right()-b.Left())
}

func (c *chart) y(value float64) float64 {
	b := c.Box()
	return b.Bottom() - c.axis.share(value)*(b.Bottom()-b.Top())
}

// Path is a curve as SVG draws it. It is broken where there is no value.
func (c *chart) Path(of curve) string {
	var b strings.Builder
	pen := "M"
	for i, x := range of.x {
		if math.IsNaN(of.y[i]) || x < 0 || x > c.Long {
			pen = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%s %s", pen, unit(c.x(x)), unit(c.y(of.y[i])))
		if pen == "M" {
			b.WriteString("h0") // a point between two gaps is a dot
		}
		pen = "L"
	}
	return b.String()
}

// round to a tenth of a unit of the view box.
func round(v float64) float64 { return math.Round(v*10) / 10 }

func unit(v float64) string { return strconv.FormatFloat(round(v), 'f', -1, 64) }

// Describe says in words what the curves show, for who does not see them.
func (c *chart) Describe() string {
	var list []string
	for _, curve := range c.Curves {
		low, high, last := math.Inf(1), math.Inf(-1), math.NaN()
		for _, y := range curve.y {
			if !math.IsNaN(y) {
				low, high, last = min(low, y), max(high, y), y
			}
		}
		if !math.IsNaN(last) {
			list = append(list, fmt.Sprintf("%s: from %s to %s, at the end %s", curve.Name, short(low), short(high), short(last)))
		}
	}
	return c.Unit + " over time. " + strings.Join(list, "; ") + "."
}

// Table has some of the values behind a chart.
func (c *chart) Table() table {
	t := table{Names: 1, Head: []string{"time"}}
	const lines = 15
	for _, curve := range c.Curves {
		t.Head = append(t.Head, curve.Name)
	}
	for i := range lines + 1 {
		at := c.Long * float64(i) / lines
		row := plain(clock(math.Round(at)))
		for _, curve := range c.Curves {
			row = append(row, cell{Text: short(curve.nearest(at))})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// nearest is the value at an offset, or at the one closest to it.
func (p points) nearest(at float64) float64 {
	found, distance := math.NaN(), math.Inf(1)
	for i, x := range p.x {
		if d := math.Abs(x - at); d < distance {
			found, distance = p.y[i], d
		}
	}
	return found
}

// thin leaves no more points than are drawn, and gives how many seconds each stands for; 0 if all are left.
func (p *points) thin(worst bool) float64 {
	if len(p.x) <= most {
		return 0
	}
	group := (len(p.x) + most - 1) / most
	var x, y []float64
	for from := 0; from < len(p.x); from += group {
		to := min(from+group, len(p.x))
		x = append(x, p.x[from])
		y = append(y, together(p.y[from:to], worst))
	}
	step := float64(group) * (p.x[1] - p.x[0])
	p.x, p.y = x, y
	return step
}

// together is the highest of values, or their mean; NaN of none.
func together(values []float64, worst bool) float64 {
	var sum, n float64
	highest := math.NaN()
	for _, v := range values {
		if math.IsNaN(v) {
			continue
		}
		sum += v
		n++
		if !(highest >= v) {
			highest = v
		}
	}
	if worst {
		return highest
	}
	return sum / n
}
