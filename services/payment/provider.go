package payment

import (
	"context"
	"net/http"
	"net/url"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/remote"
)

// callHandlers make the calls. A charge is given up within its bounds. A void or
// refund has no bounds, since money must not be left behind silently.
func callHandlers(cfg Config) []flow.CallHandler {
	p := provider{remote.New("provider", cfg.URL)}
	charge := cfg.Calls.Policy()
	undo := flow.Policy{Timeout: cfg.Calls.Timeout}
	return []flow.CallHandler{
		flow.HandleCall(charge, p.charge, giveUp),
		flow.HandleCall(undo, p.void, nil),
		flow.HandleCall(undo, p.refund, nil),
	}
}

func giveUp(_ Charge, unknown bool) Charged {
	if unknown {
		return Charged{Outcome: Unknown}
	}
	return Charged{Outcome: GivenUp}
}

func (p provider) charge(ctx context.Context, call flow.Call, c Charge) (Charged, error) {
	a, err := p.post(ctx, call, c.PaymentID, "charge", map[string]any{
		"orderId": c.OrderID, "amount": c.Amount, "currency": c.Currency, "token": c.Token,
	})
	switch {
	case err != nil:
		return Charged{}, err
	case a.Says(http.StatusOK, "captured"):
		return Charged{Outcome: Approved}, nil
	case a.Says(http.StatusPaymentRequired, "declined"):
		return Charged{Outcome: Declined}, nil
	case a.Says(http.StatusConflict, "voided"):
		// The tombstone of a void: the provider has given back any money of this
		// key, and will take none under it.
		return Charged{Outcome: GivenUp}, nil
	}
	return Charged{}, a.Failure()
}

func (p provider) void(ctx context.Context, call flow.Call, v Void) (Voided, error) {
	a, err := p.post(ctx, call, v.PaymentID, "void", map[string]any{"orderId": v.OrderID})
	switch {
	case err != nil:
		return Voided{}, err
	case a.Says(http.StatusOK, "voided"), a.Says(http.StatusOK, "refunded"): // given back either way
		return Voided{}, nil
	}
	return Voided{}, a.Failure()
}

func (p provider) refund(ctx context.Context, call flow.Call, r Refund) (Refunded, error) {
	a, err := p.post(ctx, call, r.PaymentID, "refund", map[string]any{"orderId": r.OrderID, "amount": r.Amount})
	switch {
	case err != nil:
		return Refunded{}, err
	case a.Says(http.StatusOK, "refunded"):
		return Refunded{}, nil
	}
	return Refunded{}, a.Failure()
}

// provider is the payment provider's HTTP API. All calls about one payment carry its
// id as their key, so that the provider executes each of them once.
type provider struct{ remote.API }

func (p provider) post(ctx context.Context, call flow.Call, key, operation string, body any) (remote.Answer, error) {
	return p.Post(ctx, call, "/payments/"+url.PathEscape(key)+"/"+operation, body, nil)
}
