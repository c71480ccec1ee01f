# What to type. `make help` lists it.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python manage.py
# Each process would compile a thousand modules anew: a command starts in 0.5 s with their bytecode, in 1.5 s without.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo run doctor test simulate mutations torture lint audit bench bench-large bench-intake bench-memory bench-million screenshots documents messages install install-dev hooks lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

# The hashes in requirements.txt make sure that what is installed is what was tested.
$(VENV)/.installed: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "OrderBridge needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

install: $(VENV)/.installed ## build .venv from the lock file

install-dev: $(VENV)/.installed-dev ## the same with test and lint tools

hooks: $(VENV)/.installed-dev ## let git run lint and document checks before each commit
	@$(BIN)/pre-commit install

demo: $(VENV)/.installed ## both vendors' stand-ins, workers and admin on this machine; Ctrl-C ends it
	@exec $(RUN) demo

run: $(VENV)/.installed ## workers and web server with the settings of .env
	@$(RUN) migrate --no-input -v 0 && $(RUN) collectstatic --no-input -v 0 && exec $(RUN) serve

doctor: $(VENV)/.installed ## looks at everything that orders depend on, says what to do
	@$(RUN) doctor $(if $(OFFLINE),--offline)

test: $(VENV)/.installed-dev ## the whole test suite (PostgreSQL and browser tests where these are found)
	@$(BIN)/python -m pytest -q -n $(or $(JOBS),auto) --dist loadgroup

lint: $(VENV)/.installed-dev ## format, lint, types, layering, migrations
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy . && $(BIN)/lint-imports
	@DJANGO_SETTINGS_MODULE=tests.settings $(RUN) makemigrations --check --dry-run

audit: $(VENV)/.installed-dev ## known vulnerabilities of the dependencies (pip-audit); SKIPPED where no advisories can be had
	@$(BIN)/python .ci/audit.py

simulate: $(VENV)/.installed-dev ## seeded stories with faults, crashes and changes of mind: SEEDS=2000 FIRST=1 JOBS=2
	@PYTHONHASHSEED=0 DJANGO_SETTINGS_MODULE=tests.simulation.settings $(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),2000) --first $(or $(FIRST),1) $(if $(JOBS),--jobs $(JOBS))

mutations: $(VENV)/.installed-dev ## break the product on purpose, one promise at a time, and see whether a test notices: ONLY=text
	@$(BIN)/python -m tests.mutations $(if $(ONLY),--only "$(ONLY)")

torture: $(VENV)/.installed-dev ## real workers on PostgreSQL, killed while orders travel: ARGS="--orders 1000 --kills 30", ARGS=--sqlite
	@$(BIN)/python -m tests.torture $(ARGS)

bench: $(VENV)/.installed-dev ## speed and request counts against the sandbox
	@mkdir -p var && rm -f var/bench.sqlite3* && DJANGO_SECRET_KEY=bench LOG_LEVEL=ERROR DATABASE_URL=$${BENCH_DATABASE_URL:-sqlite:///$(CURDIR)/var/bench.sqlite3} $(RUN) bench

bench-large: $(VENV)/.installed-dev ## the flows at the vendors' documented limits, with slow vendors (about five minutes)
	@mkdir -p var && rm -f var/bench.sqlite3* && DJANGO_SECRET_KEY=bench LOG_LEVEL=ERROR DATABASE_URL=$${BENCH_DATABASE_URL:-sqlite:///$(CURDIR)/var/bench.sqlite3} $(RUN) benchlimits

bench-intake: $(VENV)/.installed-dev ## how many new orders are stored in a second (PostgreSQL in BENCH_DATABASE_URL)
	@mkdir -p var && rm -f var/bench.sqlite3* && DJANGO_SECRET_KEY=bench LOG_LEVEL=ERROR DATABASE_URL=$${BENCH_DATABASE_URL:-sqlite:///$(CURDIR)/var/bench.sqlite3} $(RUN) benchintake

bench-memory: $(VENV)/.installed-dev ## a process that pulls many large orders (PostgreSQL in BENCH_DATABASE_URL): ORDERS=20000 BYTES=20000
	@mkdir -p var && rm -f var/bench.sqlite3* && DJANGO_SECRET_KEY=bench LOG_LEVEL=ERROR DATABASE_URL=$${BENCH_DATABASE_URL:-sqlite:///$(CURDIR)/var/bench.sqlite3} $(RUN) benchmemory --orders $(or $(ORDERS),20000) --bytes $(or $(BYTES),20000)

bench-million: $(VENV)/.installed-dev ## pages, API and flows beside very many orders: BENCH_DATABASE_URL=postgres://... ORDERS=1000000
	@DATABASE_URL=$${BENCH_DATABASE_URL:?the address of an empty PostgreSQL database} $(BIN)/python -m tests.million $(or $(ORDERS),1000000)

bench-workers: $(VENV)/.installed-dev ## one, two and four worker processes on one database (PostgreSQL in BENCH_DATABASE_URL)
	@mkdir -p var && rm -f var/bench.sqlite3* && DJANGO_SECRET_KEY=bench LOG_LEVEL=ERROR DATABASE_URL=$${BENCH_DATABASE_URL:-sqlite:///$(CURDIR)/var/bench.sqlite3} $(RUN) benchworkers

screenshots: $(VENV)/.installed-dev ## pictures of the main pages, from the demo, to docs/screenshots
	@$(BIN)/python docs/screenshots.py

documents: $(VENV)/.installed ## make the documents anew that are made from the program
	@DJANGO_SECRET_KEY=$${DJANGO_SECRET_KEY:-documents} $(RUN) documents

messages: $(VENV)/.installed-dev ## collect and compile translations (needs gettext)
	@$(RUN) makemessages -l zh_Hans --no-wrap --no-location -i '.venv/*' -i 'tests/*' && $(RUN) compilemessages -l zh_Hans -i '.venv'

lock: ## renew uv.lock and the exported requirement files (needs uv)
	uv lock
	uv export -q --no-default-groups --no-emit-project --extra redis -o requirements.txt
	uv export -q --all-groups --extra redis --no-emit-project -o requirements-dev.txt

clean: ## remove what the demo made
	@rm -rf var
