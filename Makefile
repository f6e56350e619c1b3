# Everything a developer types. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help run test lint fmt docs reset prepare build bench-smoke test-clients test-readme

CARGO ?= cargo
PROFILE ?= dev
TARGET_DIR = $(shell $(CARGO) metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

prepare: ## install what is missing: compiler, protoc, PostgreSQL, Redis
	@scripts/prepare.sh

build: prepare ## build everything
	$(CARGO) build --workspace --locked

run: build ## start the whole mesh with demo data: gateway on 8080, sandbox on 8090
	@exec $(TARGET_DIR)/debug/carshare run

test: build ## run the whole test suite, the README's commands included
	$(CARGO) test --workspace --locked --no-fail-fast
	@scripts/test-readme.sh $(TARGET_DIR)/debug/carshare

test-clients: build ## the booking journey with stock clients: Python grpcio over reflection, buf curl over gRPC-web
	@scripts/test-clients.sh $(TARGET_DIR)/debug/carshare

test-readme: build ## the README's booking journey, as pasted
	@scripts/test-readme.sh $(TARGET_DIR)/debug/carshare

lint: prepare ## formatting, clippy, the contract
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@scripts/buf.sh lint

fmt: ## format code and contract
	$(CARGO) fmt --all
	@scripts/buf.sh format

docs: ## print the pages that come from the contract
	$(CARGO) run -q --locked -p carshare-proto --example error_catalogue > docs/errors.md

reset: ## forget the data of the local mesh
	rm -rf .carshare

bench-smoke: prepare ## seconds to ready, memory when idle, CPU of a request (PROFILE=release for real figures)
	$(CARGO) build --workspace --locked --profile $(PROFILE)
	@$(TARGET_DIR)/$(patsubst dev,debug,$(PROFILE))/carshare bench-smoke
