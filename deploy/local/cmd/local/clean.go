package main

import "github.com/quintet-eda/quintet/deploy/local"

type clean struct{}

// Run removes the data directory. It refuses while a system runs, since that system
// would lose records that it has acknowledged.
func (clean) Run(at place) error { return local.Clean(at.Data) }
