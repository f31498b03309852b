# plaquerisk: `make` prints the targets. Needs only Go 1.26 and make; targets
# that use more say so and skip what is not there.

GO      ?= go
OUT     ?= out
BIN     := bin/plaquerisk
export CGO_ENABLED ?= 0
# The same instructions on every amd64 machine, so that results keep their bits.
export GOAMD64 ?= v1
STATICCHECK := $(GO) tool -modfile=tools.mod staticcheck

.PHONY: help build demo test test-all race cover bench fuzz fuzz-dicom fmt lint generate verification golden model study honesty check clean

help: ## print the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

build: ## build bin/plaquerisk, one static binary
	$(GO) build -trimpath -o $(BIN) ./cmd/plaquerisk

demo: build ## phantom patient to risk report, in $(OUT)/demo
	$(BIN) demo --out $(OUT)/demo --overwrite

test: ## short tests of all packages, two minutes once compiled
	$(GO) test -short ./...

test-all: ## all tests, some of them slow
	$(GO) test -timeout 30m ./...

# The packages that start goroutines, and pipeline, which runs all of them.
RACE := ./internal/... ./cohort ./dicom ./imaging ./radiomics/... ./classifier ./classifier/boost ./dicom/codec ./dicom/pixel ./dicom/archive ./dicom/web ./dicom/dimse ./dicom/index ./fem/... ./pipeline
race: ## short tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -short -race -timeout 20m $(RACE)

cover: ## test coverage, in out/cover.html
	@mkdir -p $(OUT)
	$(GO) test -short -coverprofile=$(OUT)/cover.out ./...
	$(GO) tool cover -html=$(OUT)/cover.out -o $(OUT)/cover.html

bench: ## benchmarks of the kernels
	$(GO) test -run '^$$' -bench . -benchmem ./...

FUZZTIME ?= 30s
fuzz: ## fuzz every reader for FUZZTIME each
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

fuzz-dicom: ## a million damaged files for all readers of images and objects (half an hour)
	PLAQUERISK_FUZZ=1000000 $(GO) test -count=1 -timeout 3h -run '^TestRobust$$' -v ./dicom

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

lint: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go') | tee /dev/stderr)" || { echo 'run make fmt'; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...

generate: ## docs/reference from the code
	$(GO) test -count=1 ./cmd/plaquerisk -run TestReference -update
	$(GO) test -count=1 ./cmd/plaquerisk -run TestExamples -update

# PLAQUERISK_PYTHON names a Python with SimpleITK, pandas, pyarrow, meshio, pydicom,
# highdicom, dcmqi, lightgbm, xgboost and onnxruntime for the comparisons that run in
# it; CalculiX (ccx) and dciodvfy are used where they are installed.
verification: ## all comparisons with outside values, into docs/verification.md
	@rm -rf $(OUT)/verify && mkdir -p $(OUT)/verify
	PLAQUERISK_VERIFY=$(abspath $(OUT)/verify) $(GO) test -count=1 -timeout 60m ./...
	$(GO) run ./verification $(OUT)/verify docs/verification.md

golden: ## rewrite golden files; commit them alone, saying why
	$(GO) test ./... -update

model: build ## train the shipped model anew on a phantom cohort (up to 15 minutes)
	./scripts/model.sh $(BIN) $(OUT)/model

honesty: ## a thousand cohorts of noise, what evaluate says of them (an hour)
	PLAQUERISK_DRAWS=1000 $(GO) test -count=1 -timeout 6h -run TestHonesty -v ./classifier/steps

study: build ## full phantom cohorts: three arms, null coverage (long)
	./scripts/study.sh $(BIN) $(OUT)/study

check: lint build test ## what CI runs: lint, tests, generated pages, demo, promises
	$(GO) test -count=1 ./internal/arch
	./scripts/check.sh $(BIN) $(OUT)/check

clean: ## remove what make made
	rm -rf bin $(OUT)
