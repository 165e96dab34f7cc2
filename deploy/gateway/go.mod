module github.com/quintet-eda/quintet/deploy/gateway

go 1.26.10

require (
	github.com/caarlos0/env/v11 v11.4.2
	github.com/google/go-cmp v0.7.0
)
