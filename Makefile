# Quintet. `make` lists the targets.
SHELL    := /bin/bash
BIN      := bin
SERVICES := order inventory payment shipping email
# A Go that is too old fetches the one that go.mod names.
export GOTOOLCHAIN ?= auto
MODULES  := $(shell GOTOOLCHAIN=$(GOTOOLCHAIN) go list -f '{{.Dir}}' -m)
# The race detector needs a C compiler. Without one the tests still run.
RACE     := $(shell command -v gcc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 && echo -race)
GOLANGCI := golangci-lint
# Where the composed system's ports begin, and what it is called.
PORT_BASE ?= 8000
PROJECT  := quintet$(if $(filter-out 8000,$(PORT_BASE)),-$(PORT_BASE))
COMPOSE  := PORTS=$$(($(PORT_BASE)/100)) KAFKA_PORT=$$(($(PORT_BASE)+1092)) docker compose -p $(PROJECT)
TARGET   ?= local
SEEDS    ?= 2000
# The version before, which works side by side with this one while instances are replaced.
BEFORE   := b1596fb
# The tests end their containers themselves; no other container has to watch them.
REAL     := TESTCONTAINERS_RYUK_DISABLED=true go test -count=1 -tags containers

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

build: ## build every program into bin/
	@[ -x $(BIN)/local ] || echo "building into $(BIN)/: the first time takes a minute or two"
	@go build -o $(BIN)/ work

run: build ## start the whole system on this machine; Ctrl-C stops it
	@$(BIN)/local up

up: ## start the composed system and wait until it is healthy: make up PORT_BASE=9000
	@$(COMPOSE) up --build --wait

down: ## stop the composed system and keep its data
	@$(COMPOSE) down

demo: build ## play the stories against a running system and print each order's flow
	@$(BIN)/demo

flow: build ## print one order's history from the topics: make flow ORDER=<id>
	@$(if $(ORDER),,echo "usage: make flow ORDER=<id>"; exit 1;) $(BIN)/flow $(ORDER)

test: ## run every test, the end-to-end stories included
	@$(if $(RACE),echo "race detector: on",echo "race detector: off, it needs a C compiler")
	@go test -count=1 -shuffle=on $(RACE) -timeout 12m work
	@cd e2e/proof && go run ./cmd/explore --quick

explore: build ## visit every interleaving of the protocol; MUTANT=<one of docs/mutants.md> REPLAY='<schedule>' SCOPE=<name> QUICK=1 MERMAID=1
	@$(BIN)/explore $(if $(SCOPE),--scope '$(SCOPE)') $(if $(QUICK),--quick) $(if $(MERMAID),--mermaid)

mutants: ## try every fault that the operators make of a reaction, and write what catches it; some minutes
	@cd e2e/proof && go run ./cmd/explore --mutants explore/generated.txt

simulate: ## play storms on the kit, each by its seed: make simulate SEEDS=2000, or SEED=511 for every step of one
	@set -o pipefail; cd e2e/proof && go test -count=1 -v -timeout 20m -run TestNothingIsLost ./simulation $(if $(SEED),-seed=$(SEED),-seeds=$(SEEDS)) | { grep -vE '^ *(===|---) ' || true; }

sabotage: ## break the kit on purpose, and see the simulation notice
	@set -o pipefail; cd e2e/proof && go test -count=1 -v -timeout 30m -tags sabotage -run TestEveryMutant ./simulation | { grep -vE '^ *=== ' || true; }

conformance: ## run the suites of store, loop, broker and registry on the real components (Docker)
	@cd pkg && $(REAL) -timeout 15m ./store ./engine ./kafka ./registry
	@cd deploy/local && $(REAL) ./registry
	@cd services/order && $(REAL) -run TestTwoInstances .

e2e: ## play the stories on TARGET=local, compose, or url (ORDER_URL, ...: any deployment)
	@$(if $(filter compose,$(TARGET)),docker compose build --quiet)
	@set -o pipefail; cd e2e && TARGET=$(TARGET) go test -count=1 -v -timeout 25m . | { trap '' INT; grep --line-buffered -vE '^=== (RUN|PAUSE|CONT)' || true; }

foreign: ## read and write as Python and kcat do, on the system at PORT_BASE
	@PORT_BASE=$(PORT_BASE) e2e/foreign/run

chaos: build ## (Docker) 10,000 orders on two instances of each service, one killed or frozen every 10 s
	@docker compose build --quiet
	@$(BIN)/chaos $(CHAOS)

