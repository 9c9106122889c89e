# SPDX-License-Identifier: ISC
# weir: build, test, install. `make help` lists the targets.

VERSION := 0.1.0
MODE    ?= release
CC      ?= gcc
BUILD   := build/$(MODE)$(if $(filter clang%,$(CC)),-clang)

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
LIBDIR  ?= $(PREFIX)/lib
MANDIR  ?= $(PREFIX)/share/man
DESTDIR ?=

# Debian packages, by what needs them. `make deps` installs what is missing.
DEPS_BUILD := gcc libc6-dev pkg-config libsqlite3-dev libevent-dev libpcap-dev \
	libyajl-dev zlib1g-dev libmd-dev libcsv-dev libcurl4-openssl-dev \
	librrd-dev libgd-dev fonts-dejavu-core libconfuse-dev \
	libmaxminddb-dev nettle-dev netbase tzdata
DEPS_TEST  := libcmocka-dev rrdtool sqlite3 nfdump softflowd python3 faketime \
	clang-format clang-tidy cppcheck shellcheck mandoc
DEPS_BENCH := pmacct

PACKAGES := sqlite3 libevent_core libevent_extra libpcap yajl zlib libmd \
	libconfuse libmaxminddb nettle
# Loaded when they are needed: see schema/base/lazy.h.
PACKAGES_LAZY := libcurl librrd gdlib

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wpointer-arith \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla
ifdef WERROR
WARNINGS += -Werror
endif

CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS_debug   := -O0 -g3
CFLAGS_san     := -O1 -g -fsanitize=address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
CFLAGS_cov     := -O0 -g --coverage
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_san    := -fsanitize=address,undefined
LDFLAGS_tsan   := -fsanitize=thread
LDFLAGS_cov    := --coverage
ifeq ($(origin CFLAGS_$(MODE)),undefined)
$(error MODE=$(MODE) is unknown: use release, debug, san, tsan or cov)
endif

# Read when the first thing is compiled, so that `make deps` works without them.
LIB_CFLAGS = $(eval LIB_CFLAGS := $$(shell pkg-config --cflags $$(PACKAGES) \
	$$(PACKAGES_LAZY) | sed 's/-I/-isystem /g'))$(LIB_CFLAGS)
LIB_LIBS   = $(eval LIB_LIBS := $$(shell pkg-config --libs $$(PACKAGES)) \
	-lcsv -lm)$(LIB_LIBS)

ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -DWEIR_VERSION='"$(VERSION)"' \
	$(WARNINGS) $(CFLAGS_$(MODE)) -fPIC -fvisibility=hidden $(CFLAGS) \
	-pthread -I. -I$(BUILD) -MMD -MP

