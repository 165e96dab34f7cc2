package e2e

import "context"

// Story is a course of events for orders, and its required end.
type Story struct {
	Name  string
	Tells string // in one sentence
	Needs Needs
	// Play plays the story, and returns an error when it ends otherwise. The system
	// may still have work left afterwards. The caller judges it at rest.
	Play func(ctx context.Context, w *World) error
}

// Gentle are the stories that need only a running system: they stop no process and
// leave no fault behind.
func Gentle() []Story {
	return []Story{
		HappyPath(), OutOfStock(), PaymentDeclined(), CarrierRefuses(),
		CancelBeforeBooking(), CancelTooLate(),
		ProviderTimeout(), ProviderLost(), FlakyProvider(), BookingWithoutAnswer(),
		BouncedMail(), GreylistedMail(), LastUnit(),
	}
}
