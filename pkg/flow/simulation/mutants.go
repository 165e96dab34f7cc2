package simulation

// Mutant is the kit with one thing broken: a few words of its source replaced.
type Mutant struct {
	Name  string
	File  string // in pkg/flow
	Edits []Edit
	// From is the seed to begin with: where one was caught that takes long to
	// find. It spares minutes, and proves nothing: the search goes on from there.
	From uint64
}

// Edit replaces words that stand once in the file.
type Edit struct{ Was, Is string }

// Mutants are what the judge must notice. The last bring back what reviews and
// earlier simulations found.
//
// One line of the kit has no mutant here: that a hand-over asks whether its lease
// was lost and regained since the batch began (w.held). Without it a row that was
// published meanwhile goes out once more, as a copy, and whatever else is handed
// over is known already, or refused.
//
// Another has none that is found in time: that rows are queued under the lease under
// which they were to be handed over (relay.add). A seed in some thousands shows it.
func Mutants() []Mutant {
	return []Mutant{
		{"the inbox is not asked", "fold.go", []Edit{{
			`if _, known := w.inbox[in.ID]; known {`,
			`if _, known := w.inbox[in.ID]; known && false {`,
		}}, 1},
		{"the broker is told before the commit", "transact.go", []Edit{{
			"\tif err := tx.Commit(); err != nil {",
			"\tfor _, h := range w.done.handled {\n\t\tif h.in.claim != nil {\n\t\t\th.in.claim.Mark(h.in.record.Offset + 1)\n\t\t}\n\t}\n\tif err := tx.Commit(); err != nil {",
		}}, 1},
		{"a row counts as acknowledged when it is published", "relay.go", []Edit{{
			"\t\t\tlog.Publish(ctx, row.ID,",
			"\t\t\tr.acknowledge(row.ID)\n\t\t\tlog.Publish(ctx, row.ID,",
		}}, 1},
		{"rows are handed over before the commit", "transact.go", []Edit{{
			"\tif err := tx.Commit(); err != nil {",
			"\te.follow.after(w)\n\tif err := tx.Commit(); err != nil {",
		}}, 1},
		{"hand-over without a lease", "follow.go", []Edit{
			{"case epoch == 0:", "case epoch < 0:"},
			{"here[key] = epoch", "here[key] = max(epoch, 1)"},
		}, 1},
		{"a position is written whoever owns it", "fold.go", []Edit{
			{"\treturn p == nil || p.epoch != c.epoch", "\treturn p == nil"},
			{"if in.record.Offset < p.next {", "if false {"},
		}, 1},
		{"an owner that was overtaken is not told", "transact.go", []Edit{{"if h.overtaken {", "if h.overtaken && false {"}}, 1},
		{"the state is read in one transaction and written in another", "transact.go", []Edit{
			{"\ttx, err := e.DB.Begin(ctx)", "\tearly, err := e.DB.Begin(ctx)\n\tif err != nil {\n\t\treturn err\n\t}\n\tloaded, err := e.load(ctx, early, w)\n\tearly.Rollback(err)\n\tif err != nil {\n\t\treturn err\n\t}\n\ttx, err := e.DB.Begin(ctx)"},
			{"e.attempt(ctx, tx, w)", "e.attempt(ctx, tx, w, loaded)"},
			{"tx *store.Tx, w *work) (err error) {", "tx *store.Tx, w *work, unit Unit[S]) (err error) {"},
			{"\tunit, err := e.load(ctx, tx, w)\n\tif err != nil {\n\t\treturn err\n\t}\n", ""},
		}, 1},
		{"a row does not wait for the one before it", "relay.go", []Edit{{
			`if waiting, busy := r.behind[l]; busy && row.Key != "" {`,
			`if waiting, busy := r.behind[l]; busy && false {`,
		}}, 1},
		{"that a mail is begun is not committed", "attempt.go", []Edit{{
			"\t\tif p.policy.AtMostOnce {\n\t\t\tif err := f.mark(c, true)",
			"\t\tif p.policy.AtMostOnce && false {\n\t\t\tif err := f.mark(c, true)",
		}}, 1},
		{"a call found open counts as not made", "attempt.go", []Edit{{
			"unknown := c.recovered && !p.policy.AtMostOnce",
			"unknown := false",
		}}, 1},
		{"what follows a parked input does not wait", "fold.go", []Edit{{
			"in.command == nil && len(rows) > 0 {",
			"in.command == nil && len(rows) > 0 && false {",
		}}, 1},
		{"half of a bisected batch is forgotten", "handle.go", []Edit{{
			"return e.handle(ctx, batch[half:])",
			"return true",
		}}, 1},
		{"a timer is applied that was stopped", "fold.go", []Edit{{
			"!running || due != in.due {",
			"false && (!running || due != in.due) {",
		}}, 1},
		{"after a commit of unknown outcome nothing is read again", "handle.go", []Edit{{
			"\te.readBack(ctx)\n", "",
		}}, 1},
		{"a mark beyond the lease is not refused", "attempt.go", []Edit{{
			"lost = w.fenced(in) || !w.effects[c.ID]; {",
			"lost = !w.effects[c.ID]; {",
		}}, 1},
		{"a key that another instance wrote last is handed over", "follow.go", []Edit{{" || !w.last(key, f.writer):", ":"}}, 1},
		{"a result counts though its call is answered", "fold.go", []Edit{{"!w.effects[in.effectID] || w.fenced(in) {", "w.fenced(in) {"}}, 1},
		{"a mail of unknown outcome is tried again", "attempt.go", []Edit{{"if spent || p.policy.AtMostOnce && unknown {", "if spent {"}}, 1},
		{"a mail found begun is begun again", "attempt.go", []Edit{{"if p.policy.AtMostOnce && c.started {", "if p.policy.AtMostOnce && c.started && false {"}}, 1},
		{"an attempt without an answer counts as not made", "attempt.go", []Edit{{"unknown = unknown || !sure\n", "unknown = unknown || !sure && false\n"}}, 1},
		{"a command's key is not asked for", "fold.go", []Edit{{
			"if a, known := w.commands[in.command.key]; known {",
			"if a, known := w.commands[in.command.key]; known && false {",
		}}, 1},
		{"a command of a batch that was rolled back is lost", "command.go", []Edit{{
			"{ c.state.CompareAndSwap(commandTaken, commandWaiting) }", "{}",
		}}, 1},
		{"a command under way is answered as not taken", "command.go", []Edit{{
			"if cmd.state.Swap(commandLeft) == commandWaiting {", "if cmd.state.Swap(commandLeft) >= 0 {",
		}}, 1},
		{"a dead letter is published at every retry", "park.go", []Edit{{"case in.dead:", "case in.dead && false:"}}, 1},
		{"calls are read back in any order", "effects.go", []Edit{{"ORDER BY key, n`", "ORDER BY key, n DESC`"}}, 1},
		{"nothing is held back while the outbox is read", "outbox.go", []Edit{{
			"if r.reloading {\n\t\tr.late", "if r.reloading && false {\n\t\tr.late",
		}}, 1},
		{"the story's name is forgotten", "apply.go", []Edit{{"t.CorrelationID = s.correlation", "t.CorrelationID = \"\""}}, 1},
		{"after a commit of unknown outcome the process keeps its name", "catchup.go", []Edit{{
			"\tf.writer = uuid.NewString()\n",
			"\tif f.writer == \"\" {\n\t\tf.writer = uuid.NewString()\n\t}\n",
		}}, 1},
		{"rows held back go out whoever has the lease", "outbox.go", []Edit{{
			"slices.DeleteFunc(append(found, r.late...), func(o outgoing) bool { return held[shardOf(o.Key)] == 0 })",
			"append(slices.DeleteFunc(found, func(o outgoing) bool { return held[shardOf(o.Key)] == 0 }), r.late...)",
		}}, 5190},
		{"who only takes note signs the row", "write.go", []Edit{{"writer := s.writer\n", "writer := w.writer\n"}}, 1},
		{"a lane that was parked in an unknown commit is not tried again", "engine.go", []Edit{{"\tsignal(e.parker.woken) // a batch", "\t// a batch"}}, 1},
		{"a command is taken before its key is locked", "handle.go", []Edit{{
			"if in.command == nil || !in.command.left() {",
			"if in.command == nil || in.command.take() || in.command.state.Load() == commandTaken {",
		}}, 1},
		{"a parked result or timer forgets what it follows from", "input.go", []Edit{{"Key: in.Key, Trace: in.Trace, Record: in.record, EffectID", "Key: in.Key, Record: in.record, EffectID"}}, 1},
		{"a timer that is parked runs out again", "park.go", []Edit{{
			"\t\tcase KindTimer:\n\t\t\tw.stopTimer(timerID{in.Key, in.Name})\n", "",
		}}, 1},
		{"a call whose result is parked stays open", "park.go", []Edit{{
			"\t\tcase KindResult:\n\t\t\tw.finish(in.effectID)\n", "",
		}}, 1},
		{"a timer that was parked stops the one that was started since", "apply.go", []Edit{{
			"if in.Kind == KindTimer && in.parkedN == 0 {", "if in.Kind == KindTimer {",
		}}, 1},
		{"another request under a key is answered as the first", "command.go", []Edit{{
			"if a.digest != c.digest {", "if a.digest != c.digest && false {",
		}}, 1},
		{"a record is passed over while the registry is away", "deliver.go", []Edit{{
			"if errors.Is(err, registry.ErrUnavailable) || ", "if errors.Is(err, registry.ErrUnavailable) {\n\t\treturn in, nil\n\t}\n\tif ",
		}}, 1},
		{"a record parks at once when the registry does not know its schema yet", "deliver.go", []Edit{{
			"&& !e.unknownLong(r) {", "&& !e.unknownLong(r) && false {",
		}}, 1},
		{"a lane whose head cannot be read is left to the next start", "park.go", []Edit{{
			"if !p.drain(ctx, h) {", "if !p.drain(ctx, h) && false {",
		}}, 1},
		{"the input that fills a batch is lost", "gather.go", []Edit{{
			"\t\t\tbatch = append(batch, in)\n", "\t\t\tif len(batch) < maxInputs-1 {\n\t\t\t\tbatch = append(batch, in)\n\t\t\t} else {\n\t\t\t\treturn batch\n\t\t\t}\n",
		}}, 1},
		{"an idle service does not find its database back", "gather.go", []Edit{{` || e.trouble.about("database")`, ""}}, 1},
		{"a refused command leaves a row behind", "write.go", []Edit{{
			"return onKeys(ctx, tx, `DELETE FROM streams WHERE key IN ({keys})`, slices.Collect(maps.Keys(w.created)))", "return nil",
		}}, 1},
		{"a dead letter has no value", "park.go", []Edit{{"\t\t\tr.Value = in.record.Value\n", ""}}, 1},
		{"a dead letter of a result or timer has no body", "park.go", []Edit{{"\t\tr.Value = in.body()\n", ""}}, 1},
		{"a dead letter has none of the record's headers", "park.go", []Edit{{"r.Headers = append(r.Headers, in.record.Headers...)", ""}}, 1},
		{"the tenant is forgotten", "apply.go", []Edit{{"t.Tenant = s.tenant", `t.Tenant = ""`}}, 1},
		{"a call forgets its trace", "apply.go", []Edit{{"Causation: m.trace.CausationID, traceparent: m.trace.Traceparent,", "Causation: m.trace.CausationID,"}}, 1},
		{"a timer forgets its trace", "apply.go", []Edit{{", traceparent: m.trace.Traceparent})", "})"}}, 1},
		{"a log is read from its first offset, whatever is deleted", "deliver.go", []Edit{{"\t\t\t\tp.next = c.LogStart\n", ""}}, 1},
		{"the rest of a batch does not know the timer that it started", "apply.go", []Edit{{"\t\tw.timers[t.id] = t.due\n", ""}}, 1},
		{"a result counts though its lease is lost", "fold.go", []Edit{{"!w.effects[in.effectID] || w.fenced(in) {", "!w.effects[in.effectID] {"}}, 1},
		{"a lease is taken under the epoch of before", "lease.go", []Edit{{"epoch = epoch + 1", "epoch = max(epoch, 1)"}}, 1},
	}
}