upgrade: build ## (Docker) orders while every instance is replaced: the version before, this one, back, this one
	@git cat-file -e '$(BEFORE)^{commit}' 2>/dev/null || { echo "upgrade: $(BEFORE), the version before, is not in this clone; git fetch --unshallow brings the history"; exit 1; }
	@docker image inspect $(SERVICES:%=quintet/%:$(BEFORE)) >/dev/null 2>&1 || { dir=$$(mktemp -d) && trap "rm -rf $$dir" EXIT && \
		git archive $(BEFORE) | tar -xC $$dir && VERSION=$(BEFORE) docker compose --project-directory $$dir -f $$dir/docker-compose.yml build --quiet $(SERVICES); }
	@docker compose build --quiet
	@$(BIN)/chaos --before $(BEFORE) --orders 20000 --for 30m --every 15s $(UPGRADE)

# Saturated, the slowest peers need 40 s for the orders that are open at the beginning.
bench: build ## (Docker) measure the arms that are built, in both worlds: five repetitions, report and plots in .quintet/bench
	@$(BIN)/bench run --world embedded --arms A,I,T,D,M --out .quintet/bench/embedded $(BENCH)
	@$(BIN)/bench run --world real --warm 40s --out .quintet/bench/real $(BENCH)

ledger: peers build ## (Docker) measure every arm and profile ours, and write docs/performance.md and docs/capacity.md; an hour
	@$(BIN)/bench run --world embedded --arms "A,A hot=20,A poison=1,A backlog=20000,I,T,D,M" --profile --repeat 3 --out .quintet/bench/embedded $(BENCH)
	@$(BIN)/bench run --world real --rates sat,peer,half,20 --warm 40s --profile --repeat 3 --out .quintet/bench/real $(BENCH)
	@for w in embedded real; do cp .quintet/bench/$$w/results.json e2e/bench/testdata/$$w.json; done
	@$(BIN)/bench ledger

# All but the first differ from it in one thing; what there is: e2e/bench/variant.go.
GROWTH := A,A lines=1,A lines=4,A lines=8,A lines=16,A hot=20,A hot=100,A poison=1,A poison=10,A open=150,A open=5000,A open=20000,A backlog=20000,A backlog=50000,A history=10000,A history=30000,A partitions=1,A partitions=4,A partitions=48
growth: build ## (Docker) measure how the cost of an order grows, and write docs/growth.md; an hour
	@$(BIN)/bench run --arms "$(GROWTH)" --rates sat --repeat 2 --out .quintet/bench/growth-embedded $(BENCH)
	@$(BIN)/bench run --world real --arms "A,A instances=2,A instances=4" --rates sat --warm 40s --repeat 2 --out .quintet/bench/growth-real $(BENCH)
	@for w in embedded real; do cp .quintet/bench/growth-$$w/results.json e2e/bench/testdata/growth-$$w.json; done
	@$(BIN)/bench growth

endurance: build ## saturate the system for half an hour, and write into docs/growth.md what became of it
	@$(BIN)/bench run --arms A --rates sat --for 30m --repeat 1 --out .quintet/bench/growth-long $(BENCH)
	@cp .quintet/bench/growth-long/results.json e2e/bench/testdata/growth-long.json
	@$(BIN)/bench growth

peers: ## build what it is measured against into e2e/peers/bin
	@cd e2e/peers && GOWORK=off go build -o bin/ ./cmd/...
	@rm -rf e2e/peers/bin/connect; if command -v mvn >/dev/null; then mvn -q -B -f e2e/peers/debezium/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/e2e/peers/bin/connect; \
		else echo "peers: there is no Maven, so Debezium's arm is left out"; fi

bench-quick: build ## fail when an order needs more than it did, or got slower against a yardstick; two minutes
	@$(BIN)/bench run --arms A,Y --rates sat,20 --repeat 3 --for 5s --warm 4s --out .quintet/bench/quick
	@$(BIN)/bench gate .quintet/bench/quick

generate: ## write what is made from code and schemas
	@cd schemas && go run ./gen
	@cd e2e/proof && go run ./cmd/flowdoc
	@cd e2e/proof && go run ./cmd/explore --document ../../docs/correctness.md

generate-check: generate ## fail when generated files are not up to date
	@git diff --exit-code

lint: ## run the linter over every module
	@for m in $(MODULES); do (cd $$m && $(GOLANGCI) run --allow-parallel-runners ./...) || exit 1; done

vuln: build ## fail when a program has a known vulnerability that can be reached
	@.ci/vuln

build-alone: ## build each service as its own module
	@for s in $(SERVICES); do (cd services/$$s && GOWORK=off go build -o /dev/null ./...) || exit 1; done

tidy: ## tidy every module
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy) || exit 1; done

clean: ## remove programs and state
	@if [ -x $(BIN)/local ]; then $(BIN)/local clean; else rm -rf .quintet; fi
	@rm -rf $(BIN)

.PHONY: help build run up down demo flow test explore mutants simulate sabotage conformance e2e foreign chaos upgrade bench ledger growth endurance peers bench-quick generate generate-check lint vuln build-alone tidy clean
.DEFAULT_GOAL := help
