package explore

import (
	"fmt"
	"slices"
	"strings"
)

// Mutant is the production system with one fault put in on purpose. A mutant
// that is caught shows that a property can fail, and what it is for.
type Mutant struct {
	Name  string
	Tells string // what is broken, as a clause
	// Scope is a small one in which the fault shows.
	Scope Scope
	// Property is the one that the shortest counterexample violates. A mutant
	// that another one catches is not the fault that it is meant to be.
	Property string
	Break    func(*System)
	// Why nothing can be seen of the fault. Set for the equivalent ones only,
	// which no property catches.
	Why string
}

// System is the mutant.
func (m Mutant) System() System {
	s := Production()
	m.Break(&s)
	return s
}

// Mutants are the faults that are caught, by where they are made.
func Mutants() []Mutant {
	return slices.Concat(
		orderMutants(), endMutants(),
		stockMutants(), releaseMutants(), shelfMutants(),
		paymentMutants(), cancelledPaymentMutants(), refundMutants(), otherRefundMutants(), chargeMutants(), voidMutants(),
		shippingMutants(), cancelledShipmentMutants(), bookingMutants(), unbookingMutants(),
		mailMutants(), lostMailMutants(),
		kitMutants(), outsideMutants(), heardMutants(), earlyMutants(),
		toldMutants(), trackingMutants(), askedMutants(),
		whyMutants(), namelessMutants(), unheededMutants(), rejectionMutants(),
		endlessMutants(), retryLoops(),
		keyMutants(), smoothMutants(), placedMutants(), answeredMutants(), sharedMutants(), broughtMutants(), wordMutants(), oddMutants(),
		forgottenMutants(), suppliedMutants(), shownMutants(), readersMutants(), madeMutants(),
	)
}

// FindMutant returns the mutant of a name, also an equivalent one. Its error
// lists the names that there are.
func FindMutant(name string) (Mutant, error) {
	var names []string
	for _, m := range append(Mutants(), Equivalents()...) {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Mutant{}, fmt.Errorf("no mutant is called %q; there are %s", name, strings.Join(names, ", "))
}
