package explore

// Property is a statement that must hold. A check returns the error that it finds, or
// nothing.
type Property struct {
	Name string
	// Always is checked in every state, of every order.
	Always func(v *View) string
	// AtRest is checked of an order without open work: at the ends, and also while another
	// order is still in progress.
	AtRest func(v *View) string
	// Shelf is checked of the stock in every state.
	Shelf func(stock levels) string
	// ShelfAtRest is checked of the stock at the ends. The second argument is the number
	// of pieces of each SKU in completed orders.
	ShelfAtRest func(stock levels, pieces int64) string
}

// NoTrap is the property that an end is reachable from every state.
const NoTrap = "from every state an end can be reached"

// AllEnd is the property that every schedule ends, and not only can end. No cycle and
// no standstill exists, except where attempts stay unanswered again and again. It
// demands more than fairness: a cycle is wrong even if it can last only while another
// party, which could end it, never takes a step.
const AllEnd = "every schedule ends, unless attempts stay unanswered for ever"

// The names of the other properties.
const (
	nothingParks        = "no input parks"
	endsStand           = "what has ended stays ended"
	declaredCauses      = "every event follows from one that the tables name"
	noCircles           = "no service goes in circles"
	capturedOnce        = "a payment is captured at most once"
	moneyInBounds       = "given back <= captured <= total"
	paidParcelsOnly     = "a parcel is booked at most once, and no unpaid one"
	pivotStands         = "nothing is undone after the pivot"
	oneEndTold          = "an order has one end, told once"
	cancelledIsUndone   = "an order is cancelled when all that was done for it is undone"
	standsDownInTime    = "who hears of a cancellation before acting does not act"
	factsToldOnce       = "no fact is told twice"
	mailsAcceptedOnce   = "a mail is accepted at most once"
	outcomeMailsFollow  = "an outcome mail follows its outcome and agrees with it"
	moneyToldRight      = "events of a payment tell the order's total and currency"
	parcelsToldRight    = "a shipment is told with the carrier's tracking number"
	oneName             = "each payment, shipment and notification goes by one id of its own, told and asked"
	askedAsOrdered      = "the outside world is asked for what the order says"
	placedAsAsked       = "an order is published as it was placed, and its time begins to run"
	customerAnswered    = "what the customer is answered is so"
	answersTold         = "what the outside world answers is told, and nobody fails unasked"
	cancellationsHeeded = "a cancellation of a pending order, and its deadline, are asked of all"
	rejectionsTrue      = "stock is rejected where it is short, and that is what is told"
	stockAddsUp         = "stock is never negative, and adds up"
	everyOrderEnds      = "at rest: every order has ended"
	moneyWhereDue       = "at rest: the provider holds the total of a completed order, and nothing of others"
	parcelWhereDue      = "at rest: a completed order has one parcel, others none"
	completedStockShips = "at rest: a completed order's stock has shipped, and nothing is held for others"
	partsEnd            = "at rest: each service has ended its part, and its events say how"
	customerTold        = "at rest: the customer was told, or it is recorded why not"
	progressShown       = "at rest: the order shows every event once"
	reasonsTrue         = "at rest: who turned an order round gave the true reason"
	reasonsPassOn       = "at rest: reasons are passed on unchanged"
	nothingIsLost       = "at rest: no committed event is missing"
	shownAsTold         = "at rest: what a service has shown of an order is what was told of it"
	nothingReserved     = "at rest: nothing is reserved, and as much shipped as completed"
)

// Properties are the checked properties, apart from NoTrap and AllEnd, which are about
// the whole graph. First come those that must hold in every state, then those that must
// hold at rest. Of the properties that one state violates, the first gives a
// counterexample its name.
func Properties() []Property {
	return append(always(), atRest()...)
}

// Names returns the names of all properties, in their order.
func Names() []string {
	var names []string
	for _, p := range Properties() {
		names = append(names, p.Name)
	}
	return append(names, NoTrap, AllEnd)
}

func always() []Property {
	return []Property{
		{Name: nothingParks, Always: breach("parks: ")},
		{Name: endsStand, Always: breach("leaves: ")},
		{Name: declaredCauses, Always: breach("undeclared: ")},
		{Name: noCircles, Always: breach("loops: ")},
		{Name: capturedOnce, Always: oneCapture},
		{Name: moneyInBounds, Always: moneyBounds},
		{Name: paidParcelsOnly, Always: paidParcels},
		{Name: pivotStands, Always: pivot},
		{Name: oneEndTold, Always: oneEnd},
		{Name: cancelledIsUndone, Always: cancelledUndone},
		{Name: standsDownInTime, Always: standsDown},
		{Name: factsToldOnce, Always: factsOnce},
		{Name: mailsAcceptedOnce, Always: mailsOnce},
		{Name: outcomeMailsFollow, Always: outcomeMails},
		{Name: oneName, Always: oneID},
		{Name: moneyToldRight, Always: moneyTold},
		{Name: parcelsToldRight, Always: trackingTold},
		{Name: askedAsOrdered, Always: asOrdered},
		{Name: placedAsAsked, Always: breach("misplaced: ")},
		{Name: customerAnswered, Always: breach("misanswered: ")},
		{Name: answersTold, Always: breach("mistold: ")},
		{Name: cancellationsHeeded, Always: breach("unheeded: ")},
		{Name: rejectionsTrue, Always: breach("untrue: ")},
		{Name: stockAddsUp, Shelf: shelfLaw},
	}
}

func atRest() []Property {
	return []Property{
		{Name: everyOrderEnds, AtRest: ended},
		{Name: moneyWhereDue, AtRest: moneyAtRest},
		{Name: parcelWhereDue, AtRest: parcelsAtRest},
		{Name: completedStockShips, AtRest: stockAtRest},
		{Name: partsEnd, AtRest: partsAtRest},
		{Name: customerTold, AtRest: mailsAtRest},
		{Name: progressShown, AtRest: progressAtRest},
		{Name: reasonsTrue, AtRest: trueReasons},
		{Name: reasonsPassOn, AtRest: reasonsAtRest},
		{Name: nothingIsLost, AtRest: noGap},
		{Name: shownAsTold, AtRest: shownAtRest},
		{Name: nothingReserved, ShelfAtRest: shelfAtRest},
	}
}
