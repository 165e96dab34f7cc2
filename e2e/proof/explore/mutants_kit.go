package explore

// kitMutants break what the participants count on: a promise of pkg/flow.
func kitMutants() []Mutant {
	return []Mutant{
		{
			Name: "no-inbox", Tells: "a record that is delivered twice is applied twice", Scope: doubled, Property: progressShown,
			Break: func(s *System) { s.Kit.Inbox = false },
		},
		{
			Name: "stale-state", Tells: "a second instance reacts with a state that is one commit old", Scope: smooth, Property: everyOrderEnds,
			Break: func(s *System) { s.Kit.Fresh = false },
		},
		{
			Name: "outputs-before-commit", Tells: "outputs go out before the commit, which may not come to pass", Scope: smooth, Property: factsToldOnce,
			Break: func(s *System) { s.Kit.Atomic = false },
		},
		{
			Name: "publish-once", Tells: "what was committed and not yet published is lost in a crash", Scope: smooth, Property: everyOrderEnds,
			Break: func(s *System) { s.Kit.Outbox = false },
		},
		{
			Name: "offset-before-commit", Tells: "a record counts as taken before what it causes is committed", Scope: smooth, Property: everyOrderEnds,
			Break: func(s *System) { s.Kit.Positions = false },
		},
		{
			Name: "trusting-restart", Tells: "a call that is found open after a crash counts as never made", Scope: crashLost, Property: cancelledIsUndone,
			Break: func(s *System) { s.Kit.Recovered = false },
		},
		{
			Name: "mail-found-is-sent-again", Tells: "that a mail is begun is not committed before it is sent", Scope: mailCrash, Property: mailsAcceptedOnce,
			Break: func(s *System) { s.Kit.AtMostOnce = false },
		},
	}
}

// outsideMutants break a promise of the provider or of the carrier.
func outsideMutants() []Mutant {
	return []Mutant{
		{
			Name: "provider-forgets-voids", Tells: "the provider leaves no tombstone, and charges after a void", Scope: silent, Property: capturedOnce,
			Break: func(s *System) { s.Outside.Provider.Tombstones = false },
		},
		{
			Name: "provider-charges-again", Tells: "the provider does again what was done under a key", Scope: lost, Property: capturedOnce,
			Break: func(s *System) { s.Outside.Provider.Idempotent = false },
		},
		{
			Name: "carrier-forgets-unbookings", Tells: "the carrier leaves no tombstone, and takes a parcel after its unbooking", Scope: silent, Property: paidParcelsOnly,
			Break: func(s *System) { s.Outside.Carrier.Tombstones = false },
		},
		{
			Name: "carrier-books-again", Tells: "the carrier does again what was done under a key", Scope: lost, Property: paidParcelsOnly,
			Break: func(s *System) { s.Outside.Carrier.Idempotent = false },
		},
	}
}
