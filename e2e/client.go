package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/deploy/sandbox"
)

// Client calls the system's HTTP APIs as a customer, a supplier and a witness would. It
// is safe for concurrent use.
type Client struct {
	Target
	http *http.Client
}

// callBound is how long one request may take. It exceeds the longest wait that the API
// allows.
const callBound = 40 * time.Second

// NewClient makes a client of the system at t.
func NewClient(t Target) *Client {
	return &Client{Target: t, http: &http.Client{Timeout: callBound, Transport: &http.Transport{MaxIdleConnsPerHost: 128, IdleConnTimeout: 20 * time.Second}}}
}

// Close closes the idle connections. A server that stops would wait for a connection
// that has never carried a request.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Refusal is an HTTP answer with a status that is no success.
type Refusal struct {
	Status int
	Detail string
}

func (r *Refusal) Error() string { return fmt.Sprintf("answered %d: %s", r.Status, r.Detail) }

// refused reports whether err is an answer of that status.
func refused(err error, status int) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Status == status
}

// Place places an order and returns its id. key is the request's idempotency
// key; without one a repeat is another order.
func (c *Client) Place(ctx context.Context, p Placement, key string) (string, error) {
	var a Accepted
	if err := c.post(ctx, c.Order+"/orders", key, p, &a); err != nil {
		return "", fmt.Errorf("place order: %w", err)
	}
	return a.OrderID, nil
}

// Cancel requests the cancellation of an order.
func (c *Client) Cancel(ctx context.Context, order string) error {
	if err := c.post(ctx, c.Order+"/orders/"+url.PathEscape(order)+"/cancel", "", nil, nil); err != nil {
		return fmt.Errorf("cancel order %s: %w", order, err)
	}
	return nil
}

// Find returns an order with its progress. With a wait it answers when the
// order has ended or when that time is up, at most 30 s.
func (c *Client) Find(ctx context.Context, order string, wait time.Duration) (Order, error) {
	var o Order
	return o, c.get(ctx, c.Order+"/orders/"+url.PathEscape(order)+"?wait="+wait.String(), &o)
}

// Orders lists all orders, without their progress.
func (c *Client) Orders(ctx context.Context) ([]Order, error) {
	var all []Order
	for after := ""; ; {
		var page struct {
			Orders []Order `json:"orders"`
			Next   string  `json:"next"`
		}
		if err := c.get(ctx, c.Order+"/orders?limit=200&after="+url.QueryEscape(after), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Orders...)
		if after = page.Next; after == "" {
			return all, nil
		}
	}
}

// Receive delivers stock.
func (c *Client) Receive(ctx context.Context, sku string, quantity int, key string) error {
	body := map[string]int{"quantity": quantity}
	if err := c.post(ctx, c.Inventory+"/stock/"+url.PathEscape(sku)+"/receive", key, body, nil); err != nil {
		return fmt.Errorf("receive stock of %s: %w", sku, err)
	}
	return nil
}

// Stock lists the level of every SKU.
func (c *Client) Stock(ctx context.Context) ([]Stock, error) {
	var all []Stock
	for after := ""; ; {
		var page struct {
			Stock []Stock `json:"stock"`
			Next  string  `json:"next"`
		}
		if err := c.get(ctx, c.Inventory+"/stock?limit=500&after="+url.QueryEscape(after), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Stock...)
		if after = page.Next; after == "" {
			return all, nil
		}
	}
}

// PaymentOf returns an order's payment; the zero value when the service has none.
func (c *Client) PaymentOf(ctx context.Context, order string) (Payment, error) {
	var p Payment
	return p, c.getIfAny(ctx, c.Payment+"/payments/"+url.PathEscape(order), &p)
}

// ShipmentOf returns an order's shipment; the zero value when the service has none.
func (c *Client) ShipmentOf(ctx context.Context, order string) (Shipment, error) {
	var s Shipment
	return s, c.getIfAny(ctx, c.Shipping+"/shipments/"+url.PathEscape(order), &s)
}

// NotificationsOf returns the notifications of an order's customer; nil without any.
func (c *Client) NotificationsOf(ctx context.Context, order string) ([]Notification, error) {
	var n struct {
		Notifications []Notification `json:"notifications"`
	}
	return n.Notifications, c.getIfAny(ctx, c.Email+"/notifications/"+url.PathEscape(order), &n)
}

// pending returns the counts of a service's work left to do.
func (c *Client) pending(ctx context.Context, name string) (Pending, error) {
	var p Pending
	return p, c.get(ctx, c.url(name)+"/pending", &p)
}

// Ledger returns a ledger of the outside world, oldest entry first: payments, shipments
// or mails.
func (c *Client) Ledger(ctx context.Context, name string) ([]sandbox.Entry, error) {
	var entries []sandbox.Entry
	return entries, c.get(ctx, c.Sandbox+"/ledger/"+name, &entries)
}

// Mailbox returns the number of copies of each mail in MailDev, by message id; nil in a
// system without MailDev.
func (c *Client) Mailbox(ctx context.Context) (map[string]int, error) {
	if c.Mail == "" {
		return nil, nil
	}
	var mails []struct {
		MessageID string `json:"messageId"`
	}
	if err := c.get(ctx, c.Mail+"/email", &mails); err != nil {
		return nil, err
	}
	copies := map[string]int{}
	for _, m := range mails {
		copies[m.MessageID]++
	}
	return copies, nil
}

// Break sets a fault.
func (c *Client) Break(ctx context.Context, f Fault) error {
	return c.post(ctx, c.Sandbox+"/faults", "", f, nil)
}

// Mend lifts the faults of a dependency, or all faults when it is empty. For payment
// that includes the effects of the tokens tok_lost and tok_down.
func (c *Client) Mend(ctx context.Context, dependency string) error {
	address := c.Sandbox + "/faults"
	if dependency != "" {
		address += "?dependency=" + url.QueryEscape(dependency)
	}
	return c.call(ctx, http.MethodDelete, address, "", nil, nil)
}

func (c *Client) getIfAny(ctx context.Context, address string, into any) error {
	err := c.get(ctx, address, into)
	if refused(err, http.StatusNotFound) {
		return nil
	}
	return err
}

func (c *Client) get(ctx context.Context, address string, into any) error {
	return c.call(ctx, http.MethodGet, address, "", nil, into)
}

func (c *Client) post(ctx context.Context, address, key string, body, into any) error {
	return c.call(ctx, http.MethodPost, address, key, body, into)
}

func (c *Client) call(ctx context.Context, method, address, key string, body, into any) error {
	answer, err := c.do(ctx, method, address, key, body)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, address, err)
	}
	return nil
}

// do sends a request and returns the answer's body. It fails with a [Refusal] when the
// status is no success.
func (c *Client) do(ctx context.Context, method, address, key string, body any) ([]byte, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, address, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, address, err)
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %w", method, address, &Refusal{res.StatusCode, strings.TrimSpace(string(answer))})
	}
	return answer, nil
}
