package explore

// one is a scope of one order and one piece of stock.
func one(name string, may Choice) Scope { return Scope{Name: name, Orders: 1, Stock: 1, May: may} }

// The scopes in which mutants are caught. Each is as small as its name says.
var (
	smooth           = one("smooth", 0)
	declined         = one("declined", Declines)
	refused          = one("refused", Refuses)
	cancelling       = one("cancelled", Cancels)
	impatient        = one("cancelled-and-late", Cancels|Deadlines)
	silent           = one("unanswered", Unanswered|GivesUp)
	spent            = one("given-up", GivesUp)
	lost             = one("answer-lost", Unanswered)
	collected        = one("unanswered-and-collected", Unanswered|GivesUp|Collects)
	mailed           = one("mailed", Mails)
	unmailed         = one("mail-fails", Mails|MailFails)
	mailCrash        = one("mailed-and-crashed", Mails|Crashes)
	twice            = Scope{Name: "published-twice", Orders: 1, Stock: 2, May: Twice}
	twiceMailed      = Scope{Name: "published-twice-and-mailed", Orders: 1, May: Twice | Mails}
	soldOut          = Scope{Name: "sold-out", Orders: 1}
	soldOutCancelled = Scope{Name: "sold-out-and-cancelled", Orders: 1, May: Cancels}
	watched          = Scope{Name: "foreign-and-late", Orders: 1, Stock: 1, Foreign: true, May: Deadlines}
	stranger         = Scope{Name: "foreign-and-sold-out", Orders: 1, Foreign: true, May: Mails}
	lastPiece        = Scope{Name: "last-piece", Orders: 2, Stock: 1}
	twoPieces        = Scope{Name: "two-pieces", Orders: 2, Stock: 2, May: Declines}
	supplied         = one("brought", Delivery|Declines)
	odd              = Scope{Name: "odd", Orders: 1, Stock: 2, Odd: true, May: Declines}
	half             = Scope{Name: "half-in-stock", Orders: 1, Stock: 1, Odd: true}
	dear             = Scope{Name: "odd-and-foreign", Orders: 1, Stock: 2, Odd: true, Foreign: true, May: Mails}
	twiceDeclined    = Scope{Name: "published-twice-and-declined", Orders: 1, Stock: 1, May: Twice | Declines}
	doubled          = one("delivered-twice", Duplicates)
	crashLost        = one("crashed-and-unanswered", Crashes|Unanswered|GivesUp)
	wide             = one("everything-but-mails", Ordinary&^(Mails|MailFails))
)

// Small are the scopes of the mutants, and of their schedules.
func Small() []Scope {
	return []Scope{
		smooth, declined, refused, cancelling, impatient, spent, lost, silent, collected, mailed, unmailed, mailCrash,
		twice, twiceMailed, soldOut, soldOutCancelled, watched, stranger, lastPiece, twoPieces, supplied, odd, half, dear, twiceDeclined, doubled, crashLost, wide,
	}
}
