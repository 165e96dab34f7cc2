package main

import (
	"context"
	"fmt"
	"io"

	"github.com/quintet-eda/quintet/e2e/proof/explore"
)

// broken explores a mutant. That it is caught is how it should be, if it is by
// the property that the table names.
func broken(ctx context.Context, args arguments, scopes []explore.Scope, to io.Writer) error {
	m, err := explore.FindMutant(args.Mutant)
	if err != nil {
		return err
	}
	fmt.Fprintf(to, "The system is broken on purpose: %s.\n", m.Tells)
	if m.Why != "" {
		fmt.Fprintf(to, "Nothing can be seen of it: %s.\n", m.Why)
	}
	fmt.Fprintln(to)
	otherwise := false
	for _, scope := range scopes {
		if scope != m.Scope {
			fmt.Fprintf(to, "Note that its scope is %s. In %s it may not show, or be caught by another property.\n", m.Scope.Name, scope.Name)
		}
		r, err := explore.Explore(ctx, m.System(), scope)
		if err != nil {
			return err
		}
		r.Print(to)
		if r.Violation != nil {
			if err := tell(m.System(), r.Violation, args, to); err != nil {
				return err
			}
		}
		says, expected := m.Fares(r)
		fmt.Fprintln(to, says)
		otherwise = otherwise || !expected
	}
	if otherwise {
		return errOtherwise
	}
	return nil
}
