package main

import "github.com/quintet-eda/quintet/deploy/local"

type clean struct{}

// Run removes the data directory. Under a running system that would lose what
// it has acknowledged, so that is refused.
func (clean) Run(at place) error { return local.Clean(at.Data) }
