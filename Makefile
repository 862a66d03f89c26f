# SPDX-License-Identifier: GPL-2.0
# The entry to everything that one does with containerfs; `make help` lists it.

KERNEL ?= 6.1
RELEASE ?= $(shell uname -r)
KDIR ?= /lib/modules/$(RELEASE)/build
# The kernel that KDIR is of.
KDIR_RELEASE = $(or $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h),$(RELEASE))
JOBS ?= $(shell nproc)

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
DKMS_SOURCE = $(DESTDIR)/usr/src/containerfs-$(VERSION)

# The modules for kernel KERNEL are built in a copy of the sources, away from other kernels' objects.
BUILD := build/$(KERNEL)
# C= as KBUILD_CHECKSRC, because the headers of 7.3 turn C= off: they want a sparse that knows
# __typeof_unqual__, which Debian does not have.
KBUILD_FLAGS := $(foreach v,W V CONTAINERFS_KUNIT GCOV_PROFILE,$(if $($v),$v='$($v)')) \
	$(if $(C),KBUILD_CHECKSRC='$(C)' CF='$(CF) -D__typeof_unqual__=__typeof__') \
	$(if $(KCFLAGS)$(WERROR),KCFLAGS='$(KCFLAGS)$(if $(WERROR), -Werror)')

