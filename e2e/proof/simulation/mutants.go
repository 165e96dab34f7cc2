package simulation

// Mutant is the kit with one thing broken: a few words of its source replaced.
type Mutant struct {
	Name  string
	File  string // in pkg/engine
	Edits []Edit
	// From is the first seed of the search: the seed that caught a mutant which takes long
	// to find. It spares minutes, and proves nothing: the search goes on from there.
	From uint64
}

// Edit replaces words that stand once in the file.
type Edit struct{ Was, Is string }

// Mutants are the faults that the judge must notice. The last ones bring back faults
// that reviews and earlier simulations found.
//
// Two rules have no mutant. Ended work is forgotten only before a reading: without this
// rule a row is begun again now and then, as a copy or a call that is refused. A mail
// of unknown outcome ends at once: without this rule its row says so, and ends it a
// little later.
//
// Three lines of the kit have no mutant here, since transactions come one after the
// other in a simulation. They are the lock on a lease that is taken, for which a plain
// UPDATE would not wait; the lock on a new key; and the marking of calls in a
// transaction after the one that takes their shard. The suites on a real server are for
// those.
func Mutants() []Mutant {
	one := func(name, file, was, is string) Mutant { return Mutant{name, file, []Edit{{was, is}}, 1} }
	return []Mutant{
		// The batch.
		one("the inbox is not asked", "fold.go", `if before, known := b.inbox[in.ID]; known {`, `if before, known := b.inbox[in.ID]; known && false {`),
		one("the broker is told before the commit", "transact.go", "\tif err := tx.Commit(ctx); err != nil {",
			"\tfor _, h := range b.out.results {\n\t\tif h.in.assignment != nil {\n\t\t\th.in.assignment.Commit(h.in.record.Offset + 1)\n\t\t}\n\t}\n\tif err := tx.Commit(ctx); err != nil {"),
		{"a position is written whoever owns it", "fold.go", []Edit{
			{"\tif p != nil && p.generation == a.generation {", "\tif p != nil {"},
			{"if offset < p.next {", "if false {"},
		}, 1},
		{"an owner that was overtaken is not told", "fold.go", []Edit{{"\ta.fence()\n", ""}}, 1860},
		{"the state is read in one transaction and written in another", "transact.go", []Edit{
			{"\ttx, err := e.DB.Begin(ctx)", "\tearly, err := e.DB.Begin(ctx)\n\tif err != nil {\n\t\treturn err\n\t}\n\tloaded, err := e.Store.Load(ctx, early, reacting(b.inputs))\n\tearly.Rollback(err)\n\tif err != nil {\n\t\treturn err\n\t}\n\ttx, err := e.DB.Begin(ctx)"},
			{"e.try(ctx, tx, b)", "e.try(ctx, tx, b, loaded)"},
			{"tx *store.Tx, b *batch) (err error) {", "tx *store.Tx, b *batch, states interface {\n\tState(*flow.Input) S\n\tPut(*flow.Input, S)\n\tSave(*store.Tx)\n}) (err error) {"},
			{"\tstates, err := e.Store.Load(ctx, tx, reacting(b.inputs))\n\tif err == nil {\n\t\terr = tx.Flush(ctx) // if the store queried nothing\n\t}\n\tif err != nil {\n", "\tif err := tx.Flush(ctx); err != nil {\n"},
			{"\t\"github.com/quintet-eda/quintet/pkg/store\"\n", "\t\"github.com/quintet-eda/quintet/pkg/flow\"\n\t\"github.com/quintet-eda/quintet/pkg/store\"\n"},
		}, 1},
		one("half of a split batch is forgotten", "retry.go", "return e.handle(ctx, inputs[half:])", "return true"),
		one("the input that fills a batch is lost", "queue.go", "\t\tinputs = append(inputs, in)\n",
			"\t\tif len(inputs) == maxInputs-1 || size+in.cost() >= maxBytes {\n\t\t\treturn inputs\n\t\t}\n\t\tinputs = append(inputs, in)\n"),
		one("what can wait is kept until something else comes", "queue.go", "\t\t\t\tlate = timer.C\n", ""),
		one("a batch leaves out what has waited for it", "queue.go", "\t\tif blocked || len(inputs) == 0 {\n", "\t\tif blocked && canWait && len(inputs) > 0 && !in.canWait {\n\t\t\tinputs = nil\n\t\t}\n\t\tif blocked || len(inputs) == 0 {\n"),
		one("an idle service does not find its database back", "retry.go", `if _, away := e.missing.Load("database"); !away {`, `if true {`),
		one("a refused command leaves a row behind", "write.go", "onKeys(tx, `DELETE FROM streams WHERE key IN ({keys})`, slices.Sorted(maps.Keys(b.created)))", "_ = maps.Keys[map[string]bool]"),
		one("a log is read from its first offset, whatever is deleted", "records.go", "\t\t\t\tp.next = a.LogStart\n", ""),
		{"the rest of a batch does not know the timer that it started", "apply.go", []Edit{{"\t\tb.timers[t.id] = t.due\n", ""}}, 390},
		one("the story's name is forgotten", "batch.go", "t.CorrelationID = k.correlation", `t.CorrelationID = ""`),
		one("the tenant is forgotten", "batch.go", "t.Tenant = k.tenant", `t.Tenant = ""`),
		one("a call forgets its trace", "apply.go", "key: in.Key, name: name, body: body, causation: o.trace.CausationID, traceparent: o.trace.Traceparent,", "key: in.Key, name: name, body: body, causation: o.trace.CausationID,"),
		one("a timer forgets its trace", "apply.go", "due: b.now.Add(t.After).UnixMicro(), body: body, causation: o.trace.CausationID, traceparent: o.trace.Traceparent,", "due: b.now.Add(t.After).UnixMicro(), body: body, causation: o.trace.CausationID,"),

		// Commands.
		one("a command's key is not asked for", "fold.go", "if r, known := b.replies[in.command.key]; known {", "if r, known := b.replies[in.command.key]; known && false {"),
		one("a command of a batch that was rolled back is lost", "command.go", "{ c.state.CompareAndSwap(commandTaken, commandWaiting) }", "{}"),
		one("a command under way is answered as not taken", "command.go", "if cmd.state.Swap(commandLeft) == commandWaiting {", "if cmd.state.Swap(commandLeft) >= 0 {"),
		one("another request under a key is answered as the first", "command.go", "if r.digest != c.digest {", "if r.digest != c.digest && false {"),
		one("a command is taken before its key is locked", "retry.go", "if in.command == nil || !in.command.left() {", "if in.command == nil || in.command.take() || in.command.state.Load() == commandTaken {"),

		// Followers and leases.
		one("a follower reads without the lease's epoch", "follower.go", "AND CAST(l.shard AS TEXT) || ':' || CAST(l.epoch AS TEXT) IN ({keys}) AND", "AND CAST(l.shard AS TEXT) || ':0' NOT IN ({keys}) AND"),
		one("a lost hint is never made up for", "follower.go", "const pollEvery = 2 * time.Second", "const pollEvery = 200 * time.Hour"),
		one("what has ended is never forgotten", "underway.go", "\t\tdelete(u.ids, id)\n", "\t\t_ = id\n"),
		one("a lease is taken under the epoch of before", "takeover.go", "epoch = epoch + 1", "epoch = max(epoch, 1)"),
		one("a lease is taken while its holder lives", "lease.go", "case !mine && (r.holder == l.instance || !live[r.holder]):", "case !mine && (r.holder == l.instance || !live[r.holder] || r.epoch%2 == 1):"),
		one("a dead instance's leases are never taken", "lease.go", "if was, met := l.seen[id]; met &&", "if was, met := l.seen[id]; met && false &&"),
		{"a first look that was rolled back counts as made", "lease.go", []Edit{{"\tseen := map[string]beat{}\n", "\tl.entered = true\n\tseen := map[string]beat{}\n"}}, 1880},
		one("a call found open counts as not made", "takeover.go", "WHERE started = 0 AND CAST(shard", "WHERE started = 2 AND CAST(shard"),
		one("a shard is worked on before its open calls are marked", "takeover.go", "\t\ttaken = append(taken, r)\n", "\t\ttaken = append(taken, r)\n\t\tl.held[r.shard] = r.epoch\n"),
		one("a lane is not tried again where it was taken over", "takeover.go", "UPDATE parked SET due = 0 WHERE (lane", "UPDATE parked SET due = due WHERE (lane"),
		one("a result counts though its lease is lost", "fold.go", "if !b.calls[in.callID] || b.lostLease(in) {", "if !b.calls[in.callID] {"),
		one("a result counts though its call is answered", "fold.go", "if !b.calls[in.callID] || b.lostLease(in) {", "if b.lostLease(in) {"),

		// The relay.
		one("a row counts as acknowledged when it is published", "relay.go", "\t\tproducer.Publish(ctx, row.ID,", "\t\tr.acknowledge(row.ID)\n\t\tproducer.Publish(ctx, row.ID,"),
		one("a row does not wait for the one before it", "outbox.go", `if waiting, busy := r.behind[l]; busy && o.Key != "" {`, `if waiting, busy := r.behind[l]; busy && false {`),
		one("what a failed producer had is not read again", "relay.go", "\tfor id := range r.flying {\n\t\tr.rows.end(id)\n\t}\n", ""),
		one("what waited behind a failed row is not read again", "relay.go", "\tfor _, row := range r.next {\n\t\tr.rows.end(row.ID)\n\t}\n", ""),
		one("the outbox is read in any order", "relay.go", `h.n < t.n)`+"`"+`, "t.n")`, `h.n < t.n)`+"`"+`, "t.n DESC")`),
		one("a row is deleted that was not acknowledged", "outbox.go", "\tr.acked = append(r.acked, row)\n", "\tr.acked = append(r.acked, row)\n\tr.acked = append(r.acked, r.next...)\n"),

		one("a published row is deleted by its number alone", "write.go", " AS numbers) AND id IN ({keys})`", " AS numbers) AND {keys} IS NOT NULL`"),

		// Calls.
		one("that a mail is begun is not committed", "calls.go", "if ctx.Err() != nil || !c.start(row) {", "if ctx.Err() != nil {"),
		one("a mark beyond the lease is not refused", "calls.go", "if started = b.calls[row.id] && !b.lostLease(in); started {", "if started = b.calls[row.id]; started {"),
		one("a mail found begun is begun again", "calls.go", "\t\tif row.started == 1 {\n", "\t\tif row.started == 2 {\n"),
		one("an attempt without an answer counts as not made", "calls.go", "unknown := row.started == 1 || !sure\n", "unknown := row.started == 1 || !sure && false\n"),
		one("that an attempt may have been made is forgotten", "calls.go", "\tif unknown {\n\t\trow.started = 1", "\tif unknown && false {\n\t\trow.started = 1"),
		one("a failed attempt beyond the lease is written", "calls.go", "if b.calls[row.id] && !b.lostLease(in) {", "if b.calls[row.id] {"),
		one("calls of a key are made in any order", "calls.go", "WHERE h.key = t.key AND h.n < t.n)", "WHERE h.key = t.key AND h.n > t.n)"),

		// Timers.
		one("a timer is applied that was stopped", "fold.go", "!running || due != in.due {", "false && (!running || due != in.due) {"),
		one("a timer that was parked stops the one that was started since", "apply.go", "if in.Kind == flow.KindTimer && in.parkedN == 0 {", "if in.Kind == flow.KindTimer {"),

		// Parked lanes.
		one("what follows a parked input does not wait", "fold.go", "waits && in.parkedN == 0 && in.command == nil {", "waits && in.parkedN == 0 && in.command == nil && false {"),
		one("a dead letter is published at every retry", "parked.go", "if row.dead == 0 && row.attempts >= e.Park.Attempts {", "if row.attempts >= e.Park.Attempts {"),
		one("a parked result or timer forgets what it follows from", "input.go", "Key: in.Key, Trace: in.Trace, Record: in.record, EffectID", "Key: in.Key, Record: in.record, EffectID"),
		one("a timer that is parked runs out again", "parked.go", "\t\tcase flow.KindTimer:\n\t\t\tb.stopTimer(timerID(in.Key, in.Name))\n", ""),
		one("a call whose result is parked stays open", "parked.go", "\t\tcase flow.KindResult:\n\t\t\tb.finish(in.callID)\n", ""),
		one("the next head of a lane goes on waiting", "migrations/shared/0002_followers.sql", "--sqlite:   UPDATE parked SET due = 0 WHERE", "--sqlite:   UPDATE parked SET due = due WHERE"),
		one("a run goes on past a row that failed", "fold.go", "head.n != 0 && head.n != in.parkedN ||", "false ||"),
		one("a lane whose head cannot be read is left to the next start", "parked.go", "due: b.now.Add(l.e.Park.Delay).UnixMicro()})", "due: givenUpDue})"),
		one("a record is passed over while the registry is away", "records.go", "\t\tin.unexplained = err\n\t\treturn\n", "\t\treturn\n"),
		one("a record counts as tried when the registry does not know its schema yet", "records.go", "&& e.unknownLong(r) {", "&& (e.unknownLong(r) || true) {"),
		one("a dead letter has no value", "../record/deadletter.go", "size, value = original.Size(), original.Value", "size, value = original.Size(), nil"),
		one("a dead letter of a result or timer has no body", "../record/deadletter.go", "size, value := len(body), body", "size, value := len(body), []byte(nil)"),
		one("a dead letter has none of the record's headers", "../record/deadletter.go", "letter.Headers = append(letter.Headers, original.Headers...)", ""),
	}
}
