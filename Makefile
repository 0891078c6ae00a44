# cellftpd. `make demo` and `make test` need Rust, root, and apt-get for what else they need.

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
CARGO ?= cargo
SHELL = /bin/bash
CARGO_TARGET_DIR ?= target

RELEASE = $(CARGO_TARGET_DIR)/release
# An existing configuration is never overwritten: the new one is put beside it.
KEEP = sh -c 'if [ -e "$$2" ]; then install -m 644 "$$1" "$$2.new"; else install -m 644 "$$1" "$$2"; fi' keep
# The shipped files say /usr/sbin.
TO_SBINDIR = sed 's|/usr/sbin/cellftpd|$(SBINDIR)/cellftpd|'
# The service of the other socket: the same, with TLS from the first byte on.
IMPLICIT = sed -e 's|^ExecStart=.*|& --implicit-tls|' -e 's|^Description=FTP session|&, implicit TLS|'

.PHONY: all demo test hunt mutants check-format clean install

all:
	CELLFTPD_LIBEXECDIR=$(LIBEXECDIR)/cellftpd $(CARGO) build --release --locked

# A site behind xinetd on 127.0.0.1:2121, tried with a real client, up until Ctrl-C. DEMO=once ends by itself.
demo:
	@sh tests/install/packages.sh demo
	$(CARGO) build --locked
	@CARGO_TARGET_DIR="$(abspath $(CARGO_TARGET_DIR))" sh tests/demo.sh

test:
	sh tests/install/packages.sh test
	sh tests/install/accounts.sh
	CARGO_TARGET_DIR="$(abspath $(CARGO_TARGET_DIR))" sh tests/install/clients.sh
	$(CARGO) fmt --all --check
	$(CARGO) fmt --check --manifest-path tests/client/suppaftp/Cargo.toml
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) build --locked
	@set -o pipefail; log=$(CARGO_TARGET_DIR)/test.log; \
	$(CARGO) test --locked --workspace --no-fail-fast --lib --bins --tests 2>&1 | tee $$log; status=$$?; \
	awk '/^test result/ { passed += $$4; failed += $$6; ignored += $$8 } \
	    END { print passed " passed, " failed " failed, " ignored " ignored" }' $$log; \
	exit $$status

# What takes too long for each run: a scanner of TLS. After `make test`, as root.
hunt:
	sh tests/install/packages.sh hunt
	$(CARGO) build --locked
	$(CARGO) test --locked --no-fail-fast --test ftps -- --ignored

# Changes the grammar and the verbs in some 800 places, one at a time, and tells which changes no test notices: an hour
# or two, as root. docs/mutants.md has the figures and why each survivor is none.
mutants:
	sh tests/install/packages.sh test
	sh tests/install/accounts.sh
	command -v cargo-mutants >/dev/null || $(CARGO) install --locked cargo-mutants
	$(CARGO) mutants --package cellftpd-ftp --output $(CARGO_TARGET_DIR)/mutants/ftp
	$(CARGO) mutants --file 'src/verb/**' --output $(CARGO_TARGET_DIR)/mutants/verb -- --lib --test dialogue --test protocol

check-format:
	$(CARGO) fmt --all --check

clean:
	$(CARGO) clean

# After `make`, as root: both programs, configuration, super-servers' files. Enables nothing and makes no accounts
# (`systemd-sysusers`, or tests/install/accounts.sh).
install:
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(LIBEXECDIR)/cellftpd $(DESTDIR)$(SYSCONFDIR)/cellftpd \
	    $(DESTDIR)$(SYSCONFDIR)/pam.d $(DESTDIR)$(SYSCONFDIR)/xinetd.d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR)
	install -m 755 $(RELEASE)/cellftpd $(DESTDIR)$(SBINDIR)/cellftpd
	install -m 755 $(RELEASE)/cellftpd-pam $(DESTDIR)$(LIBEXECDIR)/cellftpd/cellftpd-pam
	$(KEEP) conf/cellftpd.toml $(DESTDIR)$(SYSCONFDIR)/cellftpd/cellftpd.toml
	$(KEEP) conf/pam.d/cellftpd $(DESTDIR)$(SYSCONFDIR)/pam.d/cellftpd
	$(TO_SBINDIR) xinetd.d/cellftpd >$(RELEASE)/xinetd-entry
	$(KEEP) $(RELEASE)/xinetd-entry $(DESTDIR)$(SYSCONFDIR)/xinetd.d/cellftpd
	$(TO_SBINDIR) xinetd.d/cellftpd-implicit >$(RELEASE)/xinetd-entry
	$(KEEP) $(RELEASE)/xinetd-entry $(DESTDIR)$(SYSCONFDIR)/xinetd.d/cellftpd-implicit
	install -m 644 systemd/cellftpd.socket systemd/cellftpd-implicit.socket $(DESTDIR)$(UNITDIR)
	$(TO_SBINDIR) systemd/cellftpd@.service >$(RELEASE)/session-unit
	install -m 644 $(RELEASE)/session-unit $(DESTDIR)$(UNITDIR)/cellftpd@.service
	$(IMPLICIT) $(RELEASE)/session-unit >$(DESTDIR)$(UNITDIR)/cellftpd-implicit@.service
	install -m 644 conf/sysusers.d/cellftpd.conf $(DESTDIR)$(SYSUSERSDIR)/cellftpd.conf
