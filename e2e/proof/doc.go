// Package proof holds what shows that the choreography is right, apart from what it is
// about. No other module imports this one.
//
//   - explore visits every interleaving of the protocol, played by the services' own
//     tables and reactions, and breaks them on purpose: docs/correctness.md and
//     docs/mutants.md are its reports.
//   - flowdoc checks the declared tables and draws docs/flow.md from them.
//   - simulation runs the production kit under storms that a seed decides.
//
// What the stories need of it is the text e2e/history/known.txt: every history that an
// order can end with.
package proof
