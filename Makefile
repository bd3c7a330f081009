# make help lists the targets; each says what it does after its ##.

.DEFAULT_GOAL := help
SHELL := /bin/bash

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The PostgreSQL parser is C: it is linked in statically, so that the binary
# runs on any Linux, distroless/static included. netgo and osusergo keep glibc's
# name lookups out, which can't be linked statically.
STATIC := -trimpath -tags netgo,osusergo \
	-ldflags '-s -w -X main.version=$(VERSION) -linkmode external -extldflags -static'

GOLANGCI_LINT := .tools/golangci-lint-v2.15.0

# Rooms where things run at the same time; the race detector takes minutes, so
# it runs where races would hurt. Those that write to the store do it on the one
# that several nodes share.
RACED := ./queue ./deploy ./queue/redisbell ./executor/runner ./executor/postgres ./executor/mysql ./executor/torture

# Tests wait for servers more than they compute, so more packages than cores run at
# once. No debugger looks at them, and without its data (-w) they are linked in half
# the time.
GO_TEST := go test -vet=off -ldflags=-w -timeout 10m -p 4

FUZZTIME ?= 30s

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what is missing: gcc, postgresql, mariadb-server, redis-server (by apt)
	@scripts/setup

.PHONY: demo
demo: setup build ## a whole rollout on this machine: no account, no docker, no network
	bin/shipsql demo

.PHONY: test
test: setup ## vet and test everything; on both stores, and with the race detector, where it matters
	@scripts/mysql || echo "test: no MySQL here, its tests are skipped" >&2
	go vet ./...
	$(GO_TEST) ./...
	SHIPSQL_TEST_STORE=postgres $(GO_TEST) -race $(RACED)

.PHONY: torture
torture: setup ## the crash, fault and break tests at full count; goes on where it was interrupted
	@scripts/mysql || echo "torture: no MySQL here, its tests are skipped" >&2
	@scripts/torture

.PHONY: bench
bench: setup ## speed as ratios against a baseline of the same run, and idle memory
	@scripts/bench

.PHONY: fuzz
fuzz: setup ## every fuzz target for FUZZTIME (30s) each
	@scripts/fuzz $(FUZZTIME)

.PHONY: helm
helm: ## lint, render and check the Helm chart in charts/shipsql
	cd scripts/helm-check && go test ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## golangci-lint with .golangci.yml
	$(GOLANGCI_LINT) run

$(GOLANGCI_LINT):
	GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv .tools/golangci-lint $@

.PHONY: build
build: ## bin/shipsql for this machine
	go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/shipsql ./cmd/shipsql

.PHONY: static
static: ## bin/shipsql as the container has it: one static binary
	go build $(STATIC) -o bin/shipsql ./cmd/shipsql

.PHONY: docker
docker: ## the container image shipsql:VERSION
	docker build --build-arg VERSION=$(VERSION) -t shipsql:$(VERSION) .