SELFTESTS := $(patsubst scripts/selftests/%.c,build/selftests/%,\
	$(filter-out %/common.c $(wildcard scripts/selftests/lib*.c),$(wildcard scripts/selftests/*.c)))
SELFTESTS_SHARED := $(wildcard scripts/selftests/common.c scripts/selftests/lib*.c)
# What "make soak" repeats: whatever races.
SOAK ?= stress trees_stress inherit exits sets subsys_forks subsys_files numtasks_limits \
	numtasks_forks unload fuzz storm hostile
# What "make kcsan" runs
KCSAN ?= stress sets inherit exits numtasks_limits numtasks_forks cpuacct fuzz
# Those for which emulated processors take turns
STORMS = $(shell scripts/selftests/run storms)
soak = $(if $(1),@scripts/vm $(2) -k $(KERNEL) -t 0 -f build/selftests \
	-l build/soak-$(KERNEL)$(2).log env CONTAINERFS_SCALE=$(or $(CONTAINERFS_SCALE),1000) \
	sh /files/run $(or $(HOOK),ftrace) \
	$(foreach round,$(shell seq $(or $(ROUNDS),10)),$(1)))
SELFTESTS_PLAIN := $(filter-out %.c %.h %/subsys,$(wildcard scripts/selftests/*))

.PHONY: all help modules install uninstall dkms-source dkms-install dkms-uninstall deb recorder \
	selftests vm kunit coverage soak kcsan stress-ng demo bench profile check check-install clean
.DELETE_ON_ERROR:

all: ## build the modules for the running kernel, or against KDIR=
	@test -e $(KDIR)/Makefile || { \
		echo "The headers of kernel $(RELEASE) are missing: no $(KDIR)."; \
		echo "On Debian: apt install linux-headers-$(RELEASE)"; exit 1; } >&2
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

help: ## list what can be made
	@sed -n 's/^\([a-z_-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16
	@echo 'KERNEL= is one of 6.1 6.12 7.3, by default 6.1, or debug or kcsan: see scripts/kernels'

modules: ## build for a Debian kernel into build/KERNEL; also W=1 C=2 CF= KCFLAGS= WERROR=1
	@mkdir -p $(BUILD)
	@find Kbuild dkms.conf $(wildcard src include kunit) -name '*.[chS]' -o -name Kbuild \
		-o -name dkms.conf | \
		while read -r f; do \
			cmp -s "$$f" "$(BUILD)/$$f" || install -D -m 644 "$$f" "$(BUILD)/$$f"; \
		done
	@cd $(BUILD) && find . -name '*.[chS]' ! -name '*.mod.c' ! -name '.*' | \
		while read -r f; do test -e "$(CURDIR)/$$f" || rm "$$f"; done
	MAKEFLAGS= scripts/kernels make $(KERNEL) $(BUILD) -j$(JOBS) $(KBUILD_FLAGS) modules

recorder: modules ## build the modules of the selftests, outside the tree, for a Debian kernel
	@mkdir -p $(BUILD)/recorder
	@cp -r scripts/selftests/subsys/. include $(BUILD)/recorder
	@cp $(BUILD)/Module.symvers $(BUILD)/recorder/containerfs.symvers
	MAKEFLAGS= scripts/kernels make $(KERNEL) $(BUILD)/recorder -j$(JOBS) $(KBUILD_FLAGS) \
		KBUILD_EXTRA_SYMBOLS=$(CURDIR)/$(BUILD)/recorder/containerfs.symvers modules
	@cp $(BUILD)/recorder/rc_recorder.ko $(BUILD)/recorder/meddler.ko $(BUILD)

selftests: $(SELFTESTS) ## build the programs that test the modules, for any guest
	@scripts/deps gcc libc6-dev
	@mkdir -p build/selftests
	@$(if $(SELFTESTS_PLAIN),cp -p $(SELFTESTS_PLAIN) build/selftests/)

build/selftests/%: scripts/selftests/%.c $(SELFTESTS_SHARED) $(wildcard scripts/selftests/*.h)
	@scripts/deps gcc libc6-dev
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@gcc -static -O1 -Wall -Wextra -Werror -pthread -Iscripts/selftests \
		-isystem "$$(scripts/kernels source)/tools/testing/selftests" \
		-o $@ $< $(SELFTESTS_SHARED)

install: all ## install the modules, and what building a subsystem module needs; DESTDIR=
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) modules_install
	install -D -m 644 include/containerfs/subsys.h \
		$(DESTDIR)/usr/src/containerfs/include/containerfs/subsys.h
	install -D -m 644 Module.symvers \
		$(DESTDIR)/usr/src/containerfs/$(KDIR_RELEASE)/Module.symvers
	$(if $(DESTDIR),,depmod $(KDIR_RELEASE))

uninstall: ## undo install, and leave what a package or DKMS has installed
	dpkg-query -S $(DESTDIR)/usr/src/containerfs >/dev/null 2>&1 || \
		rm -rf $(DESTDIR)/usr/src/containerfs
	find $(DESTDIR)/lib/modules/$(KDIR_RELEASE) -path '*/updates/dkms' -prune -o \
		\( -name 'containerfs.ko*' -o -name 'rc_debug.ko*' -o -name 'rc_cpuacct.ko*' -o \
		-name 'rc_numtasks.ko*' \) -exec rm -f {} +
	$(if $(DESTDIR),,depmod $(KDIR_RELEASE))

dkms-source: ## install the sources where DKMS finds them; DESTDIR=
	@find dkms.conf Kbuild LICENSE src include scripts/dkms-symvers -type f \
		\( -name '*.[chS]' -o ! -name '*.*' -o -name dkms.conf \) | while read -r f; do \
		mode=644; test ! -x "$$f" || mode=755; \
		install -D -m $$mode "$$f" "$(DKMS_SOURCE)/$$f"; \
	done

dkms-install: dkms-uninstall ## have DKMS build and install the modules, for later kernels too
	@scripts/deps dkms
	@$(MAKE) --no-print-directory dkms-source
	dkms install -m containerfs -v $(VERSION) -k $(RELEASE)

dkms-uninstall: ## undo dkms-install, whatever the version was
	@for dir in /usr/src/containerfs-[0-9]*; do \
		test -d "$$dir" || continue; \
		if dpkg-query -S "$$dir" >/dev/null 2>&1; then \
			echo "$$dir belongs to a package: apt purge containerfs-dkms" >&2; exit 1; \
		fi; \
		test ! -d "/var/lib/dkms/containerfs/$${dir##*-}" || \
			dkms remove -m containerfs -v "$${dir##*-}" --all || exit; \
		rm -rf "$$dir"; \
	done

deb: ## build the Debian packages into build/deb, and have lintian judge them
	@scripts/deb

vm: modules ## a shell in a guest with the modules loaded and the tree at /dev/container
	@scripts/vm -k $(KERNEL) -c sh -c 'mkdir /dev/container && modprobe containerfs && \
		mount -t container container /dev/container && cd /dev/container && exec sh'

kunit: ## run the suites of kunit/ in a guest with the debug kernel; also SUITE=
	@$(MAKE) --no-print-directory modules KERNEL=debug BUILD=build/kunit CONTAINERFS_KUNIT=y
	@scripts/vm -k debug -f build/kunit/containerfs_kunit.ko -f kunit/run -l build/kunit/log \
		sh /files/run $(SUITE)

coverage: selftests ## run all tests on the debug kernel, print how many lines they reach
	@$(MAKE) --no-print-directory modules KERNEL=debug BUILD=build/coverage/kunit \
		CONTAINERFS_KUNIT=y GCOV_PROFILE=y
	@$(MAKE) --no-print-directory recorder KERNEL=debug BUILD=build/coverage/modules \
		GCOV_PROFILE=y
	@mkdir -p build/coverage/files/kunit
	@cp -p build/selftests/* build/coverage/files/
	@cp -p kunit/run build/coverage/kunit/containerfs_kunit.ko build/coverage/files/kunit/
	@scripts/coverage run

soak: recorder selftests ## run the races for hours, in a guest; also HOOK=kprobe ROUNDS= SOAK=
	$(call soak,$(filter-out $(STORMS),$(SOAK)))
	$(call soak,$(filter $(STORMS),$(SOAK)),-o)
	@$(MAKE) --no-print-directory kcsan stress-ng

kcsan: selftests ## run the races on a kernel that finds data races; also HOOK=kprobe KCSAN=
	@$(MAKE) --no-print-directory recorder KERNEL=kcsan
	@scripts/vm -k kcsan -t 0 -f build/selftests -l build/kcsan.log \
		env CONTAINERFS_SCALE=$(or $(CONTAINERFS_SCALE),5) \
		sh /files/run $(or $(HOOK),ftrace) $(KCSAN)

stress-ng: modules ## run Debian's stress-ng in a container, on a stock kernel; also MINUTES=
	@scripts/stress-ng -k $(KERNEL) $(if $(MINUTES),-m $(MINUTES))

demo: modules ## the README's sessions, in a guest
	@scripts/vm -k $(KERNEL) -f scripts/demo -f README.md sh /files/demo /files/README.md

bench: ## count what it costs, and what others do, in a guest; also JSON=1 COUNT=
	@$(MAKE) --no-print-directory modules >&2
	@scripts/bench/bench -k $(KERNEL) $(if $(JSON),--json) $(if $(COUNT),-n $(COUNT))

profile: modules ## list by function what a fork and exit takes more; also HOOK=kprobe SUBSYS=
	@scripts/bench/profile/profile $(KERNEL) $(or $(HOOK),ftrace) $(SUBSYS)

check: ## build for all kernels, check the sources, run all tests on all kernels
	@scripts/check

check-install: ## install the packages in a real Debian 12 in QEMU: boots, upgrades, purges
	@scripts/check-install

clean: ## remove everything that was built, but not the cache of kernels
	rm -rf build
	find . -name .git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o \
		-name '*.mod.c' -o -name '.*.cmd' -o -name '.*.d' -o -name .module-common.c -o \
		-name Module.symvers -o -name modules.order \) -type f -exec rm -f {} +
