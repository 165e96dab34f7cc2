package sandbox

import (
	"context"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// The magic tokens. Any other token is a card that works, as tok_ok is.
const (
	tokDeclined = "tok_declined"
	tokSlow     = "tok_slow"    // decided after slowness
	tokTimeout  = "tok_timeout" // captured, but the call that captures is never answered
	tokLost     = "tok_lost"    // captured, and no call about the key is answered until lifted
	tokFlaky    = "tok_flaky"   // two 503s per key, then captured
	tokDown     = "tok_down"    // every charge 503 until lifted
)

const slowness = 2 * time.Second

// payments is the payment provider. One lock covers the decision on a payment, its
// ledger entry and its fold. So any number of concurrent calls with one key take effect
// once.
type payments struct {
	stopping context.Context // done when the sandbox stops; ends tok_slow's wait
	ledger   *ledger

	mu    sync.Mutex
	byKey map[string]payment
}

// payment is the state of one key at the provider, folded from the ledger.
type payment struct {
	orderID  string
	amount   int64 // amount, currency and token are those of the first charge
	currency string
	token    string

	status      string // "" (not decided), captured, declined, voided or refunded
	captured    bool   // stays true when voided or refunded
	refunded    int64
	unavailable int  // 503s so far
	lifted      bool // DELETE /faults came after this key was first seen
}

type chargeRequest struct {
	OrderID  string `json:"orderId"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Token    string `json:"token"`
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

func (r chargeRequest) check() (bad []badField) {
	bad = required(bad, "orderId", r.OrderID)
	if r.Amount <= 0 {
		bad = append(bad, badField{"amount", "must be above zero, in minor units"})
	}
	if !currencyCode.MatchString(r.Currency) {
		bad = append(bad, badField{"currency", "must be three capital letters"})
	}
	return required(bad, "token", r.Token)
}

type voidRequest struct {
	OrderID string `json:"orderId"`
}

func (r voidRequest) check() []badField { return required(nil, "orderId", r.OrderID) }

type refundRequest struct {
	OrderID string `json:"orderId"`
	Amount  int64  `json:"amount"`
}

func (r refundRequest) check() (bad []badField) {
	bad = required(bad, "orderId", r.OrderID)
	if r.Amount <= 0 {
		bad = append(bad, badField{"amount", "must be above zero, in minor units"})
	}
	return bad
}

// charge captures the money once per key. After a void it is refused, whether the void
// came before or after the capture. The tombstone has the last word.
func (p *payments) charge(ctx context.Context, key string, r chargeRequest, lost bool) (answer, error) {
	// A provider works on when its caller hangs up, so only a stop ends the wait.
	if r.Token == tokSlow && !p.decided(key) && !pause(p.stopping, slowness) {
		return answer{}, errStopping
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	pay := p.byKey[key]
	if pay.orderID != "" && pay.orderID != r.OrderID ||
		pay.token != "" && (pay.amount != r.Amount || pay.currency != r.Currency || pay.token != r.Token) {
		return answer{lost: pay.silent()}, keyReused(key, "orderId, amount, currency and token")
	}
	e := Entry{Op: "charge", Key: key, OrderID: r.OrderID, Amount: r.Amount, Currency: r.Currency, Token: r.Token}
	var a answer
	e.Outcome, a = pay.charge(r.Token)
	return a, p.record(ctx, e, a.lost || lost)
}

// charge returns the outcome of a charge of this payment, and its answer.
func (p payment) charge(token string) (outcome string, a answer) {
	yes := answer{code: http.StatusOK, Status: captured, lost: p.silent()}
	no := answer{code: http.StatusPaymentRequired, Status: declined}
	switch {
	case p.status == voided:
		return rejected, answer{code: http.StatusConflict, Status: voided, lost: p.silent()}
	case p.captured:
		return repeat, yes
	case p.status == declined:
		return repeat, no
	case token == tokDeclined:
		return declined, no
	case token == tokFlaky && p.unavailable < 2, token == tokDown && !p.lifted:
		return unavailable, answer{code: http.StatusServiceUnavailable, Status: unavailable}
	default:
		yes.lost = token == tokTimeout || token == tokLost && !p.lifted
		return captured, yes
	}
}

// void undoes a capture, if there was one, and leaves a tombstone either way. It does
// not give refunded money back again: the answer then is "refunded".
//
// For a tok_lost payment the void takes effect like any other. Only its answer gets
// lost, as it would be behind a broken line. So the ledger shows it once, while the
// caller retries without an answer.
func (p *payments) void(ctx context.Context, key string, r voidRequest, lost bool) (answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pay := p.byKey[key]
	if pay.orderID != "" && pay.orderID != r.OrderID {
		return answer{lost: pay.silent()}, keyReused(key, "orderId")
	}
	e := Entry{Op: "void", Key: key, OrderID: r.OrderID, Outcome: voided}
	a := answer{code: http.StatusOK, Status: voided, lost: pay.silent()}
	switch pay.status {
	case captured:
		e.Amount, e.Currency = pay.amount, pay.currency
	case voided:
		e.Outcome = repeat
	case refunded:
		e.Outcome, a.Status = rejected, refunded
	}
	return a, p.record(ctx, e, a.lost || lost)
}

// refund gives money back once per key, and never more than the captured amount. For a
// tok_lost payment the same holds as for void.
func (p *payments) refund(ctx context.Context, key string, r refundRequest, lost bool) (answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pay := p.byKey[key]
	switch {
	case pay.orderID != "" && pay.orderID != r.OrderID, pay.status == refunded && pay.refunded != r.Amount:
		return answer{lost: pay.silent()}, keyReused(key, "orderId and amount")
	case pay.status == captured && r.Amount > pay.amount:
		return answer{lost: pay.silent()}, unprocessable("the refund is larger than the payment")
	}
	e := Entry{Op: "refund", Key: key, OrderID: r.OrderID, Amount: r.Amount, Currency: pay.currency, Outcome: refunded}
	a := answer{code: http.StatusOK, Status: refunded, lost: pay.silent()}
	switch pay.status {
	case captured:
	case refunded:
		e.Outcome = repeat
	default:
		e.Outcome, a.code, a.Status = rejected, http.StatusConflict, pay.status
		if pay.status == "" {
			a.Status = "unknown"
		}
	}
	return a, p.record(ctx, e, a.lost || lost)
}

// query returns the state of the payment; it leaves no trace in the ledger.
func (p *payments) query(key string) (answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pay := p.byKey[key]
	if pay.status == "" {
		return answer{}, notFound("payment", key)
	}
	return answer{code: http.StatusOK, Status: pay.status, lost: pay.silent()}, nil
}

// lift ends tok_lost and tok_down for the keys seen so far. Calls that are already held
// stay unanswered, since a lost answer does not come back.
func (p *payments) lift() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pay := range p.byKey {
		if (pay.token == tokLost || pay.token == tokDown) && !pay.lifted {
			return p.record(context.Background(), Entry{Op: "lift", Outcome: lifted}, false)
		}
	}
	return nil
}

func (p *payments) decided(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byKey[key].status != ""
}

// silent reports whether calls about the key get no answer.
func (p payment) silent() bool { return p.captured && p.token == tokLost && !p.lifted }

// record writes e and then folds it. Its caller holds the lock. A failed write changes
// nothing.
func (p *payments) record(ctx context.Context, e Entry, lost bool) error {
	e.Answered = !lost && ctx.Err() == nil
	if err := p.ledger.append(e); err != nil {
		return err
	}
	p.fold(e)
	return nil
}

// fold is the whole memory of the provider: live and at start alike.
func (p *payments) fold(e Entry) {
	if e.Op == "lift" {
		for key, pay := range p.byKey {
			pay.lifted = true
			p.byKey[key] = pay
		}
		return
	}
	pay := p.byKey[e.Key]
	pay.orderID = e.OrderID
	if e.Op == "charge" {
		pay.amount, pay.currency, pay.token = e.Amount, e.Currency, e.Token
	}
	switch e.Outcome {
	case captured:
		pay.status, pay.captured = captured, true
	case declined, voided:
		pay.status = e.Outcome
	case refunded:
		pay.status, pay.refunded = refunded, e.Amount
	case unavailable:
		pay.unavailable++
	}
	p.byKey[e.Key] = pay
}
