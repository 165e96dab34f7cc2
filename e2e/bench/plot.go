package bench

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// bar is a figure with its name.
type bar struct {
	name string
	Figure
}

// Plots are the report's pictures, by file name.
func (r Results) Plots() map[string]string {
	all := map[string]string{}
	for _, point := range r.points() {
		for _, p := range []struct {
			file, title string
			number      func(Run) float64
		}{
			{"rate", "completed orders a second", rate},
			{"latency", "p99 of the latency, ms", tail},
			{"cpu", "CPU of the services, ms an order", services},
		} {
			var bars []bar
			for _, arm := range r.names(point) {
				bars = append(bars, bar{arm, r.of(arm, point, p.number)})
			}
			all[p.file+"-"+point+".svg"] = chart(fmt.Sprintf("%s: %s", point, p.title), bars)
		}
	}
	return all
}

// chart draws a bar for each median, and a line from the lowest to the highest.
func chart(title string, bars []bar) string {
	const left, wide, high, top = 60, 480, 28, 40
	most := 0.0
	for _, b := range bars {
		most = math.Max(most, b.High)
	}
	at := func(n float64) float64 { return left + wide*n/math.Max(most, 1e-9) }
	var s strings.Builder
	tall := top + high*len(bars) + 10
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">`+"\n", left+wide+140, tall)
	fmt.Fprintf(&s, `<rect width="100%%" height="100%%" fill="white"/><text x="%d" y="22" font-weight="bold">%s</text>`+"\n", left, html.EscapeString(title))
	for i, b := range bars {
		y := top + high*i
		fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end">%s</text>`, left-8, y+15, html.EscapeString(b.name))
		fmt.Fprintf(&s, `<rect x="%d" y="%d" width="%.1f" height="20" fill="#7aa6c2"/>`, left, y, at(b.Median)-left)
		fmt.Fprintf(&s, `<path d="M%.1f %dH%.1f" stroke="#222" stroke-width="2"/>`, at(b.Low), y+10, at(b.High))
		fmt.Fprintf(&s, `<text x="%.1f" y="%d">%s</text>`+"\n", at(b.High)+8, y+15, html.EscapeString(b.String()))
	}
	return s.String() + "</svg>\n"
}

// Report writes results, report and pictures into a directory.
func (r Results) Report(dir string) error {
	if err := write(dir+"/results.json", r); err != nil {
		return err
	}
	files := r.Plots()
	files["report.md"] = r.Markdown() + pictures(r.points())
	for name, text := range files {
		if err := writeText(dir+"/"+name, text); err != nil {
			return err
		}
	}
	return nil
}

// pictures shows the plots at the report's end.
func pictures(points []string) string {
	var s strings.Builder
	for _, point := range points {
		fmt.Fprintf(&s, "\n![](rate-%[1]s.svg) ![](latency-%[1]s.svg) ![](cpu-%[1]s.svg)\n", point)
	}
	return s.String()
}
