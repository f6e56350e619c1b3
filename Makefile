# Commands for developers; `make help` lists them.
.DEFAULT_GOAL := help
# Every target with a description.
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\#.*/\1/p' $(firstword $(MAKEFILE_LIST)))

CARGO ?= cargo
PROFILE ?= dev
BENCH_PROFILE ?= release
# `make … CARGO_TARGET_DIR=…` reaches cargo in recipes, but not in $(shell) before make 4.4.
TARGET_DIR = $(or $(CARGO_TARGET_DIR),$(shell $(CARGO) metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'))

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

prepare: ## install missing packages: compiler, protoc, PostgreSQL, Redis
	@scripts/prepare.sh

build: prepare ## build the workspace
	$(CARGO) build --workspace --locked

run: build ## start the whole mesh with demo data: gateway on 8080, sandbox on 8090 (ARGS="--set KEY=VALUE")
	@exec $(TARGET_DIR)/debug/carshare run $(ARGS)

demo: build ## play a rental of two weeks in seconds on a mesh of its own, and print its timeline
	@exec $(TARGET_DIR)/debug/carshare demo

test: build ## run all tests but the drills, and the README's commands
	$(CARGO) test --workspace --locked --no-fail-fast -- --skip drills::
	@scripts/test-readme.sh $(TARGET_DIR)/debug/carshare

chaos: build ## guests and hosts on two replicas of everything under random faults (MINUTES=10 SEED=…)
	CHAOS_MINUTES=$(or $(MINUTES),10) CHAOS_SEED=$(SEED) $(CARGO) test --workspace --test it --locked -- chaos --nocapture

drill: build ## lose databases and Redis under load and restore them by scripts/backup.sh; prints RTO and RPO
	$(CARGO) test --workspace --test it --locked -- drills --nocapture --test-threads 1

test-upgrade: build ## run the processes of an older release on this schema, and replace them under load (FROM=<git reference>)
	@scripts/test-upgrade.sh $(TARGET_DIR) $(FROM)

fuzz: build ## malformed and unusual requests of every RPC over every protocol (MINUTES=10 SEED=… CASE=…)
	FUZZ_MINUTES=$(or $(MINUTES),10) FUZZ_SEED=$(SEED) FUZZ_CASE=$(CASE) $(CARGO) test --workspace --test it --locked -- fuzz::every --nocapture

image: ## build the image carshare:local with docker or podman (TAG=… PROFILE=release)
	@PROFILE=$(or $(filter-out dev,$(PROFILE)),dist) scripts/image.sh $(or $(TAG),local)

local-images: ## make the base and server images from Debian packages, where no image registry is reached (needs root and podman)
	@scripts/local-images.sh

compose-up: ## start the mesh in containers, and wait until it is ready (COMPOSE_PROFILES=telemetry)
	@scripts/compose.sh up

compose-down: ## stop the containers
	@scripts/compose.sh down

compose-reset: ## stop the containers and delete their data
	@scripts/compose.sh reset

test-compose: ## run the README's journey against the containers
	@scripts/compose.sh test

client-protos: build ## write the protos for app developers, without custom options, to clients/proto
	@rm -rf clients/proto
	@$(TARGET_DIR)/debug/carshare-gateway client-protos clients/proto >/dev/null

test-clients: build ## run the booking journey with grpcio over reflection and buf curl over gRPC-web, and the examples in Python and Go
	@scripts/test-clients.sh $(TARGET_DIR)/debug/carshare-gateway $(TARGET_DIR)/debug/carshare

test-web-clients: build ## build the TypeScript package and call the mesh with it, connect-es and grpc-js, in Node and headless Chromium (needs npm)
	@scripts/test-web-clients.sh $(TARGET_DIR)/debug/carshare-gateway $(TARGET_DIR)/debug/carshare

test-openapi: build ## lint the API document, build TypeScript and Python packages from it, run its Postman collection (needs npm)
	@scripts/test-openapi.sh $(TARGET_DIR)/debug/carshare-gateway $(TARGET_DIR)/debug/carshare

test-alerts: ## check the rules of Prometheus, and test each alert firing and quiet
	@scripts/test-alerts.sh

test-dashboards: build ## ask the query of every panel at a Prometheus that scrapes a temporary mesh (needs prometheus)
	@scripts/test-dashboards.sh $(TARGET_DIR)/debug/carshare

test-readme: build ## run the README's commands and compare their output
	@scripts/test-readme.sh $(TARGET_DIR)/debug/carshare

lint: ## check formatting, clippy, protos and migrations, also against the last release, the dependencies, and what is deployed
	@scripts/prepare.sh lint
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@scripts/buf.sh lint
	@scripts/lint-migrations.sh
	@scripts/deny.sh
	@scripts/lint-deploy.sh

lint-deploy: ## check manifests, Dockerfile, docker-compose.yml, Tiltfile and the rules of Prometheus
	@scripts/prepare.sh lint
	@scripts/lint-deploy.sh

coverage: prepare ## run all tests with coverage: 80 % overall, 90 % of domain modules (ARGS="…" for cargo test)
	@scripts/coverage.sh $(TARGET_DIR) $(ARGS)

kube-play: ## play the manifests with podman, and run the README's journey against them (needs root)
	@scripts/kube-play.sh

audit: ## fetch the database of advisories and check the dependencies for known vulnerabilities (needs github.com)
	@scripts/deny.sh audit

sbom: prepare ## write the bill of materials of the binaries to sbom.cdx.json (CycloneDX)
	@scripts/sbom.sh >sbom.cdx.json

secrets-scan: ## look for secrets in the files of the repository (SCAN=history: in every line they ever had)
	@scripts/secrets-scan.sh $(or $(SCAN),files)

fmt: ## format code and protos
	$(CARGO) fmt --all
	@scripts/buf.sh format

docs: ## generate docs/errors.md from the protos
	$(CARGO) run -q --locked -p carshare-proto --example error_catalogue > docs/errors.md

release-contract: ## make protos and migrations those of a release: `make lint` compares later changes with them
	@scripts/buf.sh release
	@scripts/lint-migrations.sh release

reset: ## remove the data of the local mesh
	rm -rf .carshare

bench-smoke: prepare ## measure start-up time, idle memory and CPU per request (PROFILE=release for an optimised build)
	$(CARGO) build --workspace --locked --profile $(PROFILE)
	@$(TARGET_DIR)/$(patsubst dev,debug,$(PROFILE))/carshare-bench smoke

bench: ## load data and measure each kind of work beside pgbench and nginx; writes docs/PERFORMANCE.md (CARS=100000 BOOKINGS=1000000)
	@scripts/prepare.sh bench
	$(CARGO) build --workspace --bins --locked --profile $(BENCH_PROFILE)
	@$(TARGET_DIR)/$(patsubst dev,debug,$(BENCH_PROFILE))/carshare-bench run --cars $(or $(CARS),100000) --bookings $(or $(BOOKINGS),1000000) $(BENCH_ARGS) --write docs/PERFORMANCE.md
