package simulation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quintet-eda/quintet/pkg/registry"
)

// A schema registry without a socket: a process asks it by HTTP, as it does in
// production, over a transport that waits for its turn.

// foreignID is the first schema id that only the registry can resolve.
const foreignID = 1000

// schemas is the state of the registry.
type schemas struct {
	w        *world
	contract *registry.Contract
	texts    []string             // of foreignID and those that follow
	learned  map[string]time.Time // by id, when it learns of a schema; it knows the others from the beginning
	never    map[string]bool      // by id, the schemas that it never learns of
	soon     map[string]bool      // by id, the schemas that it learns of while a process still waits
	away     time.Time            // until then no process reaches it
}

// askers are the transports of all processes of all simulations, by their host.
// net/http has one table of protocols, and every simulation is asked through it.
type askers struct{ of sync.Map }

var registries = sync.OnceValue(func() *askers {
	a := &askers{}
	http.DefaultTransport.(*http.Transport).RegisterProtocol("simulated", a)
	return a
})

// RoundTrip implements [http.RoundTripper].
func (a *askers) RoundTrip(req *http.Request) (*http.Response, error) {
	p, ok := a.of.Load(req.URL.Host)
	if !ok {
		return nil, errGone
	}
	return p.(*process).ask(req)
}

// codec makes a process's own codec, which remembers nothing of the one before.
func (p *process) codec() *registry.Codec {
	if len(p.w.schemas.texts) == 0 {
		return p.w.codecs["till"] // it will never ask
	}
	host := fmt.Sprintf("%s.%d.%p", p, p.w.seed, p)
	registries().of.Store(host, p)
	go func() {
		<-p.ended
		registries().of.Delete(host)
	}()
	codec := registry.NewCodec(p.w.schemas.contract, registry.NewClient("simulated://"+host, 5*time.Second), "till")
	if err := codec.Register(p.ctx); err != nil {
		panic(err) // it answers registrations at once
	}
	return codec
}

// foreign gives a fact a schema id that no binary contains, and removes the header that
// names its schema.
func (w *world) foreign(f *fact, id int) {
	f.record.Value[3], f.record.Value[4] = byte(id>>8), byte(id)
	kept := f.record.Headers[:0]
	for _, h := range f.record.Headers {
		if h.Name != "ce_dataschema" {
			kept = append(kept, h)
		}
	}
	f.record.Headers = kept
}

var errRegistry = errors.New("registry cannot be reached")

// ask is one request to the registry. Registrations are answered at once: a
// process is started when they have been.
func (p *process) ask(req *http.Request) (*http.Response, error) {
	s := p.w.schemas
	if req.Method == http.MethodPost {
		var body struct{ Schema string }
		if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
			return nil, err
		}
		return answer(http.StatusOK, map[string]any{"id": 1, "schema": body.Schema, "version": 1})
	}
	text, of := strings.CutPrefix(req.URL.Path, "/schemas/ids/")
	id, err := strconv.Atoi(text)
	switch {
	case !of:
		return answer(http.StatusOK, map[string]any{"compatibilityLevel": "FULL_TRANSITIVE"})
	case id < foreignID:
		return answer(http.StatusOK, map[string]any{"id": id, "schema": string(contract()["till/Noted/v1.avsc"].Data), "version": 1})
	}
	if err := p.w.wait(p, "ask the registry", text); err != nil {
		return nil, err
	}
	if err != nil || id >= foreignID+len(s.texts) {
		return answer(http.StatusNotFound, map[string]any{"error_code": 40403, "message": "not found"})
	}
	switch {
	case time.Now().Before(s.away):
		p.w.seen("the registry was away when it was asked")
		return nil, errRegistry
	case s.never[text] || time.Now().Before(s.learned[text]):
		p.w.seen("the registry was asked for a schema that it did not know")
		p.vainly[text] = true
		return answer(http.StatusNotFound, map[string]any{"error_code": 40403, "message": "not found"})
	}
	if p.vainly[text] {
		p.w.seen("a schema was learned of by a process that had asked for it before")
	}
	return answer(http.StatusOK, map[string]any{"id": id, "schema": s.texts[id-foreignID], "version": 1})
}

func answer(status int, body map[string]any) (*http.Response, error) {
	text, err := json.Marshal(body)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(text)))}, err
}