PARTS := schema/base schema collector query report
SRC   := $(foreach p,$(PARTS),$(wildcard $(p)/*.c))
SQL   := $(foreach p,$(PARTS) schema/migrate,$(wildcard $(p)/*.sql))
LIB   := $(BUILD)/libweir.a
OBJ   := $(patsubst %.c,$(BUILD)/%.o,$(filter-out collector/main.c \
	query/ext.c,$(SRC)))
# Compiled once more for weir.so: what calls SQLite, which is its host's there.
EXT   := $(patsubst %,$(BUILD)/ext/%.o,query/ext schema/db schema/db_bulk \
	$(addprefix query/sql_,cond days flows func module push table))
SQLO  := $(BUILD)/sql.o
ASSET := $(wildcard report/html/*.css report/html/*.js)
ASSETO := $(BUILD)/asset.o

TEST_SRC  := $(wildcard tests/schema/*.c tests/collector/*.c tests/query/*.c \
	tests/report/*.c)
TEST_BIN  := $(patsubst %.c,$(BUILD)/%,$(TEST_SRC))
TEST_HELP := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*.c))
FUZZ_SRC  := $(wildcard tests/fuzz/*.c)
FUZZ_BIN  := $(patsubst %.c,$(BUILD)/%,$(FUZZ_SRC))

Q := $(if $(V),,@)

.PHONY: all
all: $(BUILD)/weir $(BUILD)/weir.so ## build the program (MODE=release|debug|san|tsan|cov)

$(BUILD)/weir: $(BUILD)/collector/main.o $(LIB)
	@echo "link $@"
	$(Q)$(CC) $(LDFLAGS_$(MODE)) $(LDFLAGS) -pthread -o $@ $^ $(LIB_LIBS)

# No -lsqlite3: with -z defs the linker finds what would need it. It stays in
# the process once it is loaded, as the environment may point into it (TZ).
$(BUILD)/weir.so: $(EXT) $(LIB)
	@echo "link $@"
	$(Q)$(CC) $(filter-out -pie,$(LDFLAGS_$(MODE))) $(LDFLAGS) -shared \
		-Wl,-z,defs -Wl,-z,nodelete -pthread -o $@ $^ -lm

$(LIB): $(OBJ) $(SQLO) $(ASSETO)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/%.o: %.c $(BUILD)/sql.h Makefile
	@echo "cc   $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LIB_CFLAGS) -c -o $@ $<

$(BUILD)/ext/%.o: %.c $(BUILD)/sql.h Makefile
	@echo "cc   $< for weir.so"
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -DWEIR_EXTENSION $(LIB_CFLAGS) -c -o $@ $<

# Statements of .sql files as constants. Long ones are over the 4,095 bytes
# that C promises for a literal.
$(BUILD)/sql.h: $(SQL) schema/embed.awk
	@mkdir -p $(@D)
	$(Q)awk -v header=1 -f schema/embed.awk $(SQL) > $@
$(BUILD)/sql.c: $(SQL) schema/embed.awk
	@mkdir -p $(@D)
	$(Q){ echo '#include "sql.h"'; awk -f schema/embed.awk $(SQL); } > $@
$(SQLO): $(BUILD)/sql.c $(BUILD)/sql.h
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-overlength-strings -c -o $@ $<

# Styles and scripts of pages, the same way.
$(BUILD)/asset.c: $(ASSET) report/html/embed.awk
	@mkdir -p $(@D)
	$(Q){ echo '#include "report/html/asset.h"'; \
		awk -f report/html/embed.awk $(ASSET); } > $@
$(ASSETO): $(BUILD)/asset.c report/html/asset.h
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-overlength-strings -c -o $@ $<

.PHONY: deps deps-build deps-test
deps: deps-build deps-test ## install the Debian packages that are missing
deps-build:
	@sh tests/deps.sh $(DEPS_BUILD)
deps-test:
	@sh tests/deps.sh $(DEPS_BUILD) $(DEPS_TEST)

.PHONY: run
run: ## install what is missing, build, fill ./var, report, collect, serve
	@$(MAKE) --no-print-directory deps-build
	@$(MAKE) --no-print-directory all
	@sh contrib/run.sh $(BUILD)/weir var tests/data/softflowd-ndpi-mix.pcap

.PHONY: test check tests
test: ## install what the tests need, build, run every test, also sanitized
	@$(MAKE) --no-print-directory deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=release tests
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=san tests
	@bash tests/run.sh build/release build/san
check: tests ## every test with the build of MODE alone
	@bash tests/run.sh $(BUILD)
tests: all $(TEST_BIN) $(FUZZ_BIN) # build them

$(TEST_BIN): $(BUILD)/%: $(BUILD)/%.o $(TEST_HELP) $(LIB)
	$(Q)$(CC) $(LDFLAGS_$(MODE)) $(LDFLAGS) -pthread -o $@ $^ $(LIB_LIBS) \
		-lcmocka

# With clang: libFuzzer. Otherwise a plain main over files, which replays the
# kept corpus in `make check` and serves AFL.
$(FUZZ_BIN): $(BUILD)/%: $(BUILD)/%.o $(TEST_HELP) $(LIB)
	$(Q)$(CC) $(LDFLAGS_$(MODE)) $(LDFLAGS) -pthread -o $@ $^ $(LIB_LIBS) \
		-lcmocka

.PHONY: lint layers
lint: layers ## static checks: layers, format, cppcheck, clang-tidy, shellcheck
	@bash tests/lint.sh $(SRC) -- $(TEST_SRC) $(wildcard tests/*.[ch]) \
		$(FUZZ_SRC)
layers: ## dependencies between folders point one way
	@bash tests/layers.sh

.PHONY: bench
BENCH_BIN := $(BUILD)/tests/bench/layout
bench: $(BUILD)/weir $(BENCH_BIN) ## measure beside peers (BENCH="layout live size query list graph track shards anonymize")
	@sh tests/deps.sh $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_BENCH)
	@WEIR=$(abspath $(BUILD)/weir) BUILD=$(BUILD) \
		python3 -B tests/bench/run.py $(BENCH)
$(BENCH_BIN): %: %.o $(LIB)
	$(Q)$(CC) $(LDFLAGS_$(MODE)) $(LDFLAGS) -pthread -o $@ $^ $(LIB_LIBS)

.PHONY: golden
golden: tests ## rewrite expected outputs; review the diff like code
	@GOLDEN=write bash tests/run.sh $(BUILD)

.PHONY: install
install: all ## install below PREFIX (DESTDIR is honoured)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/weir \
		$(DESTDIR)$(MANDIR)/man7
	install -m 755 $(BUILD)/weir $(DESTDIR)$(BINDIR)/weir
	install -m 755 $(BUILD)/weir.so $(DESTDIR)$(LIBDIR)/weir/weir.so
	install -m 644 contrib/man/weir-filter.7 $(DESTDIR)$(MANDIR)/man7/

.PHONY: clean help
clean: ## remove build/
	rm -rf build
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

-include $(OBJ:.o=.d) $(EXT:.o=.d) $(BUILD)/collector/main.d $(TEST_BIN:=.d) $(TEST_HELP:.o=.d)
