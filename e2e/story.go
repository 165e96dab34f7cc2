package e2e

import "context"

// Story is something that can happen to orders, and how it must end.
type Story struct {
	Name  string
	Tells string // in one sentence
	Needs Needs
	// Play makes it happen and returns an error when it does not end as it
	// should. The system may still have things to do afterwards; whoever plays
	// the story judges it at rest.
	Play func(ctx context.Context, w *World) error
}

// Gentle are the stories that need nothing but a running system: they stop
// no process and leave none of their faults behind.
func Gentle() []Story {
	return []Story{
		HappyPath(), OutOfStock(), PaymentDeclined(), CarrierRefuses(),
		CancelBeforeBooking(), CancelTooLate(),
		ProviderTimeout(), ProviderLost(), FlakyProvider(), BookingWithoutAnswer(),
		BouncedMail(), GreylistedMail(), LastUnit(),
	}
}
