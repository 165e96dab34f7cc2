package order

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/web"
)

// watchers tells those who wait for an order that it changed. It carries no
// state: whoever is told reads the database again.
type watchers struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{} // by order
}

func newWatchers() *watchers { return &watchers{waiting: map[string]map[chan struct{}]struct{}{}} }

// watch begins to listen for an order. Whoever listens must read the order
// after this and not before it, and call leave in the end.
//
// No change is lost. A commit is visible before changed is called for it. So
// either changed finds the listener, and the channel holds its word until the
// listener has read and comes to wait; or it came before watch, and then the
// commit lies before the listener's reading. With the two steps swapped a
// commit could fall between them: read (pending), commit, changed (nobody
// there), watch, and wait for a change that has happened.
//
// The channel holds one word, and a second change while it is there adds
// nothing: the reading that follows the word sees both.
func (w *watchers) watch(id string) (told <-chan struct{}, leave func()) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting[id] == nil {
		w.waiting[id] = map[chan struct{}]struct{}{}
	}
	w.waiting[id][ch] = struct{}{}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting[id], ch)
		if len(w.waiting[id]) == 0 {
			delete(w.waiting, id)
		}
	}
}

// changed tells the listeners of orders; nil stands for all of them. The engine
// calls it after each commit, so it never waits.
func (w *watchers) changed(ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ids == nil {
		ids = slices.Collect(maps.Keys(w.waiting))
	}
	for _, id := range ids {
		for ch := range w.waiting[id] {
			select {
			case ch <- struct{}{}:
			default: // told already, and has not read since
			}
		}
	}
}

// readAgain is how often a waiting request reads without being told: another
// instance may have made the commit.
const readAgain = time.Second

// until reads the order until it is as asked, and returns it as it was last read
// when patience ends. ctx bounds the readings, each of which is over before the
// next wait begins.
func (a *api) until(ctx, patience context.Context, id string, asked func(Order) bool) (Order, error) {
	told, leave := a.watchers.watch(id)
	defer leave()
	again := time.NewTicker(readAgain)
	defer again.Stop()
	for {
		o, err := find(ctx, a.db.Read(), id)
		if err != nil || asked(o) {
			return o, readProblem(err)
		}
		select {
		case <-told:
		case <-again.C:
		case <-patience.Done():
			return o, nil
		}
	}
}

// answerTime is what a request that has waited gets on top to be answered.
const answerTime = 5 * time.Second

// get answers with an order, at once or when it has ended.
func (a *api) get(c echo.Context) error {
	q, err := query(c, "wait")
	if err != nil {
		return err
	}
	wait, err := waitOf(q["wait"])
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if wait > 0 {
		// The server's own limit would cut off the longest wait that is
		// allowed. A writer without deadlines, as in tests, has no limit.
		_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(wait + answerTime))
	}
	patience, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	go func() { // ends with this request, by cancel
		select {
		case <-web.Stopping(ctx):
			cancel()
		case <-patience.Done():
		}
	}()
	o, err := a.until(ctx, patience, c.Param("id"), func(o Order) bool { return o.Status.Terminal() || wait == 0 })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shown(o))
}

// events streams an order's progress, from the beginning or from where the
// client's connection broke, until the order has ended.
func (a *api) events(c echo.Context) error {
	if _, err := query(c); err != nil {
		return err
	}
	ctx, id := c.Request().Context(), c.Param("id")
	from, err := stepOf(c.Request().Header.Get("Last-Event-ID"))
	if err != nil {
		return err
	}
	o, err := find(ctx, a.db.Read(), id)
	if err != nil {
		return readProblem(err)
	}
	if o.Status.Terminal() && from >= len(course(o)) {
		return c.NoContent(http.StatusNoContent) // tells an EventSource not to come back
	}
	return web.Stream(c, func(patience context.Context, after string) ([]web.Event, bool, error) {
		seen, err := stepOf(after)
		if err != nil {
			return nil, false, err
		}
		o, err := a.until(ctx, patience, id, func(o Order) bool { return o.Status.Terminal() || len(course(o)) > seen })
		if err != nil {
			return nil, false, err
		}
		var events []web.Event
		for i, step := range course(o) {
			if i >= seen {
				events = append(events, web.Event{ID: strconv.Itoa(i + 1), Data: step})
			}
		}
		return events, o.Status.Terminal(), nil
	})
}

// stepOf reads the id of a progress event, which is its place counted from 1.
func stepOf(id string) (int, error) {
	if id == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(id)
	if err != nil || n < 0 {
		return 0, badParameters(web.FieldError{Field: "Last-Event-ID", Message: "is not an event of this stream"})
	}
	return n, nil
}

// course is an order's progress up to its end. What was heard after that
// changes nothing and is not streamed.
func course(o Order) []Step {
	end := slices.IndexFunc(o.Progress, func(s Step) bool { return s.Event == "OrderCompleted" || s.Event == "OrderCancelled" })
	if end < 0 {
		return o.Progress
	}
	return o.Progress[:end+1]
}
