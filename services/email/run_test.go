package email

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	topic "github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas"
)

// office is the service over a real batch loop, database and mail server. Only
// the topics are in memory.
type office struct {
	*testing.T
	api *service.API
}

// open starts the service, and hands it the given events.
func open(t *testing.T, db *store.DB, c Config, happened ...flow.Event) office {
	t.Helper()
	loop, err := engine.New(engine.Config[Mailbox]{
		Participant: Flow, Store: Store, DB: db, Codec: flowtest.Codec(t, schemas.FS, "email"), OpenProducer: new(flowtest.Log).Open,
		CallHandlers: callHandlers(c), Log: slog.New(slog.DiscardHandler), Metrics: engine.NewMetrics(prometheus.NewRegistry()),
		OutboxBound: 1000, Park: engine.ParkPolicy{Delay: time.Second, Attempts: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { loop.Run(ctx, 10*time.Second) })
	t.Cleanup(func() { cancel(); running.Wait() })
	orders := &engine.Assignment{Topic: "order.events", Commit: func(int64) {}}
	if err := loop.OnAssigned(t.Context(), []*engine.Assignment{orders}); err != nil {
		t.Fatal(err)
	}
	codec := flowtest.Codec(t, schemas.FS, "order")
	for i, e := range happened {
		value, dataSchema, err := codec.Encode(e.EventType(), e)
		if err != nil {
			t.Fatal(err)
		}
		r := &topic.Record{Topic: orders.Topic, Offset: int64(i), Key: e.EventKey(), Value: value,
			Headers: []topic.Header{{Name: "ce_type", Value: e.EventType()}, {Name: "ce_dataschema", Value: dataSchema}}}
		if err := loop.Enqueue(t.Context(), orders, r); err != nil {
			t.Fatal(err)
		}
	}
	a, err := service.NewAPI(slog.New(slog.DiscardHandler), openapi, db.Read(), nil)
	if err != nil {
		t.Fatal(err)
	}
	routes(a)
	return office{T: t, api: a}
}

func (o office) get(path string) (int, string) {
	w := httptest.NewRecorder()
	o.api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// eventually waits until an answer holds all of the texts.
func (o office) eventually(path string, texts ...string) {
	o.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	for {
		_, answer := o.get(path)
		missing := 0
		for _, text := range texts {
			if !strings.Contains(answer, text) {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		select {
		case <-look.C:
		case <-patience.C:
			o.Fatalf("%s answers %s, never with %q", path, answer, texts)
		}
	}
}

func config(addr string, attempts int) Config {
	return Config{SMTPAddr: addr, From: "orders@quintet.example", Calls: service.Calls{Timeout: 5 * time.Second, Attempts: attempts, Budget: time.Minute}}
}

func fresh(t *testing.T) *store.DB { return flowtest.OpenDB(t, Migrations) }

func TestTheCustomerHearsOfTheOrder(t *testing.T) {
	p := startPost(t, rules{})
	o := open(t, fresh(t), config(p.addr, 3), placed, cancelled)
	o.eventually("/notifications/o-1", `"kind":"order_placed","status":"sent"`, `"kind":"order_cancelled","reason":"declined","status":"sent"`)
	letters, _ := p.delivered()
	if len(letters) != 2 || !strings.Contains(letters[0].text, "We received") || !strings.Contains(letters[1].text, "was cancelled: the card was declined") {
		t.Errorf("%+v", letters)
	}
	if _, text := o.get("/notifications/o-1"); strings.Contains(text, "ada") {
		t.Errorf("shows the address: %s", text)
	}
	if status, text := o.get("/notifications/o-2"); status != 404 || !strings.Contains(text, `"status":404`) {
		t.Error(status, text)
	}
}

func TestAGreylistedMailIsSentOnce(t *testing.T) {
	p := startPost(t, rules{rcpt: func(_ *smtp.Conn, attempt int) error {
		if attempt <= 2 {
			return answer(451)
		}
		return nil
	}})
	o := open(t, fresh(t), config(p.addr, 5), placed)
	o.eventually("/notifications/o-1", `"status":"sent"`)
	if letters, callers := p.delivered(); len(letters) != 1 || callers != 3 {
		t.Errorf("%d mails in %d attempts, want 1 in 3", len(letters), callers)
	}
}

func TestABouncedMailIsNotTriedAgain(t *testing.T) {
	p := startPost(t, rules{rcpt: func(*smtp.Conn, int) error { return answer(550) }})
	o := open(t, fresh(t), config(p.addr, 5), placed)
	o.eventually("/notifications/o-1", `"status":"failed"`, `"cause":"bounced"`)
	if _, callers := p.delivered(); callers != 1 {
		t.Errorf("%d attempts", callers)
	}
}

func TestAMailWithoutAnAnswerIsNotTriedAgain(t *testing.T) {
	p := startPost(t, rules{bye: cut})
	o := open(t, fresh(t), config(p.addr, 5), placed)
	o.eventually("/notifications/o-1", `"status":"failed"`, `"cause":"unknown"`)
	if letters, callers := p.delivered(); len(letters) != 1 || callers != 1 {
		t.Errorf("%d mails in %d attempts, want 1 in 1", len(letters), callers)
	}
}

func TestAMailThatNoServerTakesIsGivenUp(t *testing.T) {
	p := startPost(t, rules{rcpt: func(*smtp.Conn, int) error { return answer(451) }})
	o := open(t, fresh(t), config(p.addr, 3), placed)
	o.eventually("/notifications/o-1", `"status":"failed"`, `"cause":"given_up"`)
	if _, callers := p.delivered(); callers != 3 {
		t.Errorf("%d attempts, want 3", callers)
	}
}

// A process that died after it committed to call the server and before it
// noted the answer may have sent the mail. The next one does not find out by
// sending it again.
func TestMailPossiblySentBeforeCrashIsNotResent(t *testing.T) {
	p := startPost(t, rules{})
	db := fresh(t)
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = tx.Exec(t.Context(), `INSERT INTO effects (id, key, n, name, body, started, causation, traceparent)
		VALUES ('e-1', 'o-1', 1, 'SendMail', '{"notificationId":"n-1","orderId":"o-1","to":"ada@example.com","kind":"order_placed"}', 1, '', '')`)
	if err == nil {
		err = tx.Exec(t.Context(), `INSERT INTO mailboxes (order_id, address, notices)
			VALUES ('o-1', 'ada@example.com', '[{"id":"n-1","kind":"order_placed","status":"sending"}]')`)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := open(t, db, config(p.addr, 5))
	o.eventually("/notifications/o-1", `"status":"failed"`, `"cause":"unknown"`)
	if _, callers := p.delivered(); callers != 0 {
		t.Errorf("%d attempts", callers)
	}
}

func TestTheDocumentAndTheRoutesAgree(t *testing.T) {
	a, err := service.NewAPI(slog.New(slog.DiscardHandler), openapi, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	routes(a)
	for _, problem := range web.CheckRoutes(a.Spec, a.Routes()) {
		t.Error(problem)
	}
}

func TestConfigurationReportsAllProblemsAtOnce(t *testing.T) {
	for name, value := range map[string]string{
		"PORT_BASE": "1", "SMTP_ADDR": "nowhere", "MAIL_FROM": "Boss <boss@example.com>", "MAIL_TIMEOUT": "0s", "MAIL_ATTEMPTS": "0", "MAIL_BUDGET": "-1s",
	} {
		t.Setenv(name, value)
	}
	_, err := configured()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"PORT_BASE", "SMTP_ADDR", "MAIL_FROM", "MAIL_TIMEOUT", "MAIL_ATTEMPTS", "MAIL_BUDGET"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

func TestTheMailServerFollowsThePortBase(t *testing.T) {
	t.Setenv("PORT_BASE", "23000")
	c, err := configured()
	if err != nil {
		t.Fatal(err)
	}
	if c.SMTPAddr != "127.0.0.1:23025" || c.HTTPAddr != "127.0.0.1:23005" {
		t.Error(c.SMTPAddr, c.HTTPAddr)
	}
}
